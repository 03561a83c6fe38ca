"""Making up for the past: runs for planned times between two instants that have none."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from django.db import transaction
from django.utils import timezone

from jobs import outcomes, pauses, recurring, runs
from jobs.errors import PermanentFailure, Snooze
from jobs.models import JobStatus, Origin, RecurringRun, ScheduledJob
from jobs.registry import Attempt
from jobs.runs import Overlap
from jobs.timing import Timing

log = structlog.get_logger(__name__)

MOST = 1_000
SHORTEST_PAUSE, LONGEST_PAUSE = timedelta(seconds=1), timedelta(minutes=1)
PAUSE_WHILE_PAUSED = timedelta(minutes=5)
"""Nothing of a paused type ends before somebody resumes it."""


class InvalidBackfill(ValueError):
    """It cannot be made up for as asked; `field` names the argument, the message says what to mend."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True)
class Plan:
    """What a backfill would do."""

    times: Sequence[datetime]
    """The planned times without a run, or with one that was skipped; ascending."""
    present: int
    """How many planned times of that span have their run."""


@dataclass(frozen=True)
class Waiting:
    """Payload of the job that enqueues waiting runs one after the other."""

    name: str = ""

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name:
            raise ValueError(f"The name of recurring work is a text, not {self.name!r}.")


def plan(name: str, *, start: datetime, end: datetime, now: datetime) -> Plan:
    """Return what a backfill from `start` to `end`, both included, would enqueue. It changes nothing.

    The times are those of the schedule as it is now.

    Raises:
        InvalidBackfill: naive, turned round, future, forgotten or too many times.
        UnknownRecurring: no app declares this name, or it has no schedule.
    """
    recurring.find(name)
    schedule = recurring.find_schedule(name)
    _check(start, end, now=now)
    times = Timing.of(schedule, otherwise=now).between(start, end, limit=MOST + 1)
    if len(times) > MOST:
        raise InvalidBackfill(
            "start",
            f"There are more than {MOST:,} planned times in that span; the latest {MOST:,} begin at "
            f"{times[1]:%Y-%m-%d %H:%M} UTC. Fill it in parts.",
        )
    known = runs.known(name, times)
    closed = {run.planned_at for run in known} - set(runs.still_open(known))
    return Plan([planned for planned in times if planned not in closed], len(closed))


def backfill(name: str, *, start: datetime, end: datetime, overlap: Overlap, now: datetime) -> list[RecurringRun]:
    """Enqueue what `plan` returns, at most once however often it is called. Returns the runs it decided about.

    While another run is live `overlap` decides: `allow` enqueues all at once; `queue` lets a job of its own enqueue
    one after the other (cancel that job to stop it); `skip` records the others as skipped.

    Raises what `plan` raises.
    """
    with transaction.atomic():
        runs.lock(name)
        times = plan(name, start=start, end=end, now=now).times
        taken = runs.take(
            recurring.find(name), times, origin=Origin.BACKFILL, overlap=Overlap(overlap), now=now, again=True
        )
    log.info("recurring.backfilled", name=name, count=len(taken), overlap=str(overlap))
    return taken


def go_on(attempt: Attempt[Waiting], *, now: datetime) -> None:
    """Enqueue the next waiting run when no other is live; complete when none waits.

    Raises:
        Snooze: come back later; the reason says how many wait.
        PermanentFailure: no app declares the work any more. Its waiting runs are left.
        LeaseLost: somebody else does this job by now.
    """
    with transaction.atomic():
        runs.lock(attempt.payload.name)
        waiting = runs.waiting(attempt.job_id)
        left = waiting.count()
        if not left:
            # In the transaction that holds the lock: whoever adds a run sees this job either live or ended.
            outcomes.complete([attempt], now=now)
            return
        try:
            work = recurring.find(attempt.payload.name)
        except recurring.UnknownRecurring as error:
            raise PermanentFailure(str(error)) from error
        busy = runs.live_job(work.name)
        if busy is None:
            runs.enqueue_waiting(waiting[0], work, now=now)
            left -= 1
    pause = SHORTEST_PAUSE if busy is None else _pause(busy, now=now)
    raise Snooze(f"{left} {'run waits' if left == 1 else 'runs wait'} for the one before to end.", until=now + pause)


def _pause(busy: ScheduledJob, *, now: datetime) -> timedelta:
    """How long to wait for this job: the longer, the longer it has been there, running or not."""
    if busy.status == JobStatus.PENDING and pauses.is_paused(busy.job_type):
        return PAUSE_WHILE_PAUSED
    since = busy.started_at or busy.created_at
    return min(max((now - since) / 10, SHORTEST_PAUSE), LONGEST_PAUSE)


def _check(start: datetime, end: datetime, *, now: datetime) -> None:
    for field, moment in (("start", start), ("end", end)):
        if timezone.is_naive(moment):
            raise InvalidBackfill(field, f"The {field} needs a time zone, like 2027-03-01T09:00:00+01:00.")
    if end > now:
        raise InvalidBackfill("end", "The end lies in the future; its runs will come by themselves.")
    if start > end:
        raise InvalidBackfill("start", "The start must not lie after the end.")
    if start < now - runs.KEEP:
        raise InvalidBackfill(
            "start",
            f"The start lies more than {runs.KEEP.days} days back: nobody knows any more which times had a run.",
        )
