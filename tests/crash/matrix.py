"""The cells of the crash matrix: who is killed, when, and what the jobs of each kind must show afterwards."""

import random
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.utils import timezone

from jobs.enqueue import schedule_job
from jobs.models import ClusterHeartbeat, JobExecution, ScheduledJob
from tests.crash import harness
from tests.crash.harness import Supervised
from tests.jobs.sample import effects
from tests.jobs.sample.handlers import Sample
from tests.support import wait_until

VICTIMS = ("worker", "pusher", "monitor", "sentinel", "cluster", "PostgreSQL")
KINDS = {
    "sample_one": "effect of its own, outside",
    "sample_own_transaction": "completes itself",
    "sample_many": "set-based",
    "sample_once_only": "not repeatable",
}
FLOWING = "while jobs flow"
POINTS = ("before_effect", "after_effect", "after_outcome")
MOMENTS = (FLOWING, *POINTS)

KILLS = 3
"""Of one round of flowing jobs."""
JOBS_PER_KIND = 20
"""Enqueued before each of the kills."""
RETRIES = 20
"""Enough for every kill of a round: no job may end as failed."""
LOST_WITH_THE_WORKER = ("worker", "sentinel", "cluster", "PostgreSQL")
"""Victims whose death ends the attempts that run. The others must go unnoticed by a running attempt."""


@dataclass
class Cell:
    """What was counted for one victim, moment and kind, over all rounds."""

    victim: str
    moment: str
    kind: str
    rounds: int = 0
    kills: int = 0
    jobs: int = 0
    attempts: int = 0
    lost: int = 0
    """Not final, or ended otherwise than it had to, or completed without its effect."""
    doubled: int = 0
    """Completed twice, or a second effect where that is forbidden."""
    repeated: int = 0
    """Repeatable job with a second effect outside the engine's transaction, after a crash."""
    unknown: int = 0
    slowest_rescue: float = 0.0
    """Seconds from the kill to the history's row about the dead attempt."""
    violations: list[str] = field(default_factory=list)


@dataclass
class Result:
    """The matrix, and how often a supervisor had to step in."""

    cells: dict[tuple[str, str, str], Cell] = field(default_factory=dict)
    restarted_dead: Counter[str] = field(default_factory=Counter)
    restarted_stuck: Counter[str] = field(default_factory=Counter)

    def cell(self, victim: str, moment: str, kind: str) -> Cell:
        return self.cells.setdefault((victim, moment, kind), Cell(victim, moment, kind))

    def violations(self) -> list[str]:
        return [text for cell in self.cells.values() for text in cell.violations]

    def as_json(self) -> dict[str, Any]:
        return {
            "cells": [asdict(cell) for cell in self.cells.values()],
            "restarted_dead": dict(self.restarted_dead),
            "restarted_stuck": dict(self.restarted_stuck),
        }


@dataclass(frozen=True)
class Placed:
    """One enqueued job and the cell that it counts for."""

    job_id: str
    kind: str
    moment: str


def run_flow(result: Result, victim: str, *, seed: int, folder: Path) -> None:
    """One round: kill the victim at random moments while short jobs of every kind flow, then count."""
    chance = random.Random(f"{victim} {seed}")
    _reset()
    placed: list[Placed] = []
    killed_at: list[datetime] = []
    with harness.supervised(folder) as cluster:
        for _ in range(KILLS):
            cluster.wait_ready()
            placed += _enqueue_flow(chance, number=len(placed))
            time.sleep(chance.uniform(0, 1.2))  # the moment of the kill: any
            pids = cluster.pids(victim) if victim not in {"cluster", "PostgreSQL"} else []
            killed_at.append(harness.kill(cluster, victim, chance.sample(pids, 1) if pids else None))
            cluster.tend()
        cluster.wait_final()
        _note_restarts(result, victim, cluster)
    _count(result, victim, placed, killed_at)


def run_points(result: Result, victim: str, *, folder: Path) -> None:
    """One round: stop a worker at every point of every kind, kill the victim, let the survivors go, then count."""
    _reset()
    release = folder / "release"
    with harness.supervised(folder, workers=len(KINDS) * len(POINTS)) as cluster:
        placed: list[Placed] = []
        for kind in KINDS:
            for point in POINTS:
                placed += _stop_at(kind, point, gate=folder / f"{kind}-{point}", release=release)
        gates = [path for path in folder.iterdir() if path.name.startswith("sample_")]
        busy = [int(path.read_text()) for path in gates]
        assert len(set(busy)) == len(KINDS) * len(POINTS), "each stop has a worker of its own"
        killed_at = harness.kill(cluster, victim, busy if victim == "worker" else None)
        cluster.tend()
        release.touch()
        cluster.wait_final()
        _note_restarts(result, victim, cluster)
    _count(result, victim, placed, [killed_at])
    for cell in result.cells.values():
        if cell.victim == victim and cell.moment in POINTS:
            _judge_point(cell)


def _reset() -> None:
    """Every round starts alike."""
    ScheduledJob.objects.all().delete()
    JobExecution.objects.all().delete()
    ClusterHeartbeat.objects.all().delete()
    effects.create_table()


