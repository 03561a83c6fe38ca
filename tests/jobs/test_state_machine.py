"""Any order of everything that can be done to jobs, held against a model after each step.

`CHECKBACK_STORIES=2000 pytest tests/jobs/test_state_machine.py` tells more stories than the usual ones.

One transaction holds all, so the database's `now()` stands still. Time passes by moving every row into the past.
"""

import json
import os
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
import time_machine
from django.db import connection, transaction
from hypothesis import HealthCheck, event, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)

from jobs import enqueue, heads, leases, lifecycle, outcomes, pauses, rescue, runner
from jobs.errors import OutcomeUnknown, PermanentFailure, RateLimited
from jobs.registry import Attempt
from tests.jobs.machine import (
    MINUTE,
    ONCE_ONLY,
    ONE_AT_A_TIME,
    RETRYABLE,
    THREE_A_MINUTE,
    ZERO,
    Claim,
    Entry,
    Job,
    Row,
)
from tests.jobs.sample import effects
from tests.jobs.sample.handlers import Sample

STORIES = int(os.environ.get("CHECKBACK_STORIES", "120"))
STEPS = 50
LEASE = timedelta(seconds=60)
A_MOMENT = timedelta(microseconds=1)

TYPES = ["sample_one", "sample_many", "sample_own_transaction", ONCE_ONLY, ONE_AT_A_TIME, THREE_A_MINUTE]
JOB_TYPES = st.sampled_from(TYPES)
PAUSABLE = st.sampled_from([*TYPES, pauses.EVERYTHING])
BEHAVIORS = st.sampled_from(["", "fail", "fail", "permanent", "limited", "unknown", "snooze"])
# Mostly due already: what cannot be claimed makes a dull story.
MINUTES = st.sampled_from([0, -1, -2, -20, -90, 1, 30]).map(lambda count: count * MINUTE)
PRIORITIES = st.sampled_from([0, 0, 1, 9])
RETRIES = st.sampled_from([0, 1, 2, 6])
LATENESS = st.sampled_from([None, None, None, MINUTE, 30 * MINUTE])
WORKERS = st.sampled_from(["ann:1", "bob:2", "cy:3"])
POSITIONS = st.integers(0, 3)
WAITS = st.sampled_from([A_MOMENT, LEASE, LEASE + A_MOMENT, 7 * MINUTE, 70 * MINUTE])


def when(condition: Callable[["JobMachine"], object]) -> Any:
    """Only where it can matter: a precondition."""
    return precondition(lambda machine: bool(condition(machine)))


class Crash(Exception):
    """The worker's process ends inside its transaction."""


