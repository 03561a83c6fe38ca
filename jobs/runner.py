"""Running claimed jobs in a worker: per job or set by set, each with its own outcome."""

import os
import socket
import time
from asyncio import CancelledError
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any

import structlog
from django.db import InterfaceError, OperationalError, transaction
from django.utils import timezone

from jobs import conf, leases, outcomes, pauses, registry, wakeup
from jobs.errors import OutcomeUnknown, Snooze
from jobs.leases import Batch, ClaimedJob, Keepalive
from jobs.models import JobStatus
from jobs.registry import Attempt, Handler

log = structlog.get_logger(__name__)

SLICE_SECONDS = 1.0
"""A worker goes back to Django-Q2 after this time, so that other tasks and a stop get their turn."""
BATCH_SECONDS = 0.25
"""How long a claimed batch should take: short enough to share work fairly, long enough to make claims cheap."""
LARGEST_BATCH = 500
FIRST_BATCH = 16


Running = list[tuple[ClaimedJob, Attempt[Any]]]
STOPPABLE = (Exception, SystemExit, CancelledError)
"""What a handler may raise without harm to its worker. A call of sys.exit() fails its job, as any error does."""


class Pace:
    """How many jobs to claim at once, learnt from how long this process needs for one."""

    def __init__(self) -> None:
        self.size = FIRST_BATCH

    def learn(self, count: int, seconds: float) -> None:
        """Take in that `count` jobs took `seconds`. Grows by doubling at most, shrinks at once."""
        fitting = int(count * BATCH_SECONDS / max(seconds, 1e-6))
        self.size = max(1, min(fitting, self.size * 2, LARGEST_BATCH))


_pace = Pace()


def worker_name() -> str:
    """Host and process, as it stands in the rows."""
    return f"{socket.gethostname()}:{os.getpid()}"


def run_due() -> int:
    """Run due jobs until none is left or the slice is over; the broker sends workers here. Returns how many ran."""
    deadline = time.monotonic() + SLICE_SECONDS
    count = 0
    while conf.is_enabled() and time.monotonic() < deadline:
        ran = run_once(size=_pace.size)
        if not ran:
            break
        count += ran
    return count


def run_once(*, size: int = LARGEST_BATCH) -> int:
    """Claim one batch and run it. Returns how many jobs were claimed: 0 means that nothing is due."""
    lease = conf.current().lease
    batch = leases.claim(size=size, worker=worker_name(), lease=lease)
    if batch.jobs:
        began = time.monotonic()
        with leases.kept_alive(batch, lease=lease) as keepalive:
            started = _run_batch(batch, keepalive)
        _pace.learn(max(started, 1), time.monotonic() - began)
        if batch.jobs[0].job_type in registry.limited():
            wakeup.notify()  # a place is free: the brokers had left this type out
    return len(batch.jobs)


def _run_batch(batch: Batch, keepalive: Keepalive) -> int:
    """Run the jobs type by type, in the order in which the types first appear. Returns how many were started."""
    lookout = pauses.Lookout()
    groups: dict[str, list[ClaimedJob]] = {}
    for job in batch.jobs:
        groups.setdefault("" if job.is_too_late else job.job_type, []).append(job)
    started = 0
    for job_type, jobs in groups.items():
        if not job_type:
            if keepalive.begin([job.job_id for job in jobs]):
                outcomes.expire([_bare_attempt(batch, job) for job in jobs], now=timezone.now())
                started += len(jobs)
            continue
        for chunk in _chunks(job_type, jobs):
            if not conf.is_enabled() or lookout.is_paused(job_type):
                return started
            if not _may_start(batch, chunk, keepalive, is_first=not started):
                return started
            _run_chunk(batch, job_type, chunk, keepalive)
            started += len(chunk)
    return started


def _may_start(batch: Batch, chunk: list[ClaimedJob], keepalive: Keepalive, *, is_first: bool) -> bool:
    """Whether the jobs are still ours to start. What is not started is given back when the batch's block ends."""
    if not is_first and not keepalive.is_fresh():
        return False
    if not keepalive.begin([job.job_id for job in chunk]):
        return False
    marked = [job.job_id for job in chunk if job.is_marked_at_start]
    return not marked or leases.begin(batch.token, marked)


def _chunks(job_type: str, jobs: list[ClaimedJob]) -> Sequence[list[ClaimedJob]]:
    """All at once for a set-based type, one by one for the others and for what nobody handles.

    Later attempts run alone in any case: the one that killed its worker must not take the others along again.
    """
    try:
        many = registry.find(job_type).many
    except registry.UnknownJobType:
        many = False
    if not many:
        return [[job] for job in jobs]
    first = [job for job in jobs if not job.retry_count]
    return [*([first] if first else []), *([job] for job in jobs if job.retry_count)]