def _enqueue_flow(chance: random.Random, *, number: int) -> list[Placed]:
    """Jobs of every kind in a random order, due within the next second."""
    kinds = [kind for kind in KINDS for _ in range(JOBS_PER_KIND)]
    chance.shuffle(kinds)
    now = timezone.now()
    for position, kind in enumerate(kinds):
        job_id = f"{kind}-{number + position}"
        due = now + timedelta(seconds=chance.uniform(0, 1))
        schedule_job(kind, due, Sample(key=job_id, behave="dawdle"), max_retries=RETRIES, job_id=job_id)
    return [Placed(f"{kind}-{number + position}", kind, FLOWING) for position, kind in enumerate(kinds)]


def _stop_at(kind: str, point: str, *, gate: Path, release: Path) -> list[Placed]:
    """Bring one worker to the point, with a job of this kind."""
    job_id = f"{kind}-{point}"
    payload = Sample(key=job_id, behave=f"stop_{point}", gate=str(gate), release=str(release))
    placed = [Placed(job_id, kind, point)]
    schedule_job(kind, timezone.now(), payload, max_retries=RETRIES, job_id=job_id)
    if point == "after_outcome" and kind != "sample_own_transaction":
        # The runner records the outcome after the handler's end: stop its worker in the job after that.
        wait_until(lambda: ScheduledJob.objects.get(pk=job_id).status == "completed", job_id)
        blocker = Sample(key=f"{job_id}-next", behave="stop_before_effect", gate=str(gate), release=str(release))
        schedule_job("sample_one", timezone.now(), blocker, max_retries=RETRIES, job_id=blocker.key)
        placed.append(Placed(blocker.key, "sample_one", "before_effect"))
    wait_until(lambda: gate.exists() and gate.read_text() != "", f"a worker at {gate}")
    return placed


def _note_restarts(result: Result, victim: str, cluster: Supervised) -> None:
    result.restarted_dead[victim] += cluster.restarted_dead
    result.restarted_stuck[victim] += cluster.restarted_stuck


def _count(result: Result, victim: str, placed: Sequence[Placed], killed_at: Sequence[datetime]) -> None:
    """Count effects against jobs and their history, and note every broken promise."""
    done = Counter(effects.keys())
    jobs = {job.job_id: job for job in ScheduledJob.objects.all()}
    history: dict[str, list[JobExecution]] = {job_id: [] for job_id in jobs}
    for row in JobExecution.objects.order_by("execution_id"):
        history.setdefault(row.job_id, []).append(row)
    for moment, kind in sorted({(one.moment, one.kind) for one in placed}):
        cell = result.cell(victim, moment, kind)
        cell.rounds += 1
        cell.kills += len(killed_at)
    for one in placed:
        cell = result.cell(victim, one.moment, one.kind)
        cell.jobs += 1
        cell.attempts += len(history[one.job_id])
        broken = _judge(cell, jobs[one.job_id], history[one.job_id], done[one.job_id])
        cell.violations += [f"{victim}, {one.moment}: {one.job_id} {text}" for text in broken]
        cell.slowest_rescue = max(cell.slowest_rescue, _rescue_seconds(history[one.job_id], killed_at))


def _judge(cell: Cell, job: ScheduledJob, attempts: list[JobExecution], done: int) -> list[str]:
    """Add one job to its cell. Returns the promises that it breaks."""
    broken = []
    completions = sum(row.status == "completed" for row in attempts)
    allowed = len(attempts) if job.job_type == "sample_one" else 1
    if job.status == "unknown" and job.job_type == "sample_once_only":
        cell.unknown += 1
    elif job.status != "completed" or not done:
        cell.lost += 1
        broken.append(f"is {job.status} with {done} effects ({job.error_message})")
    if completions > 1 or done > allowed:
        cell.doubled += 1
        broken.append(f"has {done} effects and {completions} completions in {len(attempts)} attempts")
    elif done > 1:
        cell.repeated += done - 1
    if job.status not in ("pending", "running") and [row.attempt for row in attempts] != list(
        range(1, job.retry_count + 2)
    ):
        broken.append(f"has {job.retry_count} retries and a history of {[row.attempt for row in attempts]}")
    return broken


def _judge_point(cell: Cell) -> None:
    """At a point it is certain what must have happened, to the last effect."""
    interrupted = cell.victim in LOST_WITH_THE_WORKER and cell.moment != "after_outcome"
    unknown = cell.jobs if interrupted and cell.kind == "sample_once_only" else 0
    repeated = cell.jobs if interrupted and cell.moment == "after_effect" and cell.kind == "sample_one" else 0
    attempts = cell.jobs * (2 if interrupted and not unknown else 1)
    found = (cell.unknown, cell.repeated, cell.attempts)
    if found != (unknown, repeated, attempts):
        cell.violations.append(
            f"{cell.victim}, {cell.moment}, {cell.kind}: unknown, repeated, attempts are {found} "
            f"and must be {(unknown, repeated, attempts)}"
        )


def _rescue_seconds(attempts: Sequence[JobExecution], killed_at: Sequence[datetime]) -> float:
    """The longest time from the kill that ended an attempt to its row."""
    waits = [0.0]
    for row in attempts:
        kills = [at for at in killed_at if at >= row.execution_time]
        if kills and "did not report back" in (row.error_message or ""):
            waits.append((row.created_at - min(kills)).total_seconds())
    return max(waits)
