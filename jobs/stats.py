"""What the engine says of itself: one job's story, and the scheduler's health."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Max, Min

from jobs import conf
from jobs.models import ClusterHeartbeat, JobExecution, JobStatus, ScheduledJob
from jobs.rescue import EVERY_SECONDS

FRESH = timedelta(seconds=6 * EVERY_SECONDS)
"""A cluster that has not beaten for this long is taken for dead."""


@dataclass(frozen=True)
class JobReport:
    """A job and its attempts, oldest first."""

    job: ScheduledJob
    attempts: list[JobExecution]


@dataclass(frozen=True)
class SchedulerHealth:
    """The engine's state at one instant. Durations in seconds."""

    enabled: bool
    running: bool
    """At least one cluster has a fresh heartbeat."""
    clusters: int
    last_heartbeat_at: datetime | None
    pending: int
    due_in_future: int
    overdue: int
    """Due for more than two check intervals and not started."""
    oldest_due_at: datetime | None
    failed_last_hour: int


def job_status(job_id: str) -> JobReport | None:
    """Everything about one job, or None."""
    job = ScheduledJob.objects.filter(job_id=job_id).first()
    if job is None:
        return None
    return JobReport(job, list(JobExecution.objects.filter(job_id=job_id).order_by("execution_time", "execution_id")))


def scheduler_health(*, now: datetime) -> SchedulerHealth:
    """How the engine is doing."""
    settings = conf.current()
    pending = ScheduledJob.objects.pending()
    clusters = ClusterHeartbeat.objects.filter(beat_at__gt=now - FRESH).count()
    return SchedulerHealth(
        enabled=settings.enabled,
        running=settings.enabled and clusters > 0,
        clusters=clusters,
        last_heartbeat_at=ClusterHeartbeat.objects.aggregate(newest=Max("beat_at"))["newest"],
        pending=pending.count(),
        due_in_future=pending.filter(next_attempt_at__gt=now).count(),
        overdue=pending.due(now=now - 2 * settings.check_interval).count(),
        oldest_due_at=pending.due(now=now).aggregate(oldest=Min("next_attempt_at"))["oldest"],
        failed_last_hour=JobExecution.objects.filter(
            execution_time__gt=now - timedelta(hours=1), status=JobStatus.FAILED
        ).count(),
    )
