"""The scheduler's figures, on rows made by hand."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from asgiref.sync import sync_to_async
from django.db import connection, connections

from jobs import enqueue, lifecycle, outcomes, registry, stats
from jobs.models import ClusterHeartbeat, JobExecution, JobStatus, ScheduledJob
from jobs.registry import Attempt
from tests.jobs.factories import NOW, make_job

SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)


def make_attempt(job_id: str = "gone", **fields: Any) -> JobExecution:
    """A completed first attempt of an hour ago that took 100 ms."""
    values: dict[str, Any] = {"execution_time": NOW - HOUR, "duration_ms": 100, "status": "completed", **fields}
    return JobExecution.objects.create(job_id=job_id, job_type="sample_one", **values)


def end_job(
    *, late_by: timedelta, due: datetime = NOW - HOUR, status: JobStatus = JobStatus.COMPLETED, **fields: Any
) -> None:
    """A job that a worker took, and the outcome of its attempt."""
    token, start = uuid4(), due + late_by
    job = make_job(
        **{"scheduled_time": due, "next_attempt_at": due, **fields},
        status="running",
        lease_token=token,
        lease_expires_at=NOW,
        worker="here:1",
    )
    attempt = Attempt(job.pk, job.job_type, None, job.scheduled_time, job.retry_count + 1, token)
    retried = {"next_attempt_at": NOW + HOUR, "retries_used": 1, "history_status": "failed"}
    extra: dict[str, Any] = retried if status == JobStatus.PENDING else {}
    assert outcomes.settle([attempt], status=status, started_at=start, now=start, **extra) == 1


@pytest.mark.django_db
class TestSchedulerStats:
    def test_has_no_rate_and_no_durations_without_attempts(self) -> None:
        figures = stats.scheduler_stats(now=NOW)
        assert figures.day == stats.AttemptSummary(NOW - timedelta(days=1), 0, 0, 0, 0, 0, None, None, None, None, None)
        assert set(figures.jobs) == set(JobStatus)
        assert {(found.count, found.is_estimate) for found in figures.jobs.values()} == {(0, False)}
        assert (figures.queue_depth, figures.health.oldest_due_at, figures.health.clusters) == (0, None, 0)

    def test_counts_attempts_by_how_they_ended(self) -> None:
        for status in ("completed", "completed", "completed", "failed", "unknown", "expired"):
            make_attempt(status=status)
        day = stats.scheduler_stats(now=NOW).day
        assert (day.executions, day.successes, day.failures, day.unknown, day.expired) == (5, 3, 1, 1, 1)
        assert day.success_rate == pytest.approx(0.6)

    def test_has_a_rate_of_zero_when_all_failed(self) -> None:
        make_attempt(status="failed")
        make_attempt(status="failed", duration_ms=None)
        day = stats.scheduler_stats(now=NOW).day
        assert (day.executions, day.success_rate, day.average_ms) == (2, 0.0, 100.0)

    def test_has_no_rate_when_all_expired(self) -> None:
        make_attempt(status="expired", duration_ms=0)
        day = stats.scheduler_stats(now=NOW).day
        assert (day.executions, day.expired, day.success_rate, day.average_ms) == (0, 1, None, None)

    def test_measures_durations_of_what_ran(self) -> None:
        for duration in range(1, 102):
            make_attempt(duration_ms=duration)
        make_attempt(status="expired", duration_ms=0)
        day = stats.scheduler_stats(now=NOW).day
        assert (day.average_ms, day.p95_ms) == (51.0, 96.0)

    def test_looks_at_24_hours(self) -> None:
        make_attempt(execution_time=NOW - timedelta(days=1) - SECOND)
        for _ in range(2):
            make_attempt(execution_time=NOW - timedelta(days=1))
        make_attempt(execution_time=NOW - SECOND)
        make_attempt(execution_time=NOW)  # in the figures of the next instant
        assert stats.scheduler_stats(now=NOW).day.executions == 3
        assert stats.scheduler_stats(now=NOW + SECOND).day.executions == 2

    def test_measures_how_late_attempts_started(self) -> None:
        for seconds in range(101):
            end_job(late_by=seconds * SECOND)
        day = stats.scheduler_stats(now=NOW).day
        assert (day.lateness_p50, day.lateness_p99) == (50.0, 99.0)

    def test_counts_a_job_that_was_put_off_from_its_new_time(self) -> None:
        end_job(late_by=2 * SECOND, scheduled_time=NOW - timedelta(hours=9))
        assert stats.scheduler_stats(now=NOW).day.lateness_p99 == 2.0

    def test_counts_a_retry_from_the_time_to_which_it_was_put_off(self) -> None:
        end_job(late_by=3 * SECOND, scheduled_time=NOW - timedelta(hours=9), retry_count=1)
        assert stats.scheduler_stats(now=NOW).day.lateness_p99 == 3.0

    def test_does_not_take_an_expired_job_or_one_that_is_tried_again_for_a_late_start(self) -> None:
        end_job(late_by=timedelta(minutes=50), status=JobStatus.EXPIRED)
        end_job(late_by=timedelta(minutes=50), status=JobStatus.PENDING)
        assert stats.scheduler_stats(now=NOW).day.lateness_p50 is None

    def test_takes_a_clock_that_is_behind_the_databases_for_on_time(self) -> None:
        end_job(late_by=-SECOND)
        assert stats.scheduler_stats(now=NOW).day.lateness_p50 == 0

    def test_counts_jobs_by_state_and_what_is_due(self) -> None:
        make_job(scheduled_time=NOW - HOUR)
        make_job(scheduled_time=NOW)
        make_job(scheduled_time=NOW + HOUR)
        make_job(status="failed", completed_at=NOW)
        ClusterHeartbeat.objects.create(cluster="c", beat_at=NOW)
        figures = stats.scheduler_stats(now=NOW)
        assert (figures.jobs[JobStatus.PENDING].count, figures.jobs[JobStatus.FAILED].count) == (3, 1)
        assert (figures.queue_depth, figures.health.oldest_due_at) == (2, NOW - HOUR)
        assert figures.health.clusters == 1
        assert figures.handlers == registry.job_types()

    def test_estimates_the_ended_jobs_of_a_huge_table_and_counts_the_others(self) -> None:
        for number in range(8):
            make_job(status="completed" if number < 6 else "failed", completed_at=NOW)
        make_job()
        make_job(status="unknown", completed_at=NOW)
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE scheduled_jobs")
            cursor.execute("UPDATE pg_class SET reltuples = 1000000 WHERE oid = 'scheduled_jobs'::regclass")
        jobs = stats.scheduler_stats(now=NOW).jobs
        assert jobs[JobStatus.COMPLETED] == stats.StatusCount(600_000, is_estimate=True)
        assert jobs[JobStatus.FAILED] == stats.StatusCount(200_000, is_estimate=True)
        assert jobs[JobStatus.CANCELLED] == stats.StatusCount(0, is_estimate=True)
        for live in (JobStatus.PENDING, JobStatus.UNKNOWN):
            assert jobs[live] == stats.StatusCount(1, is_estimate=False)
        assert jobs[JobStatus.RUNNING] == stats.StatusCount(0, is_estimate=False)

    def test_reads_the_newest_attempts_of_a_very_busy_day_and_says_since_when(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO job_execution_history (job_id, job_type, execution_time, duration_ms, status) "
                "SELECT 'j', 'sample_one', %s - n * interval '1 millisecond', 5, "
                "CASE WHEN n <= %s THEN 'completed' ELSE 'failed' END FROM generate_series(1, %s) AS n",
                [NOW, stats.MOST_ATTEMPTS, stats.MOST_ATTEMPTS + 10],
            )
        day = stats.scheduler_stats(now=NOW).day
        assert (day.executions, day.failures, day.success_rate) == (stats.MOST_ATTEMPTS, 0, 1.0)
        assert day.since == NOW - timedelta(milliseconds=stats.MOST_ATTEMPTS)


@pytest.mark.django_db
class TestListJobs:
    def test_pages_through_jobs_of_one_time_without_gap_or_repetition(self) -> None:
        expected = {make_job(scheduled_time=NOW).pk for _ in range(5)} | {make_job(scheduled_time=NOW - HOUR).pk}
        seen: list[str] = []
        page = stats.list_jobs(limit=2)
        while page:
            seen += [job.pk for job in page]
            page = stats.list_jobs(limit=2, after=page[-1])
        assert (len(seen), set(seen)) == (6, expected)
        assert seen[-1] == ScheduledJob.objects.get(scheduled_time=NOW - HOUR).pk

    def test_filters_by_state_type_and_due_time(self) -> None:
        job = make_job(scheduled_time=NOW - HOUR, job_type="sample_many")
        make_job(scheduled_time=NOW - HOUR)
        make_job(scheduled_time=NOW, job_type="sample_many")
        make_job(scheduled_time=NOW - HOUR, job_type="sample_many", status="failed", completed_at=NOW)
        found = stats.list_jobs(limit=9, status=JobStatus.PENDING, job_type="sample_many", due_before=NOW)
        assert found == [job]


@pytest.mark.django_db(transaction=True)
class TestAsyncForms:
    @pytest.fixture(autouse=True)
    async def _closed_connection(self) -> AsyncIterator[None]:
        """Close the connection of the thread that runs the calls: the test database is dropped at the end."""
        yield
        await sync_to_async(connections.close_all)()

    async def test_do_what_the_others_do(self) -> None:
        job = await enqueue.aschedule_job("sample_one", NOW, {"key": "k"}, priority=3)
        assert await enqueue.aschedule_jobs("sample_one", [(NOW, {}), (NOW, {})]) == 2
        assert await lifecycle.acancel_job(job.job_id, now=NOW) is True
        report = await stats.ajob_status(job.job_id)
        assert report is not None
        assert (report.job.status, report.job.priority, report.attempts) == ("cancelled", 3, [])

    async def test_raise_what_the_others_raise(self) -> None:
        with pytest.raises(enqueue.InvalidJob):
            await enqueue.aschedule_job("sample_one", NOW, {}, priority=10)
