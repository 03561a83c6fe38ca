"""Reading snapshots of one post and of many."""

from typing import Any

import pytest
from django.db import connection

from socialmedia.metrics import reading
from socialmedia.models import PostSnapshot, SnapshotOutcome
from socialmedia.providers.base import Metric
from tests.socialmedia.factories import NOON
from tests.socialmedia.post_factories import HOUR, make_creator, make_post, make_snapshot

pytestmark = pytest.mark.django_db


class TestLatest:
    def test_is_the_latest_by_time_within_a_day(self) -> None:
        # ORIGINS 8.26: the seed chose by date alone, so that any snapshot of the day could be shown.
        post = make_post()
        for hours, views in ((6, 600), (1, 100), (0, 5)):
            make_snapshot(post, hours=hours, views=views)
        assert [row.views_count for row in reading.latest([post.pk])[post.pk]] == [600]

    def test_reads_many_posts_with_one_query(self, django_assert_num_queries: Any) -> None:
        posts = [make_post() for _ in range(5)]
        for post in posts[1:]:
            for hours in range(4):
                make_snapshot(post, hours=hours, views=post.pk + hours)
        with django_assert_num_queries(1):
            found = reading.latest([post.pk for post in posts], most=2)
            views = {post_id: [row.views_count for row in rows] for post_id, rows in found.items()}
        assert views == {posts[0].pk: [], **{post.pk: [post.pk + 2, post.pk + 3] for post in posts[1:]}}

    def test_passes_over_what_measured_nothing(self) -> None:
        post = make_post()
        make_snapshot(post, views=7)
        make_snapshot(post, hours=1, views=None, outcome=SnapshotOutcome.UNAVAILABLE)
        assert [row.views_count for row in reading.latest([post.pk])[post.pk]] == [7]

    def test_asks_nobody_about_nothing(self, django_assert_num_queries: Any) -> None:
        with django_assert_num_queries(0):
            assert reading.latest([]) == {}

    def test_steps_through_the_unique_index(self) -> None:
        post = make_post()
        make_snapshot(post)
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute("SET LOCAL enable_bitmapscan = off")
            cursor.execute("SET LOCAL enable_sort = off")
            cursor.execute("EXPLAIN " + reading._LATEST, {"posts": [post.pk], "most": 12})
            plan = "\n".join(line for (line,) in cursor.fetchall())
        assert "Index Scan Backward using social_media_post_analytics_instant" in plan


class TestRounds:
    def test_leave_out_what_was_before_the_tracking_began_anew(self) -> None:
        post = make_post(tracking_round=2)
        make_snapshot(post, views=1, tracking_round=1)
        make_snapshot(post, hours=100, views=50)
        make_snapshot(post, hours=101, views=60)
        assert [row.views_count for row in reading.rounds([post.pk])[post.pk]] == [50, 60]

    def test_take_imported_snapshots_whose_round_nobody_knows(self) -> None:
        post = make_post()
        make_snapshot(post, views=1, tracking_round=0)
        assert len(reading.rounds([post.pk])[post.pk]) == 1


class TestTracked:
    def test_are_only_those_and_the_newest_tracking_first(self) -> None:
        # ORIGINS 8.26: the seed's filter was true for every post.
        make_post(tracking_state="untracked")
        first = make_post()
        second = make_post(tracking_started_at=NOON + HOUR, tracking_state="stopped")
        assert list(reading.tracked()) == [second, first]
        assert list(reading.tracked(state="stopped")) == [second]


class TestOfAccount:
    def test_are_its_own_and_not_the_one_asked_about(self) -> None:
        ada = make_creator()
        mine = [make_post(ada, tracking_started_at=NOON + hours * HOUR) for hours in range(4)]
        make_post(make_creator("ben"))
        make_post(ada, tracking_state="untracked")
        assert reading.of_account(ada.pk, most=2, but=mine[3].pk) == [mine[2], mine[1]]


class TestAges:
    def test_are_those_of_the_plan_from_the_first_look_on(self) -> None:
        post = make_post(offsets=(1, 6, 24))
        rows = [make_snapshot(post, hours=hours) for hours in (0, 1.02)]
        assert reading.ages_of(post, rows, start=NOON) == [0, 1, 6, 24]
        assert reading.ages_of(post, rows, start=NOON - 5 * HOUR) == [1, 5, 6, 24]

    def test_are_those_of_the_snapshots_without_a_plan(self) -> None:
        post = make_post(tracking_state="untracked", check_offsets=[], check_schedule=[])
        rows = [make_snapshot(post, hours=hours) for hours in (0, 3, 3.5)]
        assert reading.ages_of(post, rows, start=NOON) == [0, 3, 3.5]


class TestStart:
    def test_is_the_plans_base(self) -> None:
        post = make_post(posted_at=NOON - HOUR)
        assert reading.start_of(post) == NOON
        assert reading.start_of(post, base="posting") == NOON - HOUR
        post.check_base = "posting"
        assert reading.start_of(post) == NOON - HOUR
        assert reading.start_of(post, base="tracking_start") == NOON

    def test_is_not_known_of_a_post_whose_publication_nobody_knows(self) -> None:
        assert reading.start_of(make_post(), base="posting") is None


class TestValue:
    def test_of_what_measured_nothing_is_none(self) -> None:
        row = make_snapshot(make_post(), views=5, outcome=SnapshotOutcome.UNAVAILABLE)
        assert reading.value_of(PostSnapshot.objects.get(pk=row.pk), Metric.VIEWS) is None
