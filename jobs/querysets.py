"""Which jobs: the questions asked about the table, as chainable adjectives without side effects."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import models
from django.db.models import Q

from jobs import heads

FEW = 1_000


class JobQuerySet(models.QuerySet[Any]):
    """Sets of jobs."""

    def pending(self) -> "JobQuerySet":
        """Waiting for an attempt."""
        return self.filter(status="pending")

    def live(self) -> "JobQuerySet":
        """Not in a final state."""
        return self.filter(status__in=["pending", "running"])

    def due_before(self, moment: datetime, *, only_pending: bool) -> "JobQuerySet":
        """Whose next (of an ended job: latest) attempt is due before this time; asked whether only pending ones count.

        Few pending ones are looked up first: in the order of a list the planner would read all that wait for later.
        """
        rows = self.filter(next_attempt_at__lt=moment)
        if only_pending:
            rows = rows.pending()
            few = heads.few_due(moment, most=FEW)
            rows = rows if few is None else rows.filter(job_id__in=few)
        return rows

    def not_paused(self, paused: Iterable[str]) -> "JobQuerySet":
        """Of none of these paused types; `*` is all of them."""
        types = set(paused)
        return self.none() if "*" in types else self.exclude(job_type__in=types)

    def listed_after(self, job: Any) -> "JobQuerySet":
        """What follows this job in a list by descending scheduled time and id."""
        at = job.scheduled_time
        # The last condition says nothing new, but it is the one that the index can start from.
        return self.filter(
            Q(scheduled_time__lt=at) | Q(scheduled_time=at, job_id__lt=job.job_id), scheduled_time__lte=at
        )
