"""What the engine says of itself: one job's story, and the scheduler's health."""

from dataclasses import dataclass
from datetime import datetime

from jobs.models import JobExecution, ScheduledJob


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
    raise NotImplementedError


def scheduler_health(*, now: datetime) -> SchedulerHealth:
    """How the engine is doing."""
    raise NotImplementedError
