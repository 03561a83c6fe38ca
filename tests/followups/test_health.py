"""The scheduler's health."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from followups import health
from jobs.models import ClusterHeartbeat, ScheduledJob
from tests.config.factories import make_health_result
from tests.followups.factories import DAY, HOUR, NOON, make_member, make_plan, make_sent

KEYS = {
    "status",
    "scheduler_running",
    "pending_jobs",
    "pending_followups",
    "executed_today",
    "apscheduler_jobs",
    "background_tasks_active",
    "overdue_jobs",
    "failed_last_hour",
    "last_heartbeat_at",
    "timezone",
    "checks",
}


def beat(at: datetime) -> None:
    ClusterHeartbeat.objects.update_or_create(cluster="one", defaults={"beat_at": at})


@pytest.mark.django_db
class TestHealthCheck:
    def test_has_the_promised_keys(self) -> None:
        beat(NOON)

        report = health.health_check(now=NOON)

        assert set(report) == KEYS
        assert report["status"] == "healthy"
        assert report["scheduler_running"] is True

    @pytest.mark.parametrize(("seconds", "status"), [(90, "healthy"), (91, "degraded")])
    def test_is_degraded_after_three_silent_intervals(self, seconds: int, status: str) -> None:
        beat(NOON - timedelta(seconds=seconds))

        assert health.health_check(now=NOON)["status"] == status

    def test_is_degraded_without_any_cluster(self) -> None:
        report = health.health_check(now=NOON)

        assert (report["status"], report["scheduler_running"]) == ("degraded", False)

    @pytest.mark.parametrize(("overdue", "status"), [(50, "healthy"), (51, "degraded")])
    def test_is_degraded_when_more_than_fifty_are_overdue(self, overdue: int, status: str) -> None:
        beat(NOON)
        due = NOON - HOUR
        ScheduledJob.objects.bulk_create(
            ScheduledJob(job_type="custom", scheduled_time=due, next_attempt_at=due) for _ in range(overdue)
        )

        report = health.health_check(now=NOON)

        assert (report["overdue_jobs"], report["status"]) == (overdue, status)

    def test_counts_from_the_communitys_midnight(self, settings: Any) -> None:
        settings.SCHEDULER_TIMEZONE = "Asia/Tokyo"
        member = make_member()
        midnight = datetime(2026, 11, 17, 15, 0, tzinfo=UTC)
        make_sent(member, at=midnight - timedelta(seconds=1))
        make_sent(member, at=midnight)

        report = health.health_check(now=NOON)

        assert (report["executed_today"], report["timezone"]) == (1, "Asia/Tokyo")

    def test_counts_what_is_planned(self) -> None:
        make_plan(make_member(), due_at=NOON + DAY)

        report = health.health_check(now=NOON)

        assert (report["pending_followups"], report["pending_jobs"], report["apscheduler_jobs"]) == (1, 1, 1)

    @pytest.mark.parametrize(
        ("found", "minutes", "status"),
        [("ok", 0, "healthy"), ("degraded", 14, "degraded"), ("failed", 0, "degraded"), ("failed", 15, "healthy")],
    )
    def test_is_degraded_when_a_check_found_something_lately(self, found: str, minutes: int, status: str) -> None:
        beat(NOON)
        at = NOON - timedelta(minutes=minutes)
        make_health_result(found, now=at, check_name="disk", detail="Words.", numbers={"free": 7})

        report = health.health_check(now=NOON)

        assert report["status"] == status
        assert report["checks"] == {
            "disk": {
                "status": found,
                "detail": "Words.",
                "numbers": {"free": 7},
                "since": at,
                "checked_at": at,
                "is_fresh": minutes < 15,
                "duration_ms": 3,
            }
        }

    def test_forgets_what_a_check_found_before(self) -> None:
        beat(NOON)
        make_health_result("failed", now=NOON, check_name="disk", is_current=False)
        make_health_result("ok", now=NOON, check_name="disk")

        assert health.health_check(now=NOON)["status"] == "healthy"
