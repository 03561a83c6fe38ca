"""Recurring work: Django-Q schedules that enqueue ordinary jobs, so runs never overlap and never pile up."""

from dataclasses import dataclass
from datetime import timedelta

from django.db import connection, transaction
from django.utils import timezone
from django_q.models import Schedule

from jobs import enqueue

FUNCTION = "jobs.recurring.enqueue_recurring"


@dataclass(frozen=True)
class Recurring:
    """Work that comes again."""

    name: str
    job_type: str
    payload: object
    every: timedelta | None
    cron: str | None


_declared: dict[str, Recurring] = {}


class UnknownRecurring(Exception):
    """A schedule names recurring work that no app declares (any more)."""


def register(
    name: str,
    *,
    job_type: str,
    payload: object,
    every: timedelta | None = None,
    cron: str | None = None,
) -> None:
    """Declare recurring work, at import of an app's `handlers.py`. Give `every` (whole minutes) or `cron` (UTC).

    `manage.py migrate` creates the missing Django-Q schedules and leaves the present ones as operators have them.
    """
    if (every is None) == (cron is None):
        raise ValueError(f"{name}: give either `every` or `cron`.")
    if every is not None and (every < timedelta(minutes=1) or every % timedelta(minutes=1)):
        raise ValueError(f"{name}: `every` is a whole number of minutes.")
    _declared[name] = Recurring(name, job_type, payload, every, cron)


def enqueue_recurring(name: str) -> str:
    """Enqueue one run of the named work. Called by the schedule; returns in words what happened.

    A run that still waits or runs is not joined by a second one.
    """
    work = _declared.get(name)
    if work is None:
        raise UnknownRecurring(f"No recurring work is called {name!r}; delete its schedule.")
    try:
        job = enqueue.schedule_job(work.job_type, timezone.now(), work.payload, unique_key=f"recurring:{name}")
    except enqueue.UniqueKeyTaken as taken:
        return f"The run before is still {taken.existing.status}: job {taken.existing.job_id}."
    return f"Enqueued job {job.job_id}."


def create_missing_schedules() -> int:
    """Create the Django-Q schedules that are declared but not there. Returns how many.

    Called after each migrate. Present ones are left alone: an operator who changed or paused one keeps that.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            # Schedule names are not unique: two migrates at once would make two of each.
            cursor.execute("LOCK TABLE django_q_schedule IN SHARE ROW EXCLUSIVE MODE")
        present = set(Schedule.objects.filter(func=FUNCTION).values_list("name", flat=True))
        missing = [work for name, work in _declared.items() if name not in present]
        Schedule.objects.bulk_create([_schedule(work) for work in missing])
    return len(missing)


def _schedule(work: Recurring) -> Schedule:
    timing = (
        {"schedule_type": Schedule.CRON, "cron": work.cron}
        if work.every is None
        else {"schedule_type": Schedule.MINUTES, "minutes": work.every // timedelta(minutes=1)}
    )
    return Schedule(
        name=work.name, func=FUNCTION, args=repr((work.name,)), repeats=-1, next_run=timezone.now(), **timing
    )
