"""Putting jobs into the queue, in the caller's transaction: a rolled-back caller leaves no job."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import islice

from asgiref.sync import sync_to_async
from django.db import connection, transaction
from django.utils import timezone

from jobs import registry, sql
from jobs.models import ScheduledJob, new_job_id
from jobs.policies import HIGHEST_PRIORITY, LONGEST_LATENESS, LOWEST_PRIORITY, MOST_RETRIES, Policy
from jobs.registry import Handler

LONGEST_ID = 255
LARGEST_PAYLOAD = 1024 * 1024
"""Bytes of JSON. A job names what it works on; the bulk belongs into a table or a file."""
COPY_AT_ONCE = 5_000
FARTHEST = timedelta(days=3660)
"""A scheduled time farther from now is a mistake in the caller's arithmetic."""
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
    max_retries: int | None = None,
    unique_key: str | None = None,
    priority: int | None = None,
    max_lateness: timedelta | None = None,
    job_id: str | None = None,
) -> ScheduledJob:
    """Enqueue one job.

    `max_lateness` lets a job expire that could not start within that time of `scheduled_time`. What is not given is
    as the type's policy has it: 3 retries, priority 0, no unique key and no end of its time unless that says more.

    Raises:
        UniqueKeyTaken: a live job has the same `unique_key`.
        InvalidJob: naive time, a time more than ten years away, unknown type, payload that is not JSON, does not fit
            the handler or is larger than a megabyte, priority outside 0..9, an id that is taken, and the like.
    """
    handler = _handler(job_type)
    max_retries, priority, max_lateness = _options(
        handler.policy, max_retries=max_retries, priority=priority, max_lateness=max_lateness
    )
    check_time(scheduled_time, now=timezone.now())
    stored = _payload_text(handler, payload)
    if unique_key is None and handler.policy.unique_key is not None:
        unique_key = _unique_key(handler, stored)
    _check_text("unique_key", unique_key)
    _check_text("job_id", job_id)
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
    max_retries: int | None = None,
    priority: int | None = None,
    max_lateness: timedelta | None = None,
) -> int:
    """Enqueue many jobs of one type, `(scheduled_time, payload)` each, by COPY. Returns how many.

    All or nothing: an invalid one raises InvalidJob and none is enqueued. A type with a unique key cannot be
    enqueued like this: COPY cannot pass over a key that is taken.
    """
    handler = _handler(job_type)
    if handler.policy.unique_key is not None:
        raise InvalidJob("job_type", f"Jobs of type {job_type!r} have unique keys: enqueue them one by one.")
    max_retries, priority, max_lateness = _options(
        handler.policy, max_retries=max_retries, priority=priority, max_lateness=max_lateness
    )
    now = timezone.now()
    rows = (
        (
            new_job_id(),
            job_type,
            scheduled_time,
            _payload_text(handler, payload),
            max_retries,
            scheduled_time,
            scheduled_time + max_lateness if max_lateness is not None else None,
            priority,
        )
        for scheduled_time, payload in _checked(jobs, now=now)
    )
    count = 0
    with transaction.atomic():
        # In pieces: what `jobs` asks the database while it is read must not meet a COPY on the same connection.
        while piece := list(islice(rows, COPY_AT_ONCE)):
            _copy(piece)
            count += len(piece)
    return count


aschedule_job = sync_to_async(schedule_job)
aschedule_jobs = sync_to_async(schedule_jobs)


def check_time(scheduled_time: datetime, *, now: datetime) -> None:
    """Raise InvalidJob for a time that is no instant, or so far away that nobody can have meant it."""
    if timezone.is_naive(scheduled_time):
        raise InvalidJob("scheduled_time", "The scheduled time needs a time zone, like 2026-05-01T12:00:00+02:00.")
    if abs(scheduled_time - now) > FARTHEST:
        raise InvalidJob(
            "scheduled_time", f"The scheduled time {scheduled_time.isoformat()} is more than ten years away from now."
        )


