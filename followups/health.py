"""The scheduler's health, with the keys the seed documents promise and ours."""

from datetime import datetime
from typing import Any

from followups import conf
from followups.models import FollowUp, FollowUpStatus
from jobs import checkup, stats
from jobs import conf as jobs_conf
from jobs.models import HealthResult, JobStatus, ScheduledJob

MISSED_BEATS = 3


def health_check(*, now: datetime) -> dict[str, Any]:
    """Return `status` (healthy, degraded, unhealthy), `scheduler_running`, `pending_jobs`, `pending_followups`,
    `executed_today`, `apscheduler_jobs`, `background_tasks_active` (jobs at work now), `overdue_jobs`,
    `failed_last_hour`, `last_heartbeat_at`, `timezone`, and `checks`: what each check of the check-up found last.

    Degraded: no cluster has given a sign of life for three check intervals, too much is overdue, or a check found
    something lately. A database that cannot be read raises; to answer `unhealthy` then is up to the caller.
    """
    settings = conf.current()
    engine, checks = stats.scheduler_health(now=now), checkup.latest()
    is_troubled = any(checkup.is_trouble(result, now=now) for result in checks)
    midnight = now.astimezone(settings.zone).replace(hour=0, minute=0, second=0, microsecond=0)
    return {
        "status": "degraded" if is_troubled or _is_degraded(engine, now=now) else "healthy",
        "scheduler_running": engine.running,
        "pending_jobs": engine.pending,
        "pending_followups": FollowUp.objects.filter(status=FollowUpStatus.PENDING).count(),
        "executed_today": FollowUp.objects.filter(status=FollowUpStatus.EXECUTED, executed_at__gte=midnight).count(),
        "apscheduler_jobs": engine.due_in_future,
        "background_tasks_active": ScheduledJob.objects.filter(status=JobStatus.RUNNING).count(),
        "overdue_jobs": engine.overdue,
        "failed_last_hour": engine.failed_last_hour,
        "last_heartbeat_at": engine.last_heartbeat_at,
        "timezone": settings.timezone,
        "checks": {result.check_name: _check(result, now=now) for result in checks},
    }


def _check(result: HealthResult, *, now: datetime) -> dict[str, Any]:
    return {
        "status": result.status,
        "detail": result.detail,
        "numbers": result.numbers,
        "since": result.began_at,
        "checked_at": result.checked_at,
        "is_fresh": checkup.is_fresh(result, now=now),
        "duration_ms": result.duration_ms,
    }


def _is_degraded(engine: stats.SchedulerHealth, *, now: datetime) -> bool:
    beat = engine.last_heartbeat_at
    silent = beat is None or now - beat > MISSED_BEATS * jobs_conf.current().check_interval
    return silent or engine.overdue > stats.MOST_OVERDUE
