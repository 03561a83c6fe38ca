"""Leases: the right of one worker to run claimed jobs and record their outcome, until a time."""

import os
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from itertools import groupby
from typing import NoReturn

import structlog
from django.db import connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from jobs import heads, limits, registry, sql
from jobs.heads import Head

log = structlog.get_logger(__name__)

OVERDUE_EXIT = 70  # an internal software error, by sysexits.h
PATIENCE_SECONDS = 2.0
"""A batch that takes longer gives its unstarted jobs back."""


@dataclass(frozen=True)
class ClaimedJob:
    """One claimed row, as the database returned it."""

    job_id: str
    job_type: str
    payload: str
    """JSON text. Decoded one by one later: here the claim is committed, and one bad payload would cost the batch."""
    scheduled_time: datetime
    retry_count: int
    max_retries: int
    is_too_late: bool
    is_marked_at_start: bool
    """`begin` must be called for it: a worker's death counts against it only after that."""


@dataclass(frozen=True)
class Batch:
    """What one claim took. One token for all of them."""

    token: uuid.UUID
    jobs: list[ClaimedJob]


def claim(*, size: int, worker: str, lease: timedelta) -> Batch:
    """Take up to `size` due jobs, by the database's clock: of unlimited types together, or of one limited type.

    The batch may be empty: nothing is due, or what is due is paused, at its limit, or being claimed by others.
    """
    token = uuid.uuid4()
    limited = registry.limited()
    due = [head for head in heads.ready() if head.seconds <= 0]
    for is_limited, group in groupby(due, key=lambda head: head.job_type in limited):
        for chosen in ([head] for head in group) if is_limited else [list(group)]:
            jobs: list[ClaimedJob] = []
            take = partial(_take, jobs, chosen, token=token, worker=worker, lease=lease)
            if is_limited:
                job_type = chosen[0].job_type
                # What waits in a batch has not started: a rate would be kept by the claims and broken by the starts.
                is_one = limited[job_type].rate is not None and not registry.find(job_type).many
                limits.within(job_type, limited[job_type], size=1 if is_one else size, claim=take)
            else:
                take(size)
            if jobs:
                return Batch(token, jobs)
    return Batch(token, [])


def _take(
    jobs: list[ClaimedJob], chosen: list[Head], size: int, *, token: uuid.UUID, worker: str, lease: timedelta
) -> int:
    """Claim up to `size` jobs of these heads and add them to `jobs`. Returns how many of them will start."""
    with connection.cursor() as cursor:
        cursor.execute(
            sql.read("claim_v1"),
            {
                "priorities": [head.priority for head in chosen],
                "job_types": [head.job_type for head in chosen],
                "size": size,
                "token": token,
                "lease": lease.total_seconds(),
                "worker": worker,
                "not_repeatable": registry.not_repeatable(),
            },
        )
        rows = cursor.fetchall()
    rows.sort(key=lambda row: (-row[8], row[9]))  # UPDATE returns its rows in no particular order
    claimed = [ClaimedJob(*row[:8]) for row in rows]
    jobs.extend(claimed)
    return sum(not job.is_too_late for job in claimed)


def renew(token: uuid.UUID, job_ids: Sequence[str], *, lease: timedelta) -> int:
    """Extend the lease on those of the jobs that it still holds. Returns how many that are."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE scheduled_jobs SET lease_expires_at = now() + %s * interval '1 second' "
            "WHERE job_id = ANY(%s) AND lease_token = %s AND status = 'running'",
            [lease.total_seconds(), list(job_ids), token],
        )
        return int(cursor.rowcount)


def begin(token: uuid.UUID, job_ids: Sequence[str]) -> bool:
    """Note that the jobs are being started. False when the lease no longer holds all of them: do not start them."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE scheduled_jobs SET started_at = now() "
            "WHERE job_id = ANY(%s) AND lease_token = %s AND status = 'running'",
            [list(job_ids), token],
        )
        return bool(cursor.rowcount == len(job_ids))


def release(token: uuid.UUID, job_ids: Sequence[str]) -> int:
    """Give back jobs that were claimed but not started: pending again, no attempt counted."""
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH released AS (UPDATE scheduled_jobs SET status = 'pending', lease_token = NULL, "
            "lease_expires_at = NULL WHERE job_id = ANY(%s) AND lease_token = %s AND status = 'running' "
            "RETURNING 1) SELECT count(*), CASE WHEN count(*) > 0 THEN pg_notify('checkback_jobs', '') END "
            "FROM released",
            [list(job_ids), token],
        )
        return int(cursor.fetchone()[0])


@dataclass(frozen=True)
class Deadline:
    """When a call of a handler must be over, and what is done if it is not."""

    at: float
    """By the monotonic clock."""
    wrapper: BaseDatabaseWrapper
    """Django's connection of the thread that runs the handler."""
    record: Callable[[], None]

    def end_statement(self) -> None:
        """Let the server end what the handler is waiting for, and undo its transaction: that may hold our rows."""
        theirs = self.wrapper.connection
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = %s", [f"{PATIENCE_SECONDS}s"])
            if theirs is not None and not theirs.closed:
                cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [theirs.info.backend_pid])