class JobMachine(RuleBasedStateMachine):
    """The engine's whole surface, by three workers and some people."""

    jobs: Bundle[Job] = Bundle("jobs")
    claims: Bundle[Claim] = Bundle("claims")

    def __init__(self) -> None:
        super().__init__()
        self.known: dict[str, Job] = {}
        self.paused: set[str] = set()
        self.starts: list[timedelta] = []
        self.clock = ZERO
        self.story = ExitStack()
        self.story.enter_context(rolled_back())
        with connection.cursor() as cursor:
            cursor.execute("SELECT now()")
            self.now: datetime = cursor.fetchone()[0]

    def teardown(self) -> None:
        self.story.close()

    @initialize()
    def begin(self) -> None:
        effects.create_table()

    # Enqueue

    @when(lambda machine: machine.count("pending", "running") < 4)
    @rule(
        target=jobs,
        job_type=JOB_TYPES,
        behave=BEHAVIORS,
        due_in=MINUTES,
        priority=PRIORITIES,
        max_retries=RETRIES,
        max_lateness=LATENESS,
        unique_key=st.sampled_from([None, None, "a", "b"]),
    )
    def enqueue(
        self,
        *,
        job_type: str,
        behave: str,
        due_in: timedelta,
        priority: int,
        max_retries: int,
        max_lateness: timedelta | None,
        unique_key: str | None,
    ) -> Any:
        before = self._holder_of(unique_key)
        holder: Job | None = None
        job_id = f"job {len(self.known)}"
        try:
            enqueue.schedule_job(
                job_type,
                self.now + due_in,
                Sample(key=job_id, behave=behave),
                max_retries=max_retries,
                unique_key=unique_key,
                priority=priority,
                max_lateness=max_lateness,
                job_id=job_id,
            )
        except enqueue.UniqueKeyTaken as taken:
            holder = self.known[taken.existing.job_id]
            event("enqueue: key taken")
        assert holder == before
        if holder:
            return multiple()
        due = self.clock + due_in
        expires = due + max_lateness if max_lateness else None
        return self._add(Job(job_id, job_type, behave, due, max_retries, priority, expires, unique_key))

    @when(lambda machine: machine.count("pending", "running") < 2)
    @rule(
        target=jobs,
        job_type=JOB_TYPES,
        behaviors=st.lists(BEHAVIORS, min_size=2, max_size=4),
        due_in=MINUTES,
        priority=PRIORITIES,
        max_retries=RETRIES,
        max_lateness=LATENESS,
    )
    def enqueue_many(
        self,
        *,
        job_type: str,
        behaviors: list[str],
        due_in: timedelta,
        priority: int,
        max_retries: int,
        max_lateness: timedelta | None,
    ) -> Any:
        keys = {f"job {len(self.known) + position}": behave for position, behave in enumerate(behaviors)}
        count = enqueue.schedule_jobs(
            job_type,
            [(self.now + due_in, Sample(key=key, behave=behave)) for key, behave in keys.items()],
            max_retries=max_retries,
            priority=priority,
            max_lateness=max_lateness,
        )
        assert count == len(keys)
        with connection.cursor() as cursor:
            # Their ids are random: name them as the others are named.
            cursor.execute("UPDATE scheduled_jobs SET job_id = payload->>'key' WHERE job_id <> payload->>'key'")
            assert cursor.rowcount == count
        due = self.clock + due_in
        expires = due + max_lateness if max_lateness else None
        return multiple(
            *(self._add(Job(key, job_type, keys[key], due, max_retries, priority, expires)) for key in keys)
        )

    # Work

    @when(lambda machine: machine.count("pending"))
    @rule(target=claims, worker=WORKERS, size=st.integers(1, 4))
    def claim(self, worker: str, size: int) -> Any:
        claim = self._claim(worker, size)
        return claim if claim.attempts else multiple()

    @when(lambda machine: machine.choice(1))
    @rule(size=st.integers(1, 4))
    def run_once(self, size: int) -> None:
        """A worker claims and runs a batch with its handlers, start to end."""
        self._untie()
        due, expected = self.due(), self.choice(size)
        with time_machine.travel(self.now, tick=False):
            assert runner.run_once(size=size) == len(expected)
        rows = self._rows()
        # Each outcome changes at least one of these.
        taken = [
            job
            for job in due
            if (rows[job.job_id].status, rows[job.job_id].retry_count, rows[job.job_id].due)
            != (job.status, job.retries, job.due)
        ]
        self._check_choice(expected, taken)
        for job in taken:
            too_late = job.is_too_late(self.clock)
            job.take(None, runner.worker_name(), None)
            event(f"run_once: {'too late' if too_late else job.behave or 'completed'}")
            if too_late:
                job.end("expired")
            elif job.behave == "snooze":
                job.put_back(self.clock + timedelta(hours=2))
            elif job.behave:
                self._fail(job, job.behave, timedelta(seconds=90))
            else:
                job.effects += 1
                job.end("completed")

    @rule(claim=claims, count=st.integers(1, 4), crashes=st.booleans())
    def complete(self, claim: Claim, count: int, crashes: bool) -> None:
        attempts = claim.attempts[:count]
        held = self._held(claim, attempts)
        lost = len(held) < len(attempts)
        event(f"complete: {'lost' if lost else 'held'}")
        try:
            with transaction.atomic():
                for attempt in attempts:
                    effects.add(attempt.job_id)
                outcomes.complete(attempts, now=self.now)
                if crashes:
                    raise Crash
        except outcomes.LeaseLost:
            assert lost
        except Crash:
            assert not lost
        else:
            assert not lost
            for job in held:
                job.effects += 1
                job.end("completed")

    @rule(
        claim=claims,
        position=POSITIONS,
        kind=st.sampled_from(["fail", "permanent", "limited", "unknown"]),
        retry_after=st.sampled_from([-MINUTE, ZERO, MINUTE, timedelta(days=2)]),
    )
    def fail(self, claim: Claim, position: int, kind: str, retry_after: timedelta) -> None:
        attempt = claim.attempts[position % len(claim.attempts)]
        errors: dict[str, Exception] = {
            "fail": RuntimeError("it broke"),
            "permanent": PermanentFailure("it can never work"),
            "limited": RateLimited("slow down", retry_after=retry_after),
            "unknown": OutcomeUnknown("no answer"),
        }
        max_retries = self.known[attempt.job_id].max_retries
        status = outcomes.fail(attempt, errors[kind], max_retries=max_retries, now=self.now)
        held = self._held(claim, [attempt])
        event(f"fail: {'held' if held else 'lost'}")
        for job in held:
            self._fail(job, kind, retry_after)
            assert status == job.status

    @rule(claim=claims, position=POSITIONS, wait=MINUTES)
    def snooze(self, claim: Claim, position: int, wait: timedelta) -> None:
        attempt = claim.attempts[position % len(claim.attempts)]
        outcomes.snooze(attempt, until=self.now + wait, reason="not now", now=self.now)
        for job in self._held(claim, [attempt]):
            job.put_back(self.clock + max(wait, timedelta(seconds=1)))

    @rule(claim=claims)
    def expire(self, claim: Claim) -> None:
        """What the runner does with those that were claimed too late."""
        if claim.too_late:
            outcomes.expire(claim.too_late, now=self.now)
            for job in self._held(claim, claim.too_late):
                event("expire: held")
                job.end("expired")

    @rule(claim=claims)
    def renew(self, claim: Claim) -> None:
        held = self._held(claim, claim.attempts)
        assert leases.renew(claim.token, claim.job_ids, lease=LEASE) == len(held)
        for job in held:
            job.lease_ends = self.clock + LEASE

    @rule(claim=claims)
    def begin_jobs(self, claim: Claim) -> None:
        held = self._held(claim, claim.attempts)
        assert leases.begin(claim.token, claim.job_ids) == (len(held) == len(claim.attempts))
        for job in held:
            job.is_begun = True

    @rule(claim=claims)
    def release(self, claim: Claim) -> None:
        held = self._held(claim, claim.attempts)
        assert leases.release(claim.token, claim.job_ids) == len(held)
        for job in held:
            job.put_back(job.due)

    # Time and death

    @when(lambda machine: machine.count("running"))
    @rule(claim=claims)
    def die(self, claim: Claim) -> None:
        """The worker is not heard of until its lease has run out."""
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE scheduled_jobs SET lease_expires_at = %s WHERE lease_token = %s",
                [self.now - A_MOMENT, claim.token],
            )
        for job in self._held(claim, claim.attempts):
            job.lease_ends = self.clock - A_MOMENT

    @when(lambda machine: machine.count("running"))
    @rule()
    def rescue(self) -> None:
        dead = [job for job in self.known.values() if job.is_abandoned(self.clock)]
        assert rescue.rescue() == len(dead)
        for job in dead:
            event(f"rescue: {'begun' if job.is_begun else 'never begun'}")
            if not job.is_begun:
                job.put_back(self.clock)
            elif job.job_type == ONCE_ONLY:
                job.end("unknown")
            elif job.retries < job.max_retries:
                job.try_again(self.clock)
            else:
                job.end("failed")

    @when(lambda machine: machine.known)
    @rule(wait=WAITS)
    def wait(self, wait: timedelta) -> None:
        self._pass(wait)

    @when(lambda machine: machine.count("pending") and not machine.due())
    @rule()
    def wait_for_the_next_job(self) -> None:
        self._pass_until_due()

    @when(lambda machine: machine.count("pending"))
    @rule(worker=WORKERS, times=st.integers(1, 6))
    def break_again_and_again(self, worker: str, times: int) -> None:
        """A bad day, in which whatever is tried fails: the way to late retries that single steps seldom go."""
        for _ in range(times):
            if not self.due() and self.count("pending"):
                self._pass_until_due()
            claim = self._claim(worker, 4)
            for attempt in claim.attempts:
                outcomes.fail(
                    attempt,
                    RuntimeError("it broke"),
                    max_retries=self.known[attempt.job_id].max_retries,
                    now=self.now,
                )
                self._fail(self.known[attempt.job_id], "fail", ZERO)

    @when(lambda machine: machine.count("running"))
    @rule(
        target=claims,
        claim=claims,
        worker=WORKERS,
        late_act=st.sampled_from(["complete", "fail", "snooze", "renew", "release"]),
    )
    def come_back_too_late(self, claim: Claim, worker: str, late_act: str) -> Any:
        """A worker was suspended so long that another one has its jobs, and goes on as if nothing had happened."""
        self.die(claim)
        self.rescue()
        taken_over = self.claim(worker, 4)
        assert self._held(claim, claim.attempts) == []
        acts: dict[str, Callable[[], None]] = {
            "complete": lambda: self.complete(claim, 4, False),
            "fail": lambda: self.fail(claim, 0, "fail", ZERO),
            "snooze": lambda: self.snooze(claim, 0, MINUTE),
            "renew": lambda: self.renew(claim),
            "release": lambda: self.release(claim),
        }
        acts[late_act]()
        return taken_over

    # People

    @when(lambda machine: machine.count("pending"))
    @rule(job=jobs)
    def cancel(self, job: Job) -> None:
        assert lifecycle.cancel_job(job.job_id, now=self.now) == (job.status == "pending")
        if job.status == "pending":
            job.status = "cancelled"

    @when(lambda machine: machine.count(*RETRYABLE))
    @rule(job=jobs)
    def retry(self, job: Job) -> None:
        assert lifecycle.retry_job(job.job_id, now=self.now) == (job.status in RETRYABLE)
        if job.status in RETRYABLE:
            event("retry")
            job.restart(self.clock)

    @when(lambda machine: machine.count("pending"))
    @rule(job=jobs)
    def run_now(self, job: Job) -> None:
        assert lifecycle.run_now(job.job_id, now=self.now) == (job.status == "pending")
        if job.status == "pending":
            job.due = self.clock
            job.expires = None

    @when(lambda machine: machine.count("pending"))
    @rule(job=jobs, due_in=MINUTES)
    def reschedule(self, job: Job, due_in: timedelta) -> None:
        assert lifecycle.reschedule_job(job.job_id, self.now + due_in, now=self.now) == (job.status == "pending")
        if job.status == "pending":
            job.scheduled = job.due = self.clock + due_in
            job.expires = None

    @when(lambda machine: machine.known)
    @rule(job_type=PAUSABLE)
    def pause(self, job_type: str) -> None:
        assert pauses.pause(job_type, by="ann", now=self.now) == (job_type not in self.paused)
        self.paused.add(job_type)

    @when(lambda machine: machine.paused)
    @rule(data=st.data())
    def resume(self, data: Any) -> None:
        job_type = data.draw(st.sampled_from(sorted(self.paused)))
        assert pauses.resume(job_type, by="ann")
        self.paused.remove(job_type)

    # What always holds

    @invariant()
    def check(self) -> None:
        """One step in the story for all three."""
        self.the_table_holds_every_job_in_the_state_it_should_have()
        self.every_attempt_that_counted_is_on_record_once()
        self.every_completed_job_had_its_effect_once_and_no_other_had_any()
        self.no_limit_is_exceeded()
        self.the_broker_sends_workers_when_there_is_something_to_claim()

    def no_limit_is_exceeded(self) -> None:
        running = [job for job in self.known.values() if job.status == "running"]
        assert len({job.token for job in running if job.job_type == ONE_AT_A_TIME}) <= 1
        for start in self.starts:
            assert sum(start <= other < start + MINUTE for other in self.starts) <= 3

    def the_broker_sends_workers_when_there_is_something_to_claim(self) -> None:
        assert any(head.seconds <= 0 for head in heads.ready()) == bool(self.choice(1))

    def the_table_holds_every_job_in_the_state_it_should_have(self) -> None:
        rows = self._rows()
        assert rows == {job_id: job.row for job_id, job in self.known.items()}
        for row in rows.values():
            assert row.retry_count <= row.max_retries
            assert (row.status == "running") == (row.token is not None) == (row.lease_ends is not None)
            assert row.has_ended == (row.status not in ("pending", "running"))
        keys = [row.unique_key for row in rows.values() if row.unique_key and not row.has_ended]
        assert len(keys) == len(set(keys))

    def every_attempt_that_counted_is_on_record_once(self) -> None:
        found: dict[str, list[Entry]] = defaultdict(list)
        with connection.cursor() as cursor:
            cursor.execute("SELECT job_id, attempt, status, worker FROM job_execution_history ORDER BY execution_id")
            for job_id, *entry in cursor.fetchall():
                found[job_id].append(Entry(*entry))
        assert found == {job_id: job.history for job_id, job in self.known.items() if job.history}
        for job_id, history in found.items():
            numbers = [entry.attempt for entry in history]
            assert numbers[0] == 1
            assert all(after in (1, before + 1) for before, after in pairwise(numbers))
            assert numbers.count(1) <= 1 + self.known[job_id].restarts

    def every_completed_job_had_its_effect_once_and_no_other_had_any(self) -> None:
        assert sorted(effects.keys()) == sorted(job.job_id for job in self.known.values() for _ in range(job.effects))
        for job in self.known.values():
            assert job.effects == (job.status == "completed")

    # Below: how the machine looks at things

    def _add(self, job: Job) -> Job:
        self.known[job.job_id] = job
        return job

    def _holder_of(self, unique_key: str | None) -> Job | None:
        return next(
            (job for job in self.known.values() if unique_key and job.unique_key == unique_key and job.is_live), None
        )

    def count(self, *statuses: str) -> int:
        """How many jobs are in one of these states."""
        return sum(job.status in statuses for job in self.known.values())

    def _pass(self, wait: timedelta) -> None:
        """Let time pass, by moving every row into the past."""
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE scheduled_jobs SET scheduled_time = scheduled_time - %(wait)s, "
                "next_attempt_at = next_attempt_at - %(wait)s, expires_at = expires_at - %(wait)s, "
                "lease_expires_at = lease_expires_at - %(wait)s",
                {"wait": wait},
            )
            cursor.execute(
                "UPDATE job_type_use SET recent_starts = "
                "ARRAY(SELECT start - %(wait)s FROM unnest(recent_starts) AS start ORDER BY 1)",
                {"wait": wait},
            )
        self.clock += wait

    def _pass_until_due(self) -> None:
        self._pass(min(job.due for job in self.known.values() if job.status == "pending") - self.clock)

    def _untie(self) -> None:
        """Equal jobs may go in any order, but Hypothesis must be able to tell the same story twice."""
        waiting = [job for job in self.known.values() if job.status == "pending"]
        before: Job | None = None
        for job in sorted(waiting, key=lambda job: (job.rank, job.job_id), reverse=True):
            if before and before.priority == job.priority and job.due >= before.due:
                job.due = before.due - A_MOMENT
                with connection.cursor() as cursor:
                    cursor.execute(
                        "UPDATE scheduled_jobs SET next_attempt_at = now() + %s WHERE job_id = %s",
                        [job.due - self.clock, job.job_id],
                    )
            before = job

    def due(self) -> list[Job]:
        due = [job for job in self.known.values() if job.status == "pending" and job.due <= self.clock]
        return sorted(due, key=lambda job: job.rank)

    def _held(self, claim: Claim, attempts: Any) -> list[Job]:
        return [job for job in (self.known[attempt.job_id] for attempt in attempts) if job.token == claim.token]

    def _claim(self, worker: str, size: int) -> Claim:
        self._untie()
        expected = self.choice(size)
        batch = leases.claim(size=size, worker=worker, lease=LEASE)
        taken = [self.known[claimed.job_id] for claimed in batch.jobs]
        self._check_choice(expected, taken)
        attempts = []
        for claimed, job in zip(batch.jobs, taken, strict=True):
            assert claimed.is_too_late == job.is_too_late(self.clock)
            assert (claimed.job_type, claimed.retry_count, claimed.max_retries) == (
                job.job_type,
                job.retries,
                job.max_retries,
            )
            payload = json.loads(claimed.payload)
            assert payload["key"] == job.job_id
            assert claimed.is_marked_at_start == job.must_be_begun
            job.take(batch.token, worker, self.clock + LEASE)
            attempts.append(
                Attempt(
                    job_id=claimed.job_id,
                    job_type=claimed.job_type,
                    payload=Sample(**payload),
                    scheduled_time=claimed.scheduled_time,
                    number=claimed.retry_count + 1,
                    lease_token=batch.token,
                    started_at=self.now,
                )
            )
        too_late = [attempt for attempt in attempts if self.known[attempt.job_id].is_too_late(self.clock)]
        return Claim(batch.token, attempts, too_late)

    def choice(self, size: int) -> list[Job]:
        """What a claim must take: higher priorities first, then the type whose first job is older, then its older
        ones. Of a limited type alone, and only what its limit allows; nothing of what is paused.
        """
        queues: dict[tuple[int, str], list[Job]] = defaultdict(list)
        for job in self.due():
            if self.paused.isdisjoint((job.job_type, pauses.EVERYTHING)):
                queues[job.priority, job.job_type].append(job)
        together: list[Job] = []
        for queue in sorted(queues.values(), key=lambda queue: queue[0].rank):
            allowed = self._allowed(queue[0].job_type)
            if allowed is None:
                together += queue
            elif together:
                break
            elif allowed:
                return queue[: min(size, allowed)]
        return together[:size]

    def _allowed(self, job_type: str) -> int | None:
        """How many jobs of the type one claim may take now; None: as many as it likes."""
        if job_type == ONE_AT_A_TIME:
            runs = any(job.job_type == job_type and job.status == "running" for job in self.known.values())
            return 0 if runs else 4
        if job_type == THREE_A_MINUTE:
            recent = sum(start > self.clock - MINUTE for start in self.starts)
            return min(3 - recent, 1)
        return None

    def _check_choice(self, expected: list[Job], taken: list[Job]) -> None:
        assert [job.job_id for job in taken] == [job.job_id for job in sorted(expected, key=lambda job: job.rank)]
        started = [job for job in taken if job.job_type == THREE_A_MINUTE and not job.is_too_late(self.clock)]
        self.starts += [self.clock for _ in started]

    def _fail(self, job: Job, kind: str, retry_after: timedelta) -> None:
        if kind == "unknown":
            job.end("unknown")
        elif kind == "permanent" or job.retries == job.max_retries:
            job.end("failed")
        else:
            earliest = latest = max(retry_after, timedelta(seconds=1))
            if kind == "fail":
                earliest = [5, 10, 20, 40, 60, 60][job.retries] * MINUTE
                latest = earliest * 1.1
            due = self._rows()[job.job_id].due
            assert earliest <= due - self.clock <= latest
            job.try_again(due)

    def _rows(self) -> dict[str, Row]:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT job_id, job_type, status, retry_count, max_retries, scheduled_time - now() + %(clock)s, "
                "next_attempt_at - now() + %(clock)s, expires_at - now() + %(clock)s, priority, unique_key, "
                "lease_token, lease_expires_at - now() + %(clock)s, worker, completed_at IS NOT NULL "
                "FROM scheduled_jobs",
                {"clock": self.clock},
            )
            return {job_id: Row(*rest) for job_id, *rest in cursor.fetchall()}


@contextmanager
def rolled_back() -> Iterator[None]:
    """Nothing of the block stays in the database."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


@pytest.mark.django_db
@pytest.mark.timeout(400 + STORIES)  # Hypothesis makes a failing story short for up to five minutes
class TestJobs:
    def test_are_never_lost_doubled_or_run_by_two_whatever_happens_in_any_order(self) -> None:
        run_state_machine_as_test(
            JobMachine,
            settings=settings(
                max_examples=STORIES,
                stateful_step_count=STEPS,
                deadline=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
