"""The engine's own job types: the edge between the engine and what it does for itself."""

from dataclasses import dataclass
from datetime import timedelta

from django.utils import timezone

from jobs import backup, recurring
from jobs.policies import Policy
from jobs.registry import Attempt, handler


@dataclass(frozen=True)
class Backup:
    """Payload of a backup: what it is made for becomes part of its file's name."""

    label: str = ""


@handler(backup.JOB_TYPE, Backup, policy=Policy(concurrency=1, timeout=timedelta(hours=6)))
def back_up(attempt: Attempt[Backup]) -> None:
    """Save the database, and remove old backups."""
    backup.make(now=timezone.now(), label=attempt.payload.label)


recurring.register("backup", job_type=backup.JOB_TYPE, payload=Backup(), cron="17 3 * * *")