class Keepalive:
    """Renews a batch's lease from a thread while its jobs run, and gives back what waits behind a long one.

    The thread opens a database connection only if the batch lasts longer than most.
    """

    def __init__(self, token: uuid.UUID, job_ids: Sequence[str], lease: timedelta) -> None:
        self._token = token
        self._waiting = set(job_ids)
        self._begun: set[str] = set()
        self._is_closed = False
        self._lock = threading.Lock()
        self._lease = lease
        self._confirmed_at = time.monotonic()
        self._deadline: Deadline | None = None
        self._wakes_at = 0.0
        self._is_done = False
        self._changed = threading.Event()

    def is_fresh(self) -> bool:
        """Whether the lease is certainly ours still. Asks the database when the last renewal is too long ago, as
        after the whole process was suspended.
        """
        if time.monotonic() - self._confirmed_at < self._lease.total_seconds() / 2:
            return True
        return self._renew()

    def begin(self, job_ids: Sequence[str]) -> bool:
        """Take the jobs out of those that may be given back. False when they were: do not start them."""
        with self._lock:
            if self._is_closed:
                return False
            self._waiting.difference_update(job_ids)
            self._begun.update(job_ids)
            return True

    def give_back(self) -> None:
        """Release the jobs that were not begun. From now on none can be."""
        with self._lock:
            self._is_closed = True
            waiting = sorted(self._waiting)
        if waiting:
            release(self._token, waiting)
            self._waiting.clear()

    @contextmanager
    def limited(self, timeout: timedelta | None, record: Callable[[], None]) -> Iterator[None]:
        """Hold the block to its time. Afterwards the keeper's thread calls `record` and ends this process.

        Nothing is raised into the block: it may stand anywhere, in the middle of a commit even.
        """
        if timeout is None:
            yield
            return
        deadline = Deadline(time.monotonic() + timeout.total_seconds(), connections["default"], record)
        with self._lock:
            self._deadline = deadline
            is_early = deadline.at < self._wakes_at
        if is_early:
            self._changed.set()
        try:
            yield
        finally:
            with self._lock:  # which the keeper holds for good once it ends this process
                self._deadline = None

    def start(self) -> None:
        """Start the thread."""
        threading.Thread(target=self._run, name="lease-keepalive", daemon=True).start()

    def stop(self) -> None:
        """Let the thread end. It may still be in a statement; that does no harm."""
        self._is_done = True
        self._changed.set()

    def _run(self) -> None:
        interval = self._lease.total_seconds() / 3
        renew_at, give_back_at = time.monotonic() + interval, time.monotonic() + PATIENCE_SECONDS
        try:
            while not self._wait(min(renew_at, give_back_at)):
                try:
                    if time.monotonic() >= renew_at:
                        renew_at = time.monotonic() + interval
                        self._renew()
                    if time.monotonic() >= give_back_at:
                        give_back_at = time.monotonic() + interval
                        self.give_back()
                        give_back_at = float("inf")
                except Exception as error:
                    # Not ours to mend: if it lasts, the lease runs out and the jobs are rescued.
                    log.warning("job.lease_not_renewed", error=str(error))
                    connection.close()
        finally:
            connection.close()

    def _wait(self, until: float) -> bool:
        """Wait, and see to the deadline meanwhile. True when the batch is over."""
        while not self._is_done and time.monotonic() < until:
            with self._lock:
                self._changed.clear()
                deadline = self._deadline
                if deadline is not None and time.monotonic() >= deadline.at:
                    self._end_process(deadline)
                self._wakes_at = until if deadline is None else min(until, deadline.at)
            if not self._is_done:
                self._changed.wait(max(0.0, self._wakes_at - time.monotonic()))
        return self._is_done

    def _end_process(self, deadline: "Deadline") -> NoReturn:
        """Record what ran too long, give back what waits, and end the worker; Django-Q2's sentinel starts another.

        A handler runs, so this process holds none of the locks of Django-Q2's queues.
        """
        try:
            deadline.end_statement()
            deadline.record()
            release(self._token, sorted(self._waiting))
        except Exception as error:  # of any kind: the lease runs out, and the jobs are rescued
            log.warning("job.overdue_not_recorded", error=str(error))
        finally:
            log.error("job.worker_ended", reason="a handler took longer than its time-out")
            os._exit(OVERDUE_EXIT)

    def _renew(self) -> bool:
        asked_at = time.monotonic()
        with self._lock:
            ours = [*self._begun, *self._waiting]
        held = renew(self._token, ours, lease=self._lease)
        if held:
            self._confirmed_at = asked_at
        return held > 0


def drop_broken_connection() -> None:
    """Let the next statement take a new connection if this one is beyond use. A caller's transaction is left alone."""
    if not connection.in_atomic_block:
        connection.close_if_unusable_or_obsolete()


@contextmanager
def kept_alive(batch: Batch, *, lease: timedelta) -> Iterator[Keepalive]:
    """Renew the batch's lease for as long as the block runs. What it did not begin is given back."""
    keepalive = Keepalive(batch.token, [job.job_id for job in batch.jobs], lease)
    keepalive.start()
    try:
        yield keepalive
    finally:
        keepalive.stop()
        drop_broken_connection()  # an error that ended the block may have broken it
        keepalive.give_back()
