"""Recording how an attempt ended. Every statement names the lease's token: who lost the lease cannot write."""

import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.db import connection, transaction

from jobs import backoff, sql
from jobs.errors import JobError, OutcomeUnknown, PermanentFailure, RateLimited
from jobs.models import JobStatus
from jobs.registry import Attempt, BrokenPayload, UnknownJobType

LONGEST_ERROR = 10_000
LONGEST_DURATION_MS = 2_000_000_000  # more than three weeks; the column holds no more
SHORTEST_WAIT, LONGEST_WAIT = timedelta(seconds=1), timedelta(days=3660)
_PERMANENT = (PermanentFailure, UnknownJobType, BrokenPayload)


class LeaseLost(Exception):
    """The job is no longer this attempt's: its lease ran out and somebody else may run it. Roll back."""


def complete(attempts: Sequence[Attempt[Any]], *, now: datetime) -> None:
    """Complete the jobs and write their history, inside the caller's transaction if there is one.

    A per-job handler calls this in the transaction of its effects, so that both are kept or neither.

    Raises:
        LeaseLost: at least one of them is not held by this attempt any more.
    """
    if not attempts:
        return
    started_at = attempts[0].started_at or now
    if settle(attempts, status=JobStatus.COMPLETED, started_at=started_at, now=now) < len(attempts):
        raise LeaseLost(f"{attempts[0].job_type} {attempts[0].job_id} is held by another worker by now.")
    transaction.on_commit(partial(_note_recorded, attempts))


def _note_recorded(attempts: Sequence[Attempt[Any]]) -> None:
    for attempt in attempts:
        attempt.ending.is_recorded = True


def fail(attempt: Attempt[Any], error: BaseException, *, max_retries: int, now: datetime) -> JobStatus | None:
    """Record a failed attempt: another try later, or the end, by the error's class.

    Returns the job's new state; None when the lease was lost, and nothing was written.
    """
    retry_count = attempt.number - 1
    status, next_attempt_at = JobStatus.FAILED, None
    if isinstance(error, OutcomeUnknown):
        status = JobStatus.UNKNOWN
    elif not isinstance(error, _PERMANENT) and retry_count < max_retries:
        status = JobStatus.PENDING
        next_attempt_at = backoff.retry_at(now=now, retry_count=retry_count, jitter=random.random())  # noqa: S311
        if isinstance(error, RateLimited):
            next_attempt_at = now + min(max(error.retry_after, SHORTEST_WAIT), LONGEST_WAIT)
    written = settle(
        [attempt],
        status=status,
        history_status=JobStatus.UNKNOWN if status == JobStatus.UNKNOWN else JobStatus.FAILED,
        next_attempt_at=next_attempt_at,
        error=describe(error),
        retries_used=1 if status == JobStatus.PENDING else 0,
        started_at=attempt.started_at or now,
        now=now,
    )
    return status if written else None


def expire(attempts: Sequence[Attempt[Any]], *, now: datetime) -> None:
    """Record jobs that came too late to be worth running."""
    error = "It could not start before its time ran out."
    settle(attempts, status=JobStatus.EXPIRED, error=error, started_at=now, now=now)


def snooze(attempt: Attempt[Any], *, until: datetime, reason: str, now: datetime) -> None:
    """Put the job back, due at `until`. No attempt is counted and no history is written."""
    settle(
        [attempt],
        status=JobStatus.PENDING,
        history_status=None,
        next_attempt_at=min(max(until, now + SHORTEST_WAIT), now + LONGEST_WAIT),
        error=storable(reason),
        started_at=attempt.started_at or now,
        now=now,
    )


_SAME = object()


def settle(
    attempts: Sequence[Attempt[Any]],
    *,
    status: JobStatus,
    started_at: datetime,
    now: datetime,
    history_status: Any = _SAME,
    next_attempt_at: datetime | None = None,
    error: str | None = None,
    retries_used: int = 0,
) -> int:
    """Write one outcome for attempts of one lease. Returns how many jobs the lease still held."""
    recorded = status if history_status is _SAME else history_status
    with connection.cursor() as cursor:
        cursor.execute(
            sql.read("settle_v1"),
            {
                "job_ids": [attempt.job_id for attempt in attempts],
                "token": attempts[0].lease_token,
                "status": str(status),
                "history_status": str(recorded) if recorded else None,
                "started_at": started_at,
                "now": now,
                "duration_ms": min(max(0, round((now - started_at) / timedelta(milliseconds=1))), LONGEST_DURATION_MS),
                "next_attempt_at": next_attempt_at,
                "error": error,
                "retries_used": retries_used,
            },
        )
        return int(cursor.fetchone()[0])


def describe(error: BaseException) -> str:
    """The error in one text for the row: our own messages as they are, others with their class."""
    try:
        words = str(error)
    except Exception:
        words = "(it has no text)"
    ours = isinstance(error, (JobError, UnknownJobType, BrokenPayload))
    return storable(words if ours else f"{type(error).__name__}: {words}")


def storable(text: str) -> str:
    """Make it fit a column of text: no NUL, no half characters, not endless."""
    return text[:LONGEST_ERROR].replace("\x00", "\ufffd").encode("utf-8", "replace").decode()
