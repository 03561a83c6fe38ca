"""The scheduler's health, with the keys the seed documents promise and ours."""

from datetime import datetime
from typing import Any


def health_check(*, now: datetime) -> dict[str, Any]:
    """Return `status` (healthy, degraded, unhealthy), `scheduler_running`, `pending_jobs`, `pending_followups`,
    `executed_today`, `apscheduler_jobs`, `overdue_jobs`, `failed_last_hour`, `last_heartbeat_at`, `timezone`.
    """
    raise NotImplementedError
