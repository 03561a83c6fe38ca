"""Tracking and checking by the real provider's class, over HTTP, with its bad days. ORIGINS 6.1 and 6.7."""

from datetime import UTC, datetime, timedelta

import pytest

from socialmedia.models import Account, ApiUsage, Post, PostSnapshot, ProviderBudget
from socialmedia.providers.base import Gone
from socialmedia.tracking import checking, starting
from socialmedia.tracking.checking import Checked, Outcome
from tests.fakes import tiktok_server
from tests.fakes.tiktok_posts import (
    POSTED,
    VIDEO_ID,
    address,
    hiding_video,
    nameless_video,
    normal_video,
    photo_post,
    strange_words_video,
    unseen_video,
    untitled_video,
    viral_video,
)
from tests.fakes.tiktok_server import Fault, TikTokServer
from tests.socialmedia.factories import NOON
from tests.socialmedia.post_factories import HOUR

AT_ONCE = timedelta(0)
"""No patience: nothing is asked again in the same check."""


def track(url: str = address()) -> starting.Tracked:
    """Track it from noon on, to be checked after 1, 2 and 3 hours."""
    return starting.track(url, offsets="1,2,3", by="ada", now=NOON)


def check(post: Post, hours: float = 1, *, patience: timedelta = AT_ONCE) -> Checked:
    """Check it so many hours after noon."""
    return checking.check(post.pk, patience=patience, now=NOON + hours * HOUR)


@pytest.mark.django_db
class TestTrack:
    def test_stores_what_the_provider_says(self, tiktok: TikTokServer) -> None:
        tiktok.shows(normal_video())
        tracked = track("tiktok.com/@old.name/video/7312345678901234567/?lang=de#top")
        post = Post.objects.get()
        assert (post.external_post_id, post.post_url, post.provider) == (VIDEO_ID, address(), "rapidapi")
        assert (post.posted_at, post.duration) == (datetime.fromtimestamp(POSTED, UTC), 31)
        assert (post.account.username, post.account.external_id) == ("ada.makes", "6812345678901234567")
        assert tracked.snapshot is not None
        assert (tracked.snapshot.views_count, tracked.snapshot.saves_count) == (15_200, 77)
        assert tracked.snapshot.raw_data["play_count"] == 15_200

    def test_follows_a_short_link_to_a_post_that_is_tracked_already(self, tiktok: TikTokServer) -> None:
        tiktok.shows(normal_video())
        tiktok.world.short_links["https://vm.tiktok.com/ZMabc123/"] = VIDEO_ID
        first = track()
        again = track("https://vm.tiktok.com/ZMabc123/")
        assert (again.post, again.is_new, again.snapshot) == (first.post, False, first.snapshot)

    def test_stores_nothing_of_a_deleted_post(self, tiktok: TikTokServer) -> None:
        with pytest.raises(Gone):
            track()
        assert (Post.objects.count(), Account.objects.filter(platform="tiktok").count()) == (0, 0)
        assert ApiUsage.objects.get().success is False

    @pytest.mark.parametrize(
        ("video", "views", "shares"),
        [
            (viral_video(), 3_512_345_678, 31),
            (unseen_video(), 0, 0),
            (hiding_video(), 15_200, None),
            (untitled_video(), 15_200, 31),
            (photo_post(), 15_200, 31),
            (strange_words_video(), 15_200, 31),
            (nameless_video(), 15_200, 31),
        ],
        ids=["viral", "unseen", "hiding", "untitled", "photos", "strange words", "nameless"],
    )
    def test_takes_every_kind_of_post(
        self, tiktok: TikTokServer, video: dict[str, object], views: int, shares: int | None
    ) -> None:
        tiktok.shows(video)
        tracked = track()
        assert tracked.snapshot is not None
        assert (tracked.snapshot.views_count, tracked.snapshot.shares_count) == (views, shares)


@pytest.mark.django_db
class TestCheck:
    @pytest.fixture
    def post(self, tiktok: TikTokServer) -> Post:
        tiktok.shows(normal_video())
        return track().post

    def test_measures_flags_what_fell_and_keeps_every_answer(self, tiktok: TikTokServer, post: Post) -> None:
        tiktok.shows(normal_video(play_count=20_000, digg_count=1_000))
        checked = check(post)
        assert checked.snapshot is not None
        assert (checked.snapshot.views_count, checked.snapshot.decreased) == (20_000, ["likes"])
        assert ApiUsage.objects.filter(success=True).count() == PostSnapshot.objects.count() == 2

    @pytest.mark.parametrize(
        ("fault", "counted"),
        [
            (tiktok_server.gone, ("gone", 1, 1)),
            (tiktok_server.html, ("unreachable", 1, 0)),
            (tiktok_server.half, ("unreachable", 1, 0)),
            (tiktok_server.reset, ("unreachable", 1, 0)),
            (tiktok_server.null, ("unreachable", 1, 0)),
            (tiktok_server.broken, ("unreachable", 1, 0)),
            (tiktok_server.forbidden, ("refused", 0, 0)),
            (tiktok_server.too_many, ("rate_limited", 0, 0)),
            (tiktok_server.per_day, ("rate_limited", 0, 0)),
        ],
        ids=["gone", "html", "half", "reset", "null", "531", "403", "429", "per day"],
    )
    def test_counts_to_the_post_what_is_its_own(
        self, tiktok: TikTokServer, post: Post, fault: Fault, counted: tuple[str, int, int]
    ) -> None:
        tiktok.next_up(fault)
        left = check(post).post
        assert (left.check_error_code, left.failed_checks, left.gone_checks) == counted
        assert (left.tracking_state, left.checks_completed, PostSnapshot.objects.count()) == ("active", 0, 1)
        ProviderBudget.objects.all().delete()  # the provider is free again
        assert left.next_check_at is not None
        checked = checking.check(post.pk, patience=AT_ONCE, now=left.next_check_at)
        assert checked.outcome == Outcome.MEASURED
        assert checked.post.check_error_code == ""

    def test_waits_as_long_as_the_provider_says(self, tiktok: TikTokServer, post: Post) -> None:
        tiktok.next_up(tiktok_server.too_many)  # Retry-After: 7
        left = check(post).post
        assert left.next_check_at is not None
        assert timedelta(seconds=7) <= left.next_check_at - (NOON + HOUR) < timedelta(seconds=17)

    def test_leaves_other_posts_unasked_while_the_provider_serves_nobody(
        self, tiktok: TikTokServer, post: Post
    ) -> None:
        tiktok.shows(normal_video("7300000000000000001"))
        other = track(address("7300000000000000001")).post
        tiktok.next_up(tiktok_server.forbidden)
        check(post)
        asked = len(tiktok.asked)
        assert check(other).post.check_error_code == "rate_limited"
        assert len(tiktok.asked) == asked
