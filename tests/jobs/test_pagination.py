"""Counting large tables."""

import pytest
from django.db import connection
from django.utils import timezone

from jobs.models import JobStatus, ScheduledJob
from jobs.pagination import EstimatingPaginator, planned_count
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

    def test_estimates_what_takes_too_long_to_count(self) -> None:
        make_job(now=timezone.now())
        pretend(3_000_000)
        slow = ScheduledJob.objects.extra(where=["pg_sleep(30) IS NOT NULL"]).order_by("pk")
        assert EstimatingPaginator(slow, 50).count == planned_count(slow)
        # The connection is as it was.
        assert ScheduledJob.objects.count() == 1
        with connection.cursor() as cursor:
            cursor.execute("SHOW statement_timeout")
            assert cursor.fetchone()[0] == "0"
