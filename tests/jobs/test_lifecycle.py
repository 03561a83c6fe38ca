from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from jobs import lifecycle, stats
from jobs.models import ClusterHeartbeat, ScheduledJob
from tests.jobs.factories import NOW, make_job

FINAL: dict[str, dict[str, Any]] = {
    status: {"status": status, "completed_at": NOW}
    for status in ("completed", "failed", "cancelled", "expired", "unknown")
}


def snapshot(job: ScheduledJob) -> dict[str, Any]:
    return ScheduledJob.objects.filter(pk=job.pk).values().get()


@pytest.mark.django_db
class TestCancelJob:
    def test_cancels_a_pending_job_and_notes_when(self) -> None:
        job = make_job()
        assert lifecycle.cancel_job(job.pk, now=NOW) is True
        job.refresh_from_db()
        assert (job.status, job.completed_at) == ("cancelled", NOW)

    @pytest.mark.parametrize("status", FINAL)
    def test_leaves_a_job_that_has_ended(self, status: str) -> None:
        job = make_job(**FINAL[status])
        before = snapshot(job)
        assert lifecycle.cancel_job(job.pk, now=NOW) is False
        assert snapshot(job) == before

    def test_answers_false_for_an_unknown_job(self) -> None:
        assert lifecycle.cancel_job("nothing", now=NOW) is False


@pytest.mark.django_db
class TestRetryJob:
    @pytest.mark.parametrize(
        ("status", "allowed"),
        [("failed", True), ("expired", True), ("unknown", True), ("completed", False), ("cancelled", False)],
    )
    def test_gives_all_retries_again_to_what_did_not_succeed(self, status: str, allowed: bool) -> None:
        job = make_job(**FINAL[status], retry_count=3, expires_at=NOW)
        assert lifecycle.retry_job(job.pk, now=NOW) is allowed
        job.refresh_from_db()
        assert job.status == ("pending" if allowed else status)
        if allowed:
            assert (job.retry_count, job.next_attempt_at, job.expires_at) == (0, NOW, None)

    def test_leaves_the_key_to_the_job_that_holds_it_now(self) -> None:
        old = make_job(**FINAL["failed"], unique_key="k")
        make_job(unique_key="k")
        assert lifecycle.retry_job(old.pk, now=NOW) is True


@pytest.mark.django_db
class TestReschedule:
    def test_moves_a_pending_job(self) -> None:
        job = make_job()
        assert lifecycle.reschedule_job(job.pk, NOW + timedelta(days=1), now=NOW) is True
        job.refresh_from_db()
        assert job.scheduled_time == job.next_attempt_at == NOW + timedelta(days=1)

    @pytest.mark.parametrize(
        "time",
        [datetime.max.replace(tzinfo=UTC), datetime.min.replace(tzinfo=UTC), datetime(2027, 1, 1)],
        ids=["too late", "too early", "without a zone"],
    )
    def test_refuses_a_time_that_could_not_be_read_back(self, time: datetime) -> None:
        job = make_job()
        with pytest.raises(ValueError, match="time"):
            lifecycle.reschedule_job(job.pk, time, now=NOW)
        assert ScheduledJob.objects.get(pk=job.pk).scheduled_time == job.scheduled_time

    def test_makes_a_pending_job_due_now(self) -> None:
        job = make_job(scheduled_time=NOW + timedelta(days=1))
        assert lifecycle.run_now(job.pk, now=NOW) is True
        job.refresh_from_db()
        assert job.next_attempt_at == NOW


@pytest.mark.django_db
class TestSchedulerHealth:
    def test_counts_what_waits_and_what_is_late(self) -> None:
        make_job(scheduled_time=NOW + timedelta(hours=1))
        make_job(scheduled_time=NOW - timedelta(minutes=10))
        make_job(scheduled_time=NOW - timedelta(seconds=1))
        health = stats.scheduler_health(now=NOW)
        assert (health.pending, health.due_in_future, health.overdue) == (3, 1, 1)
        assert health.oldest_due_at == NOW - timedelta(minutes=10)

    def test_is_running_only_while_a_heartbeat_is_fresh(self) -> None:
        assert stats.scheduler_health(now=NOW).running is False
        ClusterHeartbeat.objects.create(cluster="c", beat_at=NOW - timedelta(seconds=10))
        assert stats.scheduler_health(now=NOW).running is True
        assert stats.scheduler_health(now=NOW + timedelta(minutes=5)).running is False
