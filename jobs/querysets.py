"""Which jobs: the questions asked about the table, as chainable adjectives without side effects."""

from datetime import datetime
from typing import Any

from django.db import models
from django.db.models import Q


class JobQuerySet(models.QuerySet[Any]):
    """Sets of jobs."""

    def pending(self) -> "JobQuerySet":
        """Waiting for an attempt."""
        return self.filter(status="pending")

    def live(self) -> "JobQuerySet":
        """Not in a final state."""
        return self.filter(status__in=["pending", "running"])

    def due(self, *, now: datetime) -> "JobQuerySet":
        """Pending and ready to be claimed."""
        return self.pending().filter(next_attempt_at__lte=now)

    def listed_after(self, job: Any) -> "JobQuerySet":
        """What follows this job in a list by descending scheduled time and id."""
        at = job.scheduled_time
        # The last condition says nothing new, but it is the one that the index can start from.
        return self.filter(
            Q(scheduled_time__lt=at) | Q(scheduled_time=at, job_id__lt=job.job_id), scheduled_time__lte=at
        )
