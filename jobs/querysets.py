"""Which jobs: the questions asked about the table, as chainable adjectives without side effects."""

from datetime import datetime
from typing import Any

from django.db import models


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
