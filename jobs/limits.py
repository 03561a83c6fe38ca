"""Limits of a type: how many workers run it at once, how many of its jobs start in a span of time, on all clusters.

Whoever claims jobs of a limited type holds the lock on its limit's row meanwhile, so nobody counts at the same time.
"""

from collections.abc import Callable
from datetime import datetime

from django.db import connection, transaction

from jobs import registry
from jobs.models import JobStatus, JobTypeUse, ScheduledJob
from jobs.policies import Policy


def within(job_type: str, policy: Policy, *, size: int, claim: Callable[[int], int]) -> None:
    """Call `claim` with how many jobs of the type may be taken, at most `size`; it returns how many of them start. Not
    at all when the type is at its limit, or somebody else claims of it this moment.
    """
    with transaction.atomic():
        name = policy.limit_name(job_type)
        use = _locked(name)
        if use is None or _is_at_its_concurrency(name, policy):
            return
        if policy.rate is None:
            claim(size)
            return
        now = _database_time()
        recent = [start for start in use.recent_starts if now - policy.rate.per < start <= now]
        size = min(size, policy.rate.count - len(recent))
        started = claim(size) if size > 0 else 0
        JobTypeUse.objects.filter(pk=name).update(recent_starts=[*recent, *[now] * started])


def _locked(name: str) -> JobTypeUse | None:
    """The limit's row, made when there is none yet. None while somebody else holds it."""
    rows = JobTypeUse.objects.select_for_update(skip_locked=True).filter(name=name)
    use: JobTypeUse | None = rows.first()
    if use is None and not JobTypeUse.objects.filter(name=name).exists():
        JobTypeUse.objects.bulk_create([JobTypeUse(name=name)], ignore_conflicts=True)
        use = rows.first()
    return use


def _is_at_its_concurrency(name: str, policy: Policy) -> bool:
    if policy.concurrency is None:
        return False
    sharing = [job_type for job_type, other in registry.limited().items() if other.limit_name(job_type) == name]
    running = ScheduledJob.objects.filter(status=JobStatus.RUNNING, job_type__in=sharing)
    # A lease is one worker, which runs the jobs of it one after another.
    return running.order_by().values("lease_token").distinct().count() >= policy.concurrency


def _database_time() -> datetime:
    """Not `now()`, when the transaction began: somebody may have started jobs between that and our lock, whose starts
    would then lie in the future, and not count.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        now: datetime = cursor.fetchone()[0]
    return now
