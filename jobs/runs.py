"""Runs of recurring work: at most one job for each planned time, and what became of it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from django.db import connection, transaction
from django.db.models import QuerySet

from jobs import enqueue, registry
from jobs.models import JobExecution, Origin, RecurringRun, ScheduledJob, new_job_id

KEEP = timedelta(days=365)
"""How long runs stay. Long: a backfill enqueues what it finds no run for."""
BACKFILL = "recurring_backfill"
"""The job type that enqueues waiting runs one after the other (`jobs.backfill`)."""
MOST_RETRIES = 100
MOST_LIVE = 1_000
"""How far back a live run is looked for: no more can be enqueued at once."""


class Overlap(StrEnum):
    """What becomes of a run while another one of the same work is pending or running."""

    ALLOW = "allow"
    QUEUE = "queue"
    SKIP = "skip"


@dataclass(frozen=True)
class Work:
    """What is done again and again."""

    name: str
    job_type: str
    payload: object


@dataclass(frozen=True)
class Report:
    """One run and how it ended."""

    run: RecurringRun
    status: str
    """Its job's state; `waiting` for its turn; `left` by a backfill that ended; `skipped`; `deleted` with its job."""
    ended_at: datetime | None = None
    duration: timedelta | None = None
    error: str | None = None


@dataclass(frozen=True)
class Progress:
    """How far a backfill is."""

    backfill_id: str
    enqueued: int
    waiting: int


def take(
    work: Work, times: Sequence[datetime], *, origin: Origin, overlap: Overlap, now: datetime, again: bool = False
) -> list[RecurringRun]:
    """Enqueue one run for each planned time that has none yet, in the caller's transaction or one of its own.

    While another run is live the overlap decides: all at once, in a queue, or not at all, which is recorded.
    `again` also takes the times whose run was skipped or left. Returns the runs that this call decided about.
    """
    with transaction.atomic():
        lock(work.name)
        known = {run.planned_at: run for run in _runs(work.name).filter(planned_at__in=times)}
        closed = set(known) - set(still_open(known.values()) if again else [])
        runs = [
            known.get(planned) or RecurringRun(name=work.name, planned_at=planned)
            for planned in times
            if planned not in closed
        ]
        for run in runs:
            run.origin, run.decided_at = origin, now
            run.job_id = run.backfill_id = run.skipped_because = None
        if overlap == Overlap.ALLOW:
            for run in runs:
                _enqueue(run, work, key=f"{_key(work.name)}:{run.planned_at.isoformat()}", now=now)
        elif runs:
            _one_at_a_time(runs, work, is_queue=overlap == Overlap.QUEUE, now=now)
        # The unique constraint is what holds even without the lock: then this fails, and no job is left.
        RecurringRun.objects.bulk_create(run for run in runs if run.pk is None)
        RecurringRun.objects.bulk_update((run for run in runs if run.pk is not None), _DECISION)
    return runs


_DECISION = ["origin", "decided_at", "job_id", "backfill_id", "skipped_because"]


def _one_at_a_time(runs: Sequence[RecurringRun], work: Work, *, is_queue: bool, now: datetime) -> None:
    busy = live_job(work.name)
    queue = _queue(work.name) if is_queue else None
    for run in runs:
        # Of several the first waits, too: so the queue's job has all of them, and its progress is theirs.
        if busy is None and queue is None and not (is_queue and len(runs) > 1):
            try:
                busy = _enqueue(run, work, key=_key(work.name), now=now)
                continue
            except enqueue.UniqueKeyTaken as taken:
                busy = taken.existing
        if is_queue:
            queue = queue or enqueue.schedule_job(
                BACKFILL, now, {"name": work.name}, unique_key=_queue_key(work.name), max_retries=MOST_RETRIES
            )
            run.backfill_id = queue.job_id
        elif busy is not None:
            run.skipped_because = f"Another run was still {busy.status}: job {busy.job_id}."


def enqueue_waiting(run: RecurringRun, work: Work, *, now: datetime) -> None:
    """Enqueue a waiting run, whose turn it is. Call it with the lock."""
    _enqueue(run, work, key=_key(work.name), now=now)
    run.decided_at = now
    run.save(update_fields=["job_id", "decided_at"])


def skip(name: str, planned_at: datetime, *, because: str, now: datetime) -> None:
    """Record that a planned time passes without a run, unless it has one."""
    with transaction.atomic():
        lock(name)
        decision = {"origin": Origin.SCHEDULE, "decided_at": now, "skipped_because": because}
        RecurringRun.objects.get_or_create(name=name, planned_at=planned_at, defaults=decision)


def lock(name: str) -> None:
    """Let one transaction at a time decide about the runs of one work. Taken before any lock of a job."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"recurring work {name}"])


def live_job(name: str) -> ScheduledJob | None:
    """The pending or running job of a run of this work, if there is one."""
    live = ScheduledJob.objects.live().order_by()
    recent = _runs(name).filter(job_id__isnull=False).order_by("-decided_at").values_list("job_id", flat=True)
    return (
        live.filter(unique_key=_key(name)).first()
        or live.filter(job_id__in=list(recent[:MOST_LIVE])).order_by("created_at").first()
    )


def waiting(backfill_id: str) -> QuerySet[RecurringRun]:
    """The runs that a backfill has still to enqueue, in their order."""
    return RecurringRun.objects.filter(backfill_id=backfill_id, job_id=None).order_by("planned_at")


def still_open(runs: Iterable[RecurringRun]) -> list[datetime]:
    """The planned times of those that will not run unless somebody asks again: skipped, or left by a backfill."""
    without = [run for run in runs if run.job_id is None]
    live = _live_queues(without)
    return [run.planned_at for run in without if run.backfill_id is None or run.backfill_id not in live]


def known(name: str, times: Sequence[datetime]) -> list[RecurringRun]:
    """The runs of these planned times."""
    return list(_runs(name).filter(planned_at__in=times))


def planned_before(name: str, moment: datetime) -> datetime | None:
    """The newest time before `moment` that the schedule's own packages have decided about. By the unique constraint."""
    decided = _runs(name).filter(origin=Origin.SCHEDULE, planned_at__lt=moment)
    return decided.order_by("-planned_at").values_list("planned_at", flat=True).first()


