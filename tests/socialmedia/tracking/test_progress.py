"""The view and the functions of the check-backs, as anybody who speaks SQL may use them. ORIGINS 2.4 and 2.5."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from socialmedia.models import PendingCheckback, Post, TrackingState
from socialmedia.tracking import progress
from tests.socialmedia.factories import NOON
from tests.socialmedia.post_factories import make_post

HOUR = timedelta(hours=1)


def standing(post: Post) -> tuple[int, datetime | None, str, bool]:
    """Where the post is in its plan."""
    post.refresh_from_db()
    return post.checks_completed, post.next_check_at, post.tracking_state, post.tracking_complete


@pytest.mark.django_db
class TestNextPlanned:
    def test_is_the_entry_after_those_behind_it(self) -> None:
        assert progress.next_planned(make_post(offsets=(1, 6)).pk) == NOON + HOUR
        assert progress.next_planned(make_post(offsets=(1, 6), checks_completed=1).pk) == NOON + 6 * HOUR

    @pytest.mark.parametrize("values", [{"checks_completed": 2}, {"checks_completed": 99}, {"check_schedule": []}])
    def test_is_nothing_when_the_plan_is_used_up(self, values: dict[str, Any]) -> None:
        assert progress.next_planned(make_post(offsets=(1, 6), **values).pk) is None

    def test_is_nothing_for_a_post_that_is_not_there(self) -> None:
        assert progress.next_planned(123) is None


@pytest.mark.django_db
class TestAdvance:
    def test_moves_to_the_next_entry(self) -> None:
        post = make_post(offsets=(1, 6, 12))
        progress.advance(post.pk, checked_at=NOON + HOUR)
        assert standing(post) == (1, NOON + 6 * HOUR, "active", False)

    def test_passes_all_that_are_over(self) -> None:
        post = make_post(offsets=(1, 6, 12, 24))
        progress.advance(post.pk, checked_at=NOON + 12 * HOUR)
        assert standing(post) == (3, NOON + 24 * HOUR, "active", False)

    def test_passes_one_before_its_time_too(self) -> None:
        post = make_post(offsets=(1, 6))
        progress.advance(post.pk, checked_at=NOON)
        assert standing(post) == (1, NOON + 6 * HOUR, "active", False)

    def test_completes_after_the_last(self) -> None:
        post = make_post(offsets=(1, 6), checks_completed=1)
        progress.advance(post.pk, checked_at=NOON + 6 * HOUR)
        assert standing(post) == (2, None, "complete", True)

    def test_completes_an_empty_plan_and_one_that_was_counted_past_its_end(self) -> None:
        for values in ({"check_schedule": []}, {"checks_completed": 7}):
            post = make_post(offsets=(1, 6), **values)
            progress.advance(post.pk, checked_at=NOON)
            assert standing(post)[1:] == (None, "complete", True)

    def test_forgets_the_failures(self) -> None:
        failed = {"failed_checks": 4, "gone_checks": 2, "gone_since": NOON, "check_error_code": "gone"}
        post = make_post(**failed, check_error="It is gone.")
        progress.advance(post.pk, checked_at=NOON + HOUR)
        post.refresh_from_db()
        assert (post.failed_checks, post.gone_checks, post.gone_since) == (0, 0, None)
        assert (post.check_error_code, post.check_error) == ("", "")

    @pytest.mark.parametrize("state", ["untracked", "stopped", "complete", "unavailable"])
    def test_leaves_a_post_alone_that_is_not_tracked_now(self, state: str) -> None:
        post = make_post(offsets=(1, 6), tracking_state=state, checks_completed=2)
        before = standing(post)
        progress.advance(post.pk, checked_at=NOON + 99 * HOUR)
        assert standing(post) == before

    def test_says_that_a_post_is_not_there(self) -> None:
        with pytest.raises(DatabaseError, match=r"There is no post with the id 123\."), transaction.atomic():
            progress.advance(123, checked_at=NOON)

    def test_takes_now_when_sql_gives_no_time(self) -> None:
        post = make_post(offsets=(1, 6, 24), tracking_started_at=timezone.now() - 7 * HOUR)
        with connection.cursor() as cursor:
            cursor.execute("SELECT record_check_completion(%s)", [post.pk])
        assert standing(post)[0] == 2


@pytest.mark.django_db
class TestPendingCheckback:
    def test_has_the_columns_of_the_seed_in_their_order(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT * FROM posts_pending_checkback")
            assert [column.name for column in cursor.description] == [
                "id",
                "platform",
                "post_url",
                "external_post_id",
                "caption",
                "posted_at",
                "next_check_at",
                "checks_completed",
                "tracking_started_at",
                "account_username",
                "minutes_overdue",
            ]

    def test_lists_what_is_due_soonest_first(self) -> None:
        now = timezone.now()
        later = make_post(tracking_started_at=now - 2 * HOUR)
        sooner = make_post(tracking_started_at=now - 3 * HOUR)
        make_post(tracking_started_at=now)
        for state in (TrackingState.STOPPED, TrackingState.COMPLETE, TrackingState.UNAVAILABLE):
            make_post(tracking_started_at=now - 3 * HOUR, tracking_state=state)
        listed = list(PendingCheckback.objects.all())
        assert [row.pk for row in listed] == [sooner.pk, later.pk]
        assert [row.account_username for row in listed] == ["ada", "ada"]
        assert [round(row.minutes_overdue) for row in listed] == [120, 60]

    def test_reads_only_the_index_of_what_is_due(self) -> None:
        with connection.cursor() as cursor:
            # What the planner takes for a table without rows says nothing: the order can only come from this index.
            cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off")
            cursor.execute("EXPLAIN SELECT * FROM posts_pending_checkback LIMIT 10")
            plan = "\n".join(row[0] for row in cursor.fetchall())
        assert "idx_posts_next_check" in plan
