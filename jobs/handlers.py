"""The engine's own job types: the edge between it and what they do."""

from dataclasses import dataclass
from datetime import timedelta

from django.utils import timezone

from jobs import backfill, backup, checkup, cleanup, custom, figures, recurring, reports, runs
from jobs.backfill import Waiting
from jobs.cleanup import DataCleanup
from jobs.custom import Custom
from jobs.errors import PermanentFailure
from jobs.figures import Analytics
from jobs.policies import HIGHEST_PRIORITY, Policy
from jobs.recurring import CatchUp
from jobs.registry import Attempt, handler
from jobs.runner import worker_name

UPKEEP = "upkeep"
"""What may take hours goes one at a time: else it could have all workers, and nothing else would start meanwhile."""


@dataclass(frozen=True)
class Backup:
    """Payload of a backup: what it is made for becomes part of its file's name."""

    label: str = ""

    def __post_init__(self) -> None:
        backup.require_label(self.label)


@dataclass(frozen=True)
class HealthCheck:
    """Payload of the check-up: nothing."""


@handler(cleanup.JOB_TYPE, DataCleanup, policy=Policy(concurrency=1, limit=UPKEEP, timeout=timedelta(hours=6)))
def data_cleanup(attempt: Attempt[DataCleanup]) -> None:
    """Delete what is old, and report what went."""
    removed = cleanup.clean(attempt.payload.type, keep=attempt.payload.keep, now=timezone.now())
    reports.write(attempt, cleanup.report(removed))
    cleanup.check(removed)


@handler(figures.JOB_TYPE, Analytics, policy=Policy(concurrency=1, limit=UPKEEP, timeout=timedelta(hours=1)))
def analytics(attempt: Attempt[Analytics]) -> None:
    """Fill the table of daily figures, and report them."""
    try:
        days = figures.collect_for(attempt.payload, now=timezone.now())
    except figures.CannotCollect as error:
        raise PermanentFailure(str(error)) from error
    reports.write(attempt, {"days": {f"{day}": found for day, found in days.items()}})


@handler(backup.JOB_TYPE, Backup, policy=Policy(concurrency=1, limit=UPKEEP, timeout=timedelta(hours=6)))
def back_up(attempt: Attempt[Backup]) -> None:
    """Save the database, and remove old backups."""
    made = backup.make(now=timezone.now(), label=attempt.payload.label)
    reports.write(attempt, {"file": made.path.name, "bytes": made.size})


@handler(
    checkup.JOB_TYPE,
    HealthCheck,
    # Another one comes soon, so a failed one is not tried again. The worse the backlog, the more it is wanted.
    policy=Policy(concurrency=1, timeout=timedelta(minutes=3), max_retries=0, priority=HIGHEST_PRIORITY),
)
def health_check(attempt: Attempt[HealthCheck]) -> None:
    """Run every check, and keep what they found."""
    now = timezone.now()
    checkup.record(checkup.run_all(now=now), worker=worker_name(), now=now)


@handler(custom.JOB_TYPE, Custom)
def call_custom(attempt: Attempt[Custom]) -> None:
    """Call what an app has registered by this name."""
    custom.call(attempt.payload)


@handler(runs.BACKFILL, Waiting)
def recurring_backfill(attempt: Attempt[Waiting]) -> None:
    """Enqueue waiting runs of recurring work one after the other."""
    backfill.go_on(attempt, now=timezone.now())


figures.register("jobs", figures.of_jobs, keep=figures.keep_jobs, measured_over=figures.MEASURED)

# In the small hours of UTC: first the figures, then the backup, then the clean-up.
recurring.register(
    "analytics",
    job_type=figures.JOB_TYPE,
    payload=Analytics(),
    cron="7 0 * * *",
    describe="Counts the day before: jobs, follow-ups, messages.",
)
recurring.register(
    "backup",
    job_type=backup.JOB_TYPE,
    payload=Backup(),
    cron="17 3 * * *",
    describe="Saves the database into BACKUP_DIR, and removes old backups.",
)
recurring.register(
    "cleanup",
    job_type=cleanup.JOB_TYPE,
    payload=DataCleanup(type=cleanup.EVERYTHING),
    cron="17 4 * * *",
    describe="Deletes what is older than the settings say.",
)
recurring.register(
    "health-check",
    job_type=checkup.JOB_TYPE,
    payload=HealthCheck(),
    every=checkup.EVERY,
    catch_up=CatchUp.SKIP,
    describe="Looks whether all that Checkback needs is there.",
)
