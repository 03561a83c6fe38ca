"""The engine's tables, one file for each subject."""

from jobs.models.health import ClusterHeartbeat, HealthResult, HealthStatus
from jobs.models.jobs import IsFinite, IsObject, JobExecution, JobStatus, ScheduledJob, new_job_id
from jobs.models.recurring import Origin, RecurringRun, RecurringSchedule
from jobs.models.reports import DailyFigure, Report
from jobs.models.steering import JobPause, JobTypeUse

__all__ = [
    "ClusterHeartbeat",
    "DailyFigure",
    "HealthResult",
    "HealthStatus",
    "IsFinite",
    "IsObject",
    "JobExecution",
    "JobPause",
    "JobStatus",
    "JobTypeUse",
    "Origin",
    "RecurringRun",
    "RecurringSchedule",
    "Report",
    "ScheduledJob",
    "new_job_id",
]
