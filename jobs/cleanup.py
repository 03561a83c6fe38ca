"""Deleting what is too old to be kept: which kinds there are, how long each is kept, and a report of what went."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db.models import QuerySet
from django_q.models import Task

from jobs import conf, leases, outcomes, runs, temp_files
from jobs.models import JobExecution, JobStatus, Report, ScheduledJob
from jobs.pruning import Kind, Rows, Survey
from jobs.temp_files import Files

log = structlog.get_logger(__name__)

JOB_TYPE = "data_cleanup"
EVERYTHING = "everything"
TEMP_DATA = "temp_data"
BY_SETTINGS_ONLY = (EVERYTHING, TEMP_DATA)
"""Types that take no number of days: what they delete has different ages."""
DEFAULT_DAYS, MOST_DAYS = 30, 36_500
KEPT_AT_LEAST: dict[str, timedelta] = {}
"""Whatever number of days is asked for."""
FINISHED = (JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED, JobStatus.EXPIRED)

_types: dict[str, list[Kind]] = {}


class CannotClean(ValueError):
    """There is no such clean-up; the message says what to mend."""


@dataclass(frozen=True)
class DataCleanup:
    """Payload: what to delete, and from what age on, in days. `everything` and `temp_data` go by the settings."""

    type: str = "old_conversations"
    days_to_keep: int = DEFAULT_DAYS

    def __post_init__(self) -> None:
        kinds(self.type)
        check_days(self.days_to_keep)
        if self.type in BY_SETTINGS_ONLY and self.days_to_keep != DEFAULT_DAYS:
            raise CannotClean(f"The clean-up {self.type!r} goes by the settings: leave days_to_keep out.")

    @property
    def keep(self) -> timedelta | None:
        """How long to keep; None: as the settings say."""
        return None if self.type in BY_SETTINGS_ONLY else timedelta(days=self.days_to_keep)


@dataclass(frozen=True)
class Removal:
    """What went of one kind."""

    kind: str
    before: datetime
    removed: int
    removed_bytes: int
    """Of files; rows count as 0."""
    left: int
    """Old, but could not be deleted."""
    seconds: float
    error: str | None = None
    """What ended it before its time; what went until then stays gone."""


class Incomplete(Exception):
    """Of some kinds not all that is old could be deleted; the message says which and why."""


def register(type_name: str, kind: Kind, *, at_least: timedelta | None = None) -> None:
    """Add a kind to a type of clean-up, at import of an app's `handlers.py`. A new name makes a new type. `at_least`:
    whatever number of days is asked for.
    """
    present = _types.setdefault(type_name, [])
    present[:] = [other for other in present if other.name != kind.name] + [kind]
    if at_least is not None:
        KEPT_AT_LEAST[kind.name] = at_least


def types() -> list[str]:
    """Every type of clean-up, sorted."""
    return sorted([*_types, EVERYTHING])


def kinds(type_name: str) -> list[Kind]:
    """What a type of clean-up deletes. Raises CannotClean."""
    if type_name == EVERYTHING:
        return [kind for name in sorted(_types) for kind in _types[name]]
    if not isinstance(type_name, str) or type_name not in _types:
        raise CannotClean(f"There is no clean-up {type_name!r}: choose one of {', '.join(types())}.")
    return _types[type_name]


def check_days(days: object) -> None:
    """Raise CannotClean unless it is a number of days to keep something."""
    if not isinstance(days, int) or isinstance(days, bool) or not 1 <= days <= MOST_DAYS:
        raise CannotClean(f"days_to_keep is a whole number from 1 to {MOST_DAYS}, not {days!r}.")


def survey(type_name: str, *, keep: timedelta | None = None, now: datetime) -> list[Survey]:
    """What a clean-up would find and delete. Changes nothing. Raises CannotClean."""
    return [kind.survey(before=_before(kind, keep, now)) for kind in kinds(type_name)]


def clean(
    type_name: str,
    *,
    keep: timedelta | None = None,
    now: datetime,
    progress: Callable[[str, int], None] = lambda kind, removed: None,
) -> list[Removal]:
    """Delete what is older than `keep` (None: what the settings say of each kind). Raises CannotClean.

    Each batch is committed by itself: whoever ends this between two loses nothing, and the next run does the rest.
    A kind that fails holds up no other; `check` raises what was told of it. `progress` is told, after each batch, the
    kind and how many of it went so far.
    """
    return [_clean(kind, before=_before(kind, keep, now), progress=progress) for kind in kinds(type_name)]


def report(removals: Sequence[Removal]) -> dict[str, Any]:
    """What went, as a job reports it."""
    return {
        "removed": {removal.kind: removal.removed for removal in removals},
        "removed_bytes": sum(removal.removed_bytes for removal in removals),
        "left": sum(removal.left for removal in removals),
        "older_than": {removal.kind: removal.before for removal in removals},
        "seconds": {removal.kind: removal.seconds for removal in removals},
        "errors": {removal.kind: removal.error for removal in removals if removal.error},
    }


def check(removals: Sequence[Removal]) -> None:
    """Raise Incomplete if a kind failed. Call it once what did go is told."""
    if failed := [f"{removal.kind} ({removal.error})" for removal in removals if removal.error]:
        raise Incomplete(f"Could not be cleaned up: {', '.join(failed)}. All else is done.")


def _clean(kind: Kind, *, before: datetime, progress: Callable[[str, int], None]) -> Removal:
    began = time.monotonic()
    removed = size = left = 0
    steps, error = kind.delete(before=before), None
    while True:
        try:
            step = next(steps, None)
        except Exception as problem:  # of any kind, and perhaps of an app's own: the others are still to be done
            error = next(iter(outcomes.describe(problem).splitlines()), "")
            log.warning("cleanup.kind_failed", kind=kind.name, error=error)
            leases.drop_broken_connection()
            break
        if step is None:
            break
        removed, size, left = removed + step.removed, size + step.removed_bytes, left + step.left
        progress(kind.name, removed)
    return Removal(kind.name, before, removed, size, left, round(time.monotonic() - began, 3), error)


def _before(kind: Kind, keep: timedelta | None, now: datetime) -> datetime:
    return now - (kind.keep() if keep is None else max(keep, KEPT_AT_LEAST.get(kind.name, keep)))


def _finished_jobs(before: datetime) -> QuerySet[ScheduledJob]:
    """Jobs that ended. An unknown one waits for a person, however long.

    completed_at has no index. A job rarely ends before it is due, so idx_scheduled_jobs_time_status finds them, and
    passes over the other states without a look at the table. One that was cancelled or run early stays until the
    time for which it was planned is old, too.
    """
    return ScheduledJob.objects.filter(status__in=FINISHED, scheduled_time__lt=before, completed_at__lt=before)


def _attempts(before: datetime) -> QuerySet[JobExecution]:
    """Served by idx_job_history_time."""
    return JobExecution.objects.filter(execution_time__lt=before)


def _reports(before: datetime) -> QuerySet[Report]:
    """Served by idx_job_reports_time."""
    return Report.objects.filter(created_at__lt=before)


def _django_q_tasks(before: datetime) -> QuerySet[Task]:
    """Django-Q2's own tasks. No index tells their age; but our packages leave no row, so there are few."""
    return Task.objects.filter(stopped__lt=before)


register("failed_jobs", Rows("jobs", lambda: conf.current().keep_jobs, _finished_jobs, by="scheduled_time"))
register("history", Rows("attempts", lambda: conf.current().keep_history, _attempts, by="execution_time"))
register("history", Rows("reports", lambda: conf.current().keep_history, _reports, by="created_at"))
register("history", Rows("django_q_tasks", lambda: conf.current().keep_history, _django_q_tasks, by="stopped"))
# A backfill would enqueue again what it finds no run for.
register("history", Rows("recurring_runs", lambda: runs.KEEP, runs.decided_before, by="decided_at"), at_least=runs.KEEP)
register(TEMP_DATA, Files("temp_files", lambda: temp_files.KEEP, lambda: conf.current().temp_dirs))