def _run_chunk(batch: Batch, job_type: str, jobs: list[ClaimedJob], keepalive: Keepalive) -> None:
    """Decode the payloads, fail those that are broken, run the rest."""
    handler: Handler | None = None
    ready: Running = []
    for job in jobs:
        try:
            handler = registry.find(job_type)
            ready.append((job, _attempt(batch, job, registry.read(handler, job.payload))))
        except (registry.UnknownJobType, registry.BrokenPayload) as error:
            _fail(job, _bare_attempt(batch, job), error)
    if handler is None or not ready:
        return
    if handler.many and len(ready) > 1 and _run_set(handler, ready, keepalive):
        return
    for job, attempt in ready:
        _run_one(handler, job, attempt, keepalive)


def _in_time(handler: Handler, running: Running, keepalive: Keepalive) -> AbstractContextManager[None]:
    """Hold one call of the handler to its time-out: this process ends then, and whether the effect is there is open."""
    timeout = handler.policy.timeout

    def record() -> None:
        words = f"It ran for longer than {timeout and timeout.total_seconds():g} s, and was ended with its worker."
        for job, attempt in running:
            _fail(job, attempt, TimeoutError(words) if handler.policy.repeatable else OutcomeUnknown(words))
        wakeup.notify()

    return keepalive.limited(timeout, record)


def _run_set(handler: Handler, ready: Running, keepalive: Keepalive) -> bool:
    """Effects and outcomes of the whole set in one transaction. False when it failed: then each must run alone."""
    attempts = [attempt for _, attempt in ready]
    try:
        with transaction.atomic():
            with _in_time(handler, ready, keepalive):
                handler.function(attempts)
            outcomes.complete(attempts, now=timezone.now())
    except STOPPABLE as error:
        log.warning("job.set_failed", job_type=handler.job_type, jobs=len(attempts), error=outcomes.describe(error))
        return False
    return True


def _run_one(handler: Handler, job: ClaimedJob, attempt: Attempt[Any], keepalive: Keepalive) -> None:
    """Run one job and record its outcome, whatever happens in it."""
    try:
        if handler.many:
            with transaction.atomic():
                with _in_time(handler, [(job, attempt)], keepalive):
                    handler.function([attempt])
                outcomes.complete([attempt], now=timezone.now())
            return
        with _in_time(handler, [(job, attempt)], keepalive):
            handler.function(attempt)
    except outcomes.LeaseLost as lost:
        log.warning("job.lease_lost", job_id=job.job_id, job_type=job.job_type, error=str(lost))
    except Snooze as pause:
        outcomes.snooze(attempt, until=pause.until, reason=str(pause), now=timezone.now())
    except (OperationalError, InterfaceError) as error:
        # The connection may have died while the handler's own effect was being committed.
        in_doubt = OutcomeUnknown(f"The database's answer was lost: {error}")
        _fail(job, attempt, error if handler.policy.repeatable else in_doubt)
    except STOPPABLE as error:
        _fail(job, attempt, error)
    else:
        if attempt.ending.is_recorded:
            return  # by the handler, in the transaction of its effects
        # No row changes should it have been recorded all the same, as in a transaction around all this.
        outcomes.settle(
            [attempt],
            status=JobStatus.COMPLETED,
            started_at=attempt.started_at or timezone.now(),
            now=timezone.now(),
        )


def _fail(job: ClaimedJob, attempt: Attempt[Any], error: BaseException) -> None:
    leases.drop_broken_connection()  # the connection may be what failed; the outcome takes a new one
    status = outcomes.fail(attempt, error, max_retries=job.max_retries, now=timezone.now())
    log.warning(
        "job.attempt_failed",
        job_id=job.job_id,
        job_type=job.job_type,
        attempt=attempt.number,
        then=str(status or "lease lost"),
        error=outcomes.describe(error),
    )


def _attempt(batch: Batch, job: ClaimedJob, payload: Any) -> Attempt[Any]:
    return Attempt(
        job_id=job.job_id,
        job_type=job.job_type,
        payload=payload,
        scheduled_time=job.scheduled_time,
        number=job.retry_count + 1,
        lease_token=batch.token,
        started_at=timezone.now(),
    )


def _bare_attempt(batch: Batch, job: ClaimedJob) -> Attempt[Any]:
    """An attempt that will not reach a handler."""
    return _attempt(batch, job, None)
