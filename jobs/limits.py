"""Limits of a type: how many workers run it at once, how many of its jobs start in a span of time, on all clusters.

Whoever claims jobs of a limited type holds the lock on the type's row meanwhile, so nobody counts at the same time.
"""

from collections.abc import Callable
from datetime import datetime

from django.db import connection, transaction

from jobs.models import JobStatus, JobTypeUse, ScheduledJob
from jobs.policies import Policy


def within(job_type: str, policy: Policy, *, size: int, claim: Callable[[int], int]) -> None:
    """Call `claim` with how many jobs of the type may be taken, at most `size`; it returns how many were. Not at all
    when the type is at its limit, or somebody else claims of it this moment.
    """
    with transaction.atomic():
        use = _locked(job_type)
        if use is None or _is_at_its_concurrency(job_type, policy):
            return
        now = _database_time()
        recent = _recent(use, policy, now)
        if policy.rate is not None:
            size = min(size, policy.rate.count - len(recent))
        taken = claim(size) if size > 0 else 0
        if policy.rate is not None:
            recent += [now] * taken
            full = len(recent) >= policy.rate.count
            use.recent_starts = recent
            use.free_at = recent[-policy.rate.count] + policy.rate.per if full else None
            use.save(update_fields=["recent_starts", "free_at"])


def _locked(job_type: str) -> JobTypeUse | None:
    """The type's row, made when there is none yet. None while somebody else holds it."""
    rows = JobTypeUse.objects.select_for_update(skip_locked=True).filter(job_type=job_type)
    use: JobTypeUse | None = rows.first()
    if use is None and not JobTypeUse.objects.filter(job_type=job_type).exists():
        JobTypeUse.objects.bulk_create([JobTypeUse(job_type=job_type)], ignore_conflicts=True)
        use = rows.first()
    return use


def _is_at_its_concurrency(job_type: str, policy: Policy) -> bool:
    if policy.concurrency is None:
        return False
    running = ScheduledJob.objects.filter(status=JobStatus.RUNNING, job_type=job_type)
    # A lease is one worker, which runs the jobs of it one after another.
    return running.order_by().values("lease_token").distinct().count() >= policy.concurrency


def _recent(use: JobTypeUse, policy: Policy, now: datetime) -> list[datetime]:
    return [start for start in use.recent_starts if policy.rate is not None and start > now - policy.rate.per]


def _database_time() -> datetime:
    with connection.cursor() as cursor:
        cursor.execute("SELECT now()")
        now: datetime = cursor.fetchone()[0]
    return now