def latest(name: str, limit: int) -> list[Report]:
    """The runs that were decided about last, newest first."""
    return _reports(_runs(name).order_by("-decided_at", "-planned_at")[:limit])


def last_result(name: str) -> Report | None:
    """The newest run that became a job, and how that ended or where it is."""
    return last_results([name]).get(name)


def last_results(names: Sequence[str]) -> dict[str, Report]:
    """The same of several works at once; one that has never become a job is left out."""
    with connection.cursor() as cursor:
        cursor.execute(_LAST, [list(names)])
        keys = [key for (key,) in cursor.fetchall() if key is not None]
    return {report.run.name: report for report in _reports(RecurringRun.objects.filter(pk__in=keys))}


def progress(name: str) -> Progress | None:
    """How far the present backfill of this work is, if one is at work."""
    queue = _queue(name)
    if queue is None:
        return None
    still = waiting(queue.job_id).count()
    return Progress(queue.job_id, RecurringRun.objects.filter(backfill_id=queue.job_id).count() - still, still)


def decided_before(before: datetime) -> QuerySet[RecurringRun]:
    """What a clean-up may delete: old runs, apart from those that wait and each work's last result.

    Served by idx_recurring_runs_decided.
    """
    queues = ScheduledJob.objects.live().filter(job_type=BACKFILL).values_list("job_id", flat=True)
    old = RecurringRun.objects.filter(decided_at__lt=before).exclude(job_id=None, backfill_id__in=list(queues))
    last = (
        RecurringRun.objects.filter(job_id__isnull=False)
        .order_by("name", "-decided_at", "-planned_at")
        .distinct("name")
        .values_list("pk", flat=True)
    )
    return old.exclude(pk__in=list(last))


# A look into idx_recurring_runs_latest for each name: DISTINCT ON would read the whole history.
_LAST: Final = """
SELECT (
    SELECT run.run_id FROM recurring_runs AS run
    WHERE run.name = work.name AND run.job_id IS NOT NULL
    ORDER BY run.decided_at DESC, run.planned_at DESC
    LIMIT 1
)
FROM unnest(%s::text[]) AS work (name)
"""


def _runs(name: str) -> QuerySet[RecurringRun]:
    return RecurringRun.objects.filter(name=name)


def _key(name: str) -> str:
    return f"recurring:{name}"


def _queue_key(name: str) -> str:
    return f"recurring-backfill:{name}"


def _queue(name: str) -> ScheduledJob | None:
    return ScheduledJob.objects.live().filter(unique_key=_queue_key(name)).first()


def _live_queues(runs: Iterable[RecurringRun]) -> set[str]:
    ids = {run.backfill_id for run in runs if run.backfill_id}
    return set(ScheduledJob.objects.live().filter(job_id__in=ids).values_list("job_id", flat=True)) if ids else set()


def _enqueue(run: RecurringRun, work: Work, *, key: str, now: datetime) -> ScheduledJob:
    payload = registry.encode(work.payload)
    if any(field.name == "planned_at" for field in fields(registry.find(work.job_type).payload_type)):
        payload["planned_at"] = run.planned_at.astimezone(UTC).isoformat()
    job = enqueue.schedule_job(work.job_type, now, payload, unique_key=key, job_id=new_job_id())
    run.job_id = job.job_id
    return job


def _reports(runs: Iterable[RecurringRun]) -> list[Report]:
    found = list(runs)
    ids = {run.job_id for run in found if run.job_id}
    jobs = ScheduledJob.objects.in_bulk(list(ids))
    attempts = {
        attempt.job_id: attempt
        for attempt in JobExecution.objects.filter(job_id__in=ids - set(jobs)).order_by("execution_id")
    }
    queues = _live_queues(found)
    return [_report(run, jobs.get(run.job_id or ""), attempts.get(run.job_id or ""), queues) for run in found]


def _report(run: RecurringRun, job: ScheduledJob | None, attempt: JobExecution | None, queues: set[str]) -> Report:
    if run.skipped_because is not None:
        return Report(run, "skipped", error=run.skipped_because)
    if run.job_id is None:
        return Report(run, "waiting" if run.backfill_id in queues else "left")
    if job is not None:
        took = job.completed_at - job.started_at if job.completed_at and job.started_at else None
        return Report(run, job.status, job.completed_at, took, job.error_message)
    if attempt is not None:
        took = timedelta(milliseconds=attempt.duration_ms or 0)
        return Report(run, attempt.status, attempt.execution_time + took, took, attempt.error_message)
    return Report(run, "deleted")


def as_json(report: Report) -> dict[str, Any]:
    """A run as programs read it."""
    run = report.run
    return {
        "planned_at": run.planned_at,
        "origin": run.origin,
        "status": report.status,
        "job_id": run.job_id,
        "enqueued_at": run.decided_at if run.job_id else None,
        "ended_at": report.ended_at,
        "duration_ms": None if report.duration is None else round(report.duration / timedelta(milliseconds=1)),
        "error": report.error,
        "backfill_id": run.backfill_id,
    }
