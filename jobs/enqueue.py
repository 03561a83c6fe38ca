"""Putting jobs into the queue, in the caller's transaction: a rolled-back caller leaves no job."""

import json
import re
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from asgiref.sync import sync_to_async
from django.db import connection
from django.utils import timezone

from jobs import registry, sql
from jobs.models import HIGHEST_PRIORITY, LOWEST_PRIORITY, ScheduledJob, new_job_id

LONGEST_ID = 255
MOST_RETRIES = 100
FIRST_YEAR, LAST_YEAR = 1900, 9000
LONGEST_LATENESS = timedelta(days=3660)
_NUL_IN_JSON = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")  # an escaped backslash before "u0000" is only text
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


class UniqueKeyTaken(Exception):
    """A live job holds this unique key already; `existing` is that job. The caller's transaction is unharmed."""

    def __init__(self, existing: ScheduledJob) -> None:
        super().__init__(f"Job {existing.job_id} ({existing.status}) already holds the key {existing.unique_key!r}.")
        self.existing = existing


class InvalidJob(ValueError):
    """The job cannot be enqueued as asked; `field` names the argument, the message says what to mend."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


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

    `max_lateness` lets a job expire that could not start within that time of `scheduled_time`.

    Raises:
        UniqueKeyTaken: a live job has the same `unique_key`.
        InvalidJob: naive time, unknown type, payload that is not JSON or does not fit the handler, priority
            outside 0..9, an id that is taken, and the like.
    """
    _check_options(scheduled_time, max_retries=max_retries, priority=priority, max_lateness=max_lateness)
    _check_text("unique_key", unique_key)
    _check_text("job_id", job_id)
    stored = _payload_text(job_type, payload)
    job = ScheduledJob(
        job_id=job_id or new_job_id(),
        job_type=job_type,
        scheduled_time=scheduled_time,
        payload=json.loads(stored),
        max_retries=max_retries,
        next_attempt_at=scheduled_time,
        expires_at=scheduled_time + max_lateness if max_lateness is not None else None,
        priority=priority,
        unique_key=unique_key,
    )
    values = {
        name: getattr(job, name)
        for name in ("job_id", "job_type", "scheduled_time", "max_retries", "expires_at", "priority", "unique_key")
    }
    while True:
        with connection.cursor() as cursor:
            cursor.execute(sql.read("enqueue_v1"), {**values, "payload": stored})
            row = cursor.fetchone()
        if row is not None:
            job.created_at = row[0]
            job._state.adding = False  # it is in the database, though not by save()  # noqa: SLF001
            job._state.db = "default"  # noqa: SLF001
            return job
        if job_id and ScheduledJob.objects.filter(job_id=job_id).exists():
            raise InvalidJob("job_id", f"The id {job_id!r} is taken by another job.")
        holder = ScheduledJob.objects.live().filter(unique_key=unique_key).first()
        if holder is not None:
            raise UniqueKeyTaken(holder)
        # The holder ended between the two statements: the key is free again.


def schedule_jobs(
    job_type: str,
    jobs: Iterable[tuple[datetime, object]],
    *,
    max_retries: int = 3,
    priority: int = 0,
    max_lateness: timedelta | None = None,
) -> int:
    """Enqueue many jobs of one type, `(scheduled_time, payload)` each, by COPY. Returns how many.

    All or nothing: an invalid one raises InvalidJob and none is enqueued.
    """
    columns = "job_id, job_type, scheduled_time, payload, max_retries, next_attempt_at, expires_at, priority"
    count = 0
    with connection.cursor() as cursor, cursor.copy(f"COPY scheduled_jobs ({columns}) FROM STDIN") as copy:
        for scheduled_time, payload in jobs:
            _check_options(scheduled_time, max_retries=max_retries, priority=priority, max_lateness=max_lateness)
            copy.write_row(
                (
                    new_job_id(),
                    job_type,
                    scheduled_time,
                    _payload_text(job_type, payload),
                    max_retries,
                    scheduled_time,
                    scheduled_time + max_lateness if max_lateness is not None else None,
                    priority,
                )
            )
            count += 1
    return count


aschedule_job = sync_to_async(schedule_job)
aschedule_jobs = sync_to_async(schedule_jobs)


def check_time(scheduled_time: datetime) -> None:
    """Raise InvalidJob for a time that is no instant, or that the database keeps but Python cannot read back."""
    if timezone.is_naive(scheduled_time):
        raise InvalidJob("scheduled_time", "The scheduled time needs a time zone, like 2026-05-01T12:00:00+02:00.")
    if not FIRST_YEAR <= scheduled_time.year < LAST_YEAR:
        raise InvalidJob(
            "scheduled_time", f"The scheduled time must lie between the years {FIRST_YEAR} and {LAST_YEAR}."
        )


def _check_options(
    scheduled_time: datetime, *, max_retries: int, priority: int, max_lateness: timedelta | None
) -> None:
    check_time(scheduled_time)
    if not 0 <= max_retries <= MOST_RETRIES:
        raise InvalidJob("max_retries", f"max_retries is a whole number from 0 to {MOST_RETRIES}, not {max_retries}.")
    if not LOWEST_PRIORITY <= priority <= HIGHEST_PRIORITY:
        raise InvalidJob(
            "priority", f"priority is a whole number from {LOWEST_PRIORITY} to {HIGHEST_PRIORITY}, not {priority}."
        )
    if max_lateness is not None and not timedelta(0) < max_lateness <= LONGEST_LATENESS:
        raise InvalidJob(
            "max_lateness", f"max_lateness must be longer than nothing and at most {LONGEST_LATENESS.days} days."
        )


def _check_text(field: str, value: str | None) -> None:
    if value is not None and (not value or len(value) > LONGEST_ID or "\x00" in value or _LONE_SURROGATE.search(value)):
        raise InvalidJob(field, f"{field} is 1 to {LONGEST_ID} characters without NUL or half characters.")


def _payload_text(job_type: str, payload: object) -> str:
    """Check the payload against its handler and return it as JSON."""
    try:
        handler = registry.find(job_type)
    except registry.UnknownJobType as error:
        raise InvalidJob("job_type", str(error)) from None
    try:
        stored = registry.encode(payload)
        if isinstance(payload, Mapping):
            registry.decode(handler, stored)
        text = json.dumps(stored, allow_nan=False, ensure_ascii=False)
    except RecursionError:
        raise InvalidJob("payload", "The payload is nested too deeply.") from None
    except (registry.BrokenPayload, TypeError, ValueError) as error:
        raise InvalidJob("payload", str(error)) from error
    if _NUL_IN_JSON.search(text) or _LONE_SURROGATE.search(text):
        raise InvalidJob("payload", "The payload contains NUL or half a character, which the database cannot store.")
    return text
