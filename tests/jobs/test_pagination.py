"""Counting large tables."""

import pytest
from django.db import connection
from django.utils import timezone

from jobs.models import JobStatus, ScheduledJob
from jobs.pagination import EstimatingPaginator
from tests.config.factories import make_job

pytestmark = pytest.mark.django_db


def pretend(rows: int) -> None:
    """Let the planner's statistics claim so many rows."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE pg_class SET reltuples = %s WHERE oid = 'scheduled_jobs'::regclass", [rows])


class TestEstimatingPaginator:
    def test_counts_small_tables(self) -> None:
        make_job(now=timezone.now())
        pretend(100_000)
        assert EstimatingPaginator(ScheduledJob.objects.order_by("pk"), 50).count == 1

    def test_estimates_large_ones(self) -> None:
        make_job(now=timezone.now())
        pretend(3_000_000)
        assert EstimatingPaginator(ScheduledJob.objects.order_by("pk"), 50).count == 3_000_000

    def test_counts_what_is_filtered(self) -> None:
        make_job(now=timezone.now())
        pretend(3_000_000)
        failed = ScheduledJob.objects.filter(status=JobStatus.FAILED).order_by("pk")
        assert EstimatingPaginator(failed, 50).count == 0
