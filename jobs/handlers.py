"""The engine's own jobs."""

from django.utils import timezone

from jobs import backfill, runs
from jobs.backfill import Waiting
from jobs.registry import Attempt, handler


@handler(runs.BACKFILL, Waiting)
def recurring_backfill(attempt: Attempt[Waiting]) -> None:
    """Enqueue waiting runs of recurring work one after the other."""
    backfill.go_on(attempt, now=timezone.now())
