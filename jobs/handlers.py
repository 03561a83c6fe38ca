"""The engine's own job types: the edge between the engine and what it does for itself."""

from dataclasses import dataclass
from datetime import timedelta

from django.utils import timezone

from jobs import backup, checkup, recurring
from jobs.models import HIGHEST_PRIORITY
from jobs.policies import Policy
from jobs.registry import Attempt, handler
from jobs.runner import worker_name


@dataclass(frozen=True)
class Backup:
    """Payload of a backup: what it is made for becomes part of its file's name."""

    label: str = ""


@dataclass(frozen=True)
class HealthCheck:
    """Payload of the check-up: nothing."""


@handler(backup.JOB_TYPE, Backup, policy=Policy(concurrency=1, timeout=timedelta(hours=6)))
def back_up(attempt: Attempt[Backup]) -> None:
    """Save the database, and remove old backups."""
    backup.make(now=timezone.now(), label=attempt.payload.label)


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


recurring.register("backup", job_type=backup.JOB_TYPE, payload=Backup(), cron="17 3 * * *")
recurring.register("health-check", job_type=checkup.JOB_TYPE, payload=HealthCheck(), every=checkup.EVERY)
