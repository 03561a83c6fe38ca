"""Putting jobs into the queue, in the caller's transaction: a rolled-back caller leaves no job."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from jobs.models import ScheduledJob


class UniqueKeyTaken(Exception):
    """A live job holds this unique key already; `existing` is that job. The caller's transaction is unharmed."""

    def __init__(self, existing: ScheduledJob) -> None:
        super().__init__(f"Job {existing.job_id} ({existing.status}) already holds the key {existing.unique_key!r}.")
        self.existing = existing


class InvalidJob(ValueError):
    """The job cannot be enqueued as asked; the message says what to mend."""


def schedule_job(
    job_type: str,
    scheduled_time: datetime,
    payload: object,
    *,
    max_retries: int = 3,
    unique_key: str | None = None,
    priority: int = 0,
    max_lateness: timedelta | None = None,
    job_id: str | None = None,
) -> ScheduledJob:
    """Enqueue one job.

    Raises:
        UniqueKeyTaken: a live job has the same `unique_key`.
        InvalidJob: naive time, unknown type, payload that is not JSON, priority outside 0..9, and the like.
    """
    raise NotImplementedError


def schedule_jobs(
    job_type: str,
    jobs: Iterable[tuple[datetime, object]],
    *,
    max_retries: int = 3,
    priority: int = 0,
    max_lateness: timedelta | None = None,
) -> int:
    """Enqueue many jobs of one type, `(scheduled_time, payload)` each, by COPY. Returns how many."""
    raise NotImplementedError