def _checked(jobs: Iterable[tuple[datetime, object]], *, now: datetime) -> Iterator[tuple[datetime, object]]:
    for scheduled_time, payload in jobs:
        check_time(scheduled_time, now=now)
        yield scheduled_time, payload


def _copy(rows: Iterable[Sequence[object]]) -> None:
    columns = "job_id, job_type, scheduled_time, payload, max_retries, next_attempt_at, expires_at, priority"
    with connection.cursor() as cursor, cursor.copy(f"COPY scheduled_jobs ({columns}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)


def _handler(job_type: str) -> Handler:
    try:
        return registry.find(job_type)
    except registry.UnknownJobType as error:
        raise InvalidJob("job_type", str(error)) from None


def _unique_key(handler: Handler, stored: str) -> str | None:
    """What the type's policy makes of the payload."""
    assert handler.policy.unique_key is not None  # noqa: S101 - asked before
    try:
        key: object = handler.policy.unique_key(registry.read(handler, stored))
    except Exception as error:
        raise InvalidJob("unique_key", f"No unique key can be made of the payload: {error!r}.") from error
    if key is not None and not isinstance(key, str):
        raise InvalidJob("unique_key", f"The unique key made of the payload is no text: {key!r}.")
    return key


def _options(
    policy: Policy, *, max_retries: int | None, priority: int | None, max_lateness: timedelta | None
) -> tuple[int, int, timedelta | None]:
    """Take what was not asked for from the policy, and check what was."""
    retries = policy.max_retries if max_retries is None else max_retries
    if not 0 <= retries <= MOST_RETRIES:
        raise InvalidJob("max_retries", f"max_retries is a whole number from 0 to {MOST_RETRIES}, not {retries}.")
    level = policy.priority if priority is None else priority
    if not LOWEST_PRIORITY <= level <= HIGHEST_PRIORITY:
        raise InvalidJob(
            "priority", f"priority is a whole number from {LOWEST_PRIORITY} to {HIGHEST_PRIORITY}, not {level}."
        )
    lateness = policy.max_lateness if max_lateness is None else max_lateness
    if lateness is not None and not timedelta(0) < lateness <= LONGEST_LATENESS:
        raise InvalidJob(
            "max_lateness", f"max_lateness must be longer than nothing and at most {LONGEST_LATENESS.days} days."
        )
    return retries, level, lateness


def _check_text(field: str, value: str | None) -> None:
    if value is not None and (not value or len(value) > LONGEST_ID or "\x00" in value or _LONE_SURROGATE.search(value)):
        raise InvalidJob(field, f"{field} is 1 to {LONGEST_ID} characters without NUL or half characters.")


def _payload_text(handler: Handler, payload: object) -> str:
    """Check the payload against its handler and return it as JSON."""
    try:
        stored = registry.encode(payload)
        if isinstance(payload, Mapping):
            registry.decode(handler, stored)
        elif not isinstance(payload, handler.payload_type):
            wanted, given = handler.payload_type.__name__, type(payload).__name__
            raise InvalidJob("payload", f"Jobs of type {handler.job_type!r} take a {wanted}, not a {given}.")
        text = json.dumps(stored, allow_nan=False, ensure_ascii=False)
    except RecursionError:
        raise InvalidJob("payload", "The payload is nested too deeply.") from None
    except (registry.BrokenPayload, TypeError, ValueError) as error:
        raise InvalidJob("payload", str(error)) from error
    if _NUL_IN_JSON.search(text) or _LONE_SURROGATE.search(text):
        raise InvalidJob("payload", "The payload contains NUL or half a character, which the database cannot store.")
    if len(text) > LARGEST_PAYLOAD or len(text.encode()) > LARGEST_PAYLOAD:
        raise InvalidJob(
            "payload", f"The payload has {len(text.encode()):,} bytes as JSON; at most {LARGEST_PAYLOAD:,} are allowed."
        )
    return text
