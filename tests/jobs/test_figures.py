"""The figures of each day: true, the same when counted again, and read by indexes."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from jobs import enqueue, figures
from jobs.enqueue import InvalidJob
from jobs.figures import Analytics, CannotCollect
from jobs.models import DailyFigure, JobExecution
from tests.concurrency import at_once
from tests.jobs.factories import NOW, make_job

DAY = timedelta(days=1)
YESTERDAY = date(2026, 5, 3)
MIDNIGHT = datetime(2026, 5, 3, tzinfo=UTC)


def make_attempt(job_id: str = "j", *, at: datetime, **fields: Any) -> JobExecution:
    values = {"job_id": job_id, "job_type": "t", "execution_time": at, "duration_ms": 100, "status": "completed"}
    return JobExecution.objects.create(**{**values, **fields})


def of_jobs(found: dict[str, float]) -> dict[str, float]:
    return {name.removeprefix("jobs."): value for name, value in found.items() if name.startswith("jobs.")}


class TestPayload:
    @pytest.mark.parametrize("day", ["yesterday", "2026-02-30", "", 5, ["2026-05-03"], "2026-05-03T10:00:00Z"])
    def test_with_a_bad_day_is_refused_when_it_is_enqueued(self, day: object) -> None:
        with pytest.raises(InvalidJob) as raised:
            enqueue.schedule_job("analytics", NOW, {"day": day})
        assert f"The day {day!r} is no date: write it like 2026-05-04, or null for yesterday." in str(raised.value)

    def test_means_yesterday_without_a_day(self) -> None:
        assert Analytics().day is None
        assert Analytics("2026-05-03").day == "2026-05-03"


@pytest.mark.django_db
class TestCollect:
    def test_counts_the_attempts_of_the_day_and_no_other(self) -> None:
        job = make_job(
            job_id="late",
            scheduled_time=MIDNIGHT,
            status="completed",
            started_at=MIDNIGHT + 3 * DAY / 24,
            completed_at=NOW,
        )
        make_attempt(job.pk, at=MIDNIGHT + 3 * DAY / 24, duration_ms=100, lateness_ms=3 * 3600 * 1000)
        for number, status in enumerate(("completed", "failed", "unknown", "expired")):
            make_attempt(at=MIDNIGHT + number * timedelta(hours=6), status=status, duration_ms=200, attempt=2)
        make_attempt(at=MIDNIGHT - timedelta(seconds=1), status="failed")
        make_attempt(at=MIDNIGHT + DAY, status="failed")  # midnight begins a day
        make_job(scheduled_time=MIDNIGHT + DAY)  # due the next day
        found = of_jobs(figures.collect(YESTERDAY, now=NOW))
        assert found == {
            "executions": 4,
            "successes": 2,
            "failures": 1,
            "unknown": 1,
            "expired": 1,
            "average_ms": 175,
            "p95_ms": 200,
            "lateness_p99_seconds": 3 * 3600,
            "due": 1,
        }

    def test_keeps_no_figure_of_what_was_not_measured(self) -> None:
        found = of_jobs(figures.collect(YESTERDAY, now=NOW))
        assert found == {"executions": 0, "successes": 0, "failures": 0, "unknown": 0, "expired": 0, "due": 0}

    def test_again_gives_the_same_rows(self) -> None:
        make_attempt(at=MIDNIGHT)
        make_attempt(at=MIDNIGHT + timedelta(hours=1))
        figures.collect(YESTERDAY, now=NOW)
        once = list(DailyFigure.objects.order_by("pk").values())
        figures.collect(YESTERDAY, now=NOW)
        assert list(DailyFigure.objects.order_by("pk").values()) == once
        make_attempt(at=MIDNIGHT + timedelta(hours=2))
        figures.collect(YESTERDAY, now=NOW)
        assert len(once) == DailyFigure.objects.count()
        assert DailyFigure.objects.get(name="jobs.executions").value == 3

    def test_again_lowers_no_count_and_measures_no_rest(self) -> None:
        for hour in range(4):
            make_attempt(at=MIDNIGHT + timedelta(hours=hour), duration_ms=100 * hour)
        figures.collect(YESTERDAY, now=NOW)
        before = dict(DailyFigure.objects.values_list("name", "value"))
        JobExecution.objects.filter(execution_time__lt=MIDNIGHT + timedelta(hours=2)).delete()  # a clean-up
        assert figures.collect(YESTERDAY, now=NOW) == before
        assert (before["jobs.executions"], before["jobs.average_ms"]) == (4, 150)
        JobExecution.objects.all().delete()
        assert figures.collect(YESTERDAY, now=NOW) == before
        for _ in range(5):
            make_attempt(at=MIDNIGHT, duration_ms=10, status="failed")
        after = of_jobs(figures.collect(YESTERDAY, now=NOW))
        assert (after["executions"], after["successes"], after["failures"], after["average_ms"]) == (5, 4, 5, 10)

    def test_refuses_a_day_that_is_not_over(self) -> None:
        with pytest.raises(CannotCollect, match="2026-05-04 is not over yet"):
            figures.collect(NOW.date(), now=NOW)

    def test_refuses_a_day_whose_rows_may_be_gone(self, settings: Any) -> None:
        settings.JOB_KEEP_DAYS = 10
        figures.collect(NOW.date() - 9 * DAY, now=NOW)
        with pytest.raises(CannotCollect, match="2026-04-24 is too long ago"):
            figures.collect(NOW.date() - 10 * DAY, now=NOW)
        settings.JOB_KEEP_DAYS = 1
        assert figures.collect(YESTERDAY, now=NOW)

    def test_reads_one_day_by_the_indexes(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO job_execution_history (job_id, job_type, execution_time, status, duration_ms)"
                " SELECT i::text, 't', %s::timestamptz - i * interval '10 minutes', 'completed', 5"
                " FROM generate_series(1, 40000) i",
                [NOW],
            )
            cursor.execute(
                "INSERT INTO scheduled_jobs (job_id, job_type, scheduled_time, next_attempt_at, payload, status,"
                " started_at, completed_at) SELECT job_id, job_type, execution_time, execution_time, '{}', 'completed',"
                " execution_time, execution_time FROM job_execution_history"
            )
            cursor.execute("ANALYZE job_execution_history, scheduled_jobs")
        with CaptureQueriesContext(connection) as queries:
            figures.collect(YESTERDAY, now=NOW)
        asked = [query["sql"] for query in queries if query["sql"].lstrip("-").startswith((" How", "SELECT"))]
        assert len(asked) > 5
        for statement in asked:
            with connection.cursor() as cursor:
                cursor.execute(f"EXPLAIN {statement}")
                plan = "\n".join(row[0] for row in cursor.fetchall())
            assert "Seq Scan on scheduled_jobs" not in plan, plan
            assert "Seq Scan on job_execution_history" not in plan, plan


@pytest.mark.django_db
class TestCollectRecent:
    def test_collects_what_is_missing_and_the_last_week_again(self) -> None:
        first = figures.collect_recent(now=NOW)
        assert (min(first), max(first), len(first)) == (NOW.date() - 29 * DAY, YESTERDAY, 29)
        DailyFigure.objects.filter(day=NOW.date() - 9 * DAY).delete()
        make_attempt(at=MIDNIGHT - 6 * DAY)  # recorded after its day had been counted
        again = figures.collect_recent(now=NOW)
        assert sorted(again) == [NOW.date() - days * DAY for days in (9, 7, 6, 5, 4, 3, 2, 1)]
        assert DailyFigure.objects.get(day=NOW.date() - 7 * DAY, name="jobs.executions").value == 1


@pytest.mark.django_db(transaction=True)
class TestAtOnce:
    def test_two_runs_make_one_row_for_each_figure(self) -> None:
        at_once(4, lambda _: figures.collect(YESTERDAY, now=NOW))
        names = list(DailyFigure.objects.values_list("name", flat=True))
        assert len(names) == len(set(names)) > 10


@pytest.mark.django_db
class TestSeries:
    def test_are_some_figures_by_day(self) -> None:
        figures.collect(YESTERDAY, now=NOW)
        make_attempt(at=MIDNIGHT - DAY + timedelta(hours=1))
        figures.collect(YESTERDAY - DAY, now=NOW)
        assert figures.series(["jobs.executions", "no.such"], since=YESTERDAY - DAY) == {
            "jobs.executions": {YESTERDAY - DAY: 1, YESTERDAY: 0},
            "no.such": {},
        }
        assert figures.series(["jobs.executions"], since=YESTERDAY)["jobs.executions"] == {YESTERDAY: 0}
