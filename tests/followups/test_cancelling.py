"""Cancelling: what happens to follow-ups whose job is gone."""

import pytest

from followups import cancelling
from followups.models import FollowUp
from jobs import lifecycle
from jobs.models import ScheduledJob
from tests.followups.factories import HOUR, NOON, execute, make_member, make_plan, make_queued
from tests.socialmedia.factories import make_bot


def end_job(follow_up: FollowUp, status: str) -> None:
    ScheduledJob.objects.filter(job_id=follow_up.job_id).update(
        status=status, completed_at=NOON, error_message="the disk was full"
    )


@pytest.mark.django_db
class TestCloseStranded:
    def test_cancels_what_lost_its_job_to_a_person(self) -> None:
        follow_up, kept = make_plan(make_member()), make_plan(make_member())
        assert lifecycle.cancel_job(follow_up.job_id, now=NOON)

        assert cancelling.close_stranded(now=NOON + HOUR) == 1

        follow_up.refresh_from_db()
        kept.refresh_from_db()
        assert (follow_up.status, follow_up.reason) == ("cancelled", "its job was cancelled")
        assert kept.status == "pending"

    def test_fails_what_could_not_be_written(self) -> None:
        follow_up = make_plan(make_member())
        end_job(follow_up, "failed")

        assert cancelling.close_stranded(now=NOON) == 1

        follow_up.refresh_from_db()
        assert (follow_up.status, follow_up.error_message) == ("failed", "the disk was full")

    def test_skips_what_could_not_start_in_time(self) -> None:
        """ORIGINS 8.15: too late is no failure."""
        follow_up = make_plan(make_member())
        end_job(follow_up, "expired")

        assert cancelling.close_stranded(now=NOON) == 1

        follow_up.refresh_from_db()
        assert (follow_up.status, follow_up.reason) == ("skipped", "too_late: Its job could not start in time.")

    def test_fails_what_lost_its_job_for_good(self) -> None:
        follow_up = make_plan(make_member())
        ScheduledJob.objects.all().delete()

        assert cancelling.close_stranded(now=NOON) == 1

        follow_up.refresh_from_db()
        assert (follow_up.status, follow_up.error_message) == ("failed", "Its job failed.")

    def test_lets_a_retried_job_write_it_after_all(self) -> None:
        make_bot()
        follow_up = make_plan(make_member())
        end_job(follow_up, "failed")
        cancelling.close_stranded(now=NOON)
        assert lifecycle.retry_job(follow_up.job_id, now=NOON)

        execute(follow_up)

        assert (follow_up.status, follow_up.error_message) == ("pending", "")
        assert follow_up.message is not None

    def test_leaves_what_is_written(self) -> None:
        follow_up = make_queued(make_member())

        assert cancelling.close_stranded(now=NOON) == 0

        follow_up.refresh_from_db()
        assert follow_up.status == "pending"
