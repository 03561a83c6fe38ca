"""The engine's own job types: the edge between it and what they do."""

from datetime import timedelta

from django.utils import timezone

from jobs import cleanup, custom, figures, recurring, reports
from jobs.cleanup import DataCleanup
from jobs.custom import Custom
from jobs.errors import PermanentFailure
from jobs.figures import Analytics
from jobs.policies import Policy
from jobs.registry import Attempt, handler

figures.register("jobs", figures.of_jobs, keep=figures.keep_jobs)


@handler(cleanup.JOB_TYPE, DataCleanup, policy=Policy(concurrency=1, timeout=timedelta(hours=6)))
def data_cleanup(attempt: Attempt[DataCleanup]) -> None:
    """Delete what is old, and report what went."""
    removed = cleanup.clean(attempt.payload.type, keep=attempt.payload.keep, now=timezone.now())
    reports.write(attempt, cleanup.report(removed))


@handler(figures.JOB_TYPE, Analytics, policy=Policy(concurrency=1, timeout=timedelta(hours=1)))
def analytics(attempt: Attempt[Analytics]) -> None:
    """Fill the table of daily figures, and report them."""
    try:
        days = figures.collect_for(attempt.payload, now=timezone.now())
    except figures.CannotCollect as error:
        raise PermanentFailure(str(error)) from error
    reports.write(attempt, {"days": {f"{day}": found for day, found in days.items()}})


@handler(custom.JOB_TYPE, Custom)
def call_custom(attempt: Attempt[Custom]) -> None:
    """Call what an app has registered by this name."""
    custom.call(attempt.payload)


# In the small hours of UTC: first the figures, then, when the night's backup is made, the clean-up.
recurring.register("analytics", job_type=figures.JOB_TYPE, payload=Analytics(), cron="7 0 * * *")
recurring.register(
    "cleanup", job_type=cleanup.JOB_TYPE, payload=DataCleanup(type=cleanup.EVERYTHING), cron="17 4 * * *"
)
