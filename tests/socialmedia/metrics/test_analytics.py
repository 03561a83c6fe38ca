"""What commands and programs are told of posts."""

import json
from typing import Any

import pytest

from socialmedia.metrics import analytics
from socialmedia.models import Post
from tests.socialmedia.factories import NOON
from tests.socialmedia.post_factories import HOUR, make_post, make_snapshot

pytestmark = pytest.mark.django_db

KEYS = {  # ORIGINS 2.9, both versions, and ours
    *("post_id", "video_id", "author", "url", "caption", "title", "tracking_started", "tracking_complete"),
    *(
        "is_complete",
        "checks_completed",
        "total_checks",
        "checks_remaining",
        "next_check",
        "current_metrics",
        "current",
    ),
    *("initial_metrics", "growth", "growth_rate", "total_snapshots", "engagement_rate", "state", "curve"),
}


def make_growing(**values: Any) -> Post:
    """A post with three snapshots, the shares of which are hidden at first."""
    post = make_post(checks_completed=2, next_check_at=NOON + 12 * HOUR, **values)
    make_snapshot(post, views=1_000, likes=100, comments=5, shares=None, saves=None)
    make_snapshot(post, hours=1, views=1_500, likes=130, comments=6, shares=9, saves=None)
    make_snapshot(post, hours=7, views=2_000, likes=120, comments=8, shares=12, saves=None)
    return post


class TestOfPost:
    def test_has_the_keys_of_both_originals(self, django_assert_num_queries: Any) -> None:
        post = make_growing()
        with django_assert_num_queries(2):
            found = analytics.of_post(post.pk)
        assert found.keys() == KEYS
        json.dumps(found)

    def test_says_what_is_so(self) -> None:
        post = make_growing(caption="x" * 300)
        found = analytics.of_post(post.pk)
        assert (found["author"], found["caption"], found["total_snapshots"]) == ("ada", "x" * 100, 3)
        assert (found["checks_completed"], found["checks_remaining"], found["total_checks"]) == (2, 7, 3)
        assert (found["tracking_started"], found["next_check"]) == (
            "2026-03-10T12:00:00+00:00",
            "2026-03-11T00:00:00+00:00",
        )
        assert (
            found["current"]
            == found["current_metrics"]
            == {"likes": 120, "views": 2000, "comments": 8, "shares": 12, "saves": None}
        )
        assert found["growth"] == {"likes": 20, "views": 1000, "comments": 3, "shares": 3, "saves": None}
        assert found["growth_rate"] == {"likes_per_hour": 2.86, "views_per_hour": 142.86}
        assert found["engagement_rate"] == 7.0

    def test_draws_what_is_hidden_as_a_gap(self) -> None:
        # ORIGINS 8.22, W18: never a fake 0.
        curve = analytics.of_post(make_growing().pk)["curve"]
        assert [point["value"] for point in curve["views"]][:4] == [1000, 1500, 1917, None]
        assert {(point["value"], point["kind"]) for point in curve["saves"]} == {(None, "gap")}
        assert curve["shares"][0] == {"hours": 0, "value": None, "kind": "gap", "why": "hidden", "missed": False}

    def test_counts_from_when_tracking_began_anew(self) -> None:
        post = make_growing()
        Post.objects.filter(pk=post.pk).update(tracking_round=2, tracking_started_at=NOON + 50 * HOUR)
        post.refresh_from_db()
        make_snapshot(post, views=5_000, likes=500)
        found = analytics.of_post(post.pk)
        assert found["growth"]["views"] == 0
        assert found["initial_metrics"]["views"] == found["current_metrics"]["views"] == 5_000

    def test_knows_no_unknown_post(self) -> None:
        # ORIGINS 8.30
        for post_id in (12, 2**70):
            with pytest.raises(analytics.UnknownPost, match=f"There is no post with the id {post_id}."):
                analytics.of_post(post_id)

    def test_says_that_nothing_was_measured(self) -> None:
        post = make_post()
        found = analytics.of_post(post.pk)
        assert (found["post_id"], found["error"]) == (post.pk, "Nothing has been measured of this post yet.")

    def test_shows_the_last_known_figures_of_a_post_that_is_gone(self) -> None:
        post = make_growing()
        make_snapshot(post, hours=12, views=None, outcome="unavailable", reason="gone")
        found = analytics.of_post(post.pk)
        assert (found["current_metrics"]["views"], found["total_snapshots"]) == (2000, 4)


class TestTracked:
    def test_has_the_originals_keys_and_the_latest_values(self, django_assert_num_queries: Any) -> None:
        post, bare = make_growing(), make_post()
        make_post(tracking_state="untracked")
        with django_assert_num_queries(2):
            found = {row["id"]: row for row in analytics.tracked()}
        assert found.keys() == {post.pk, bare.pk}
        assert found[post.pk] == {
            "id": post.pk,
            "external_post_id": post.external_post_id,
            "post_url": post.post_url,
            "caption": post.caption,
            "tracking_complete": False,
            "checks_completed": 2,
            "next_check_at": "2026-03-11T00:00:00+00:00",
            "username": "ada",
            "current_likes": 120,
            "current_views": 2000,
            "state": "active",
        }
        assert found[bare.pk]["current_views"] is None

    def test_are_as_many_as_asked_for(self) -> None:
        for _ in range(3):
            make_post()
        assert [len(analytics.tracked(limit)) for limit in (0, 2, 50, -1)] == [0, 2, 3, 0]
