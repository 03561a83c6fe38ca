"""Putting a post under tracking."""

from datetime import timedelta
from typing import Any

import pytest

from jobs.models import ScheduledJob
from socialmedia.models import Account, Post, PostSnapshot, SystemSetting, TrackingState
from socialmedia.providers.addresses import NotAPost
from socialmedia.providers.base import Gone, Person, Unreachable
from socialmedia.tracking import plan, starting
from socialmedia.tracking.plan import BadOffsets
from socialmedia.tracking.starting import CannotTrack, Tracked
from tests.concurrency import at_once
from tests.socialmedia.factories import NOON
from tests.socialmedia.post_factories import HOUR, make_post
from tests.socialmedia.tracking.network import Network, address


def track(url: str, **values: Any) -> Tracked:
    """Track it from noon on."""
    return starting.track(url, **{"by": "ada", "now": NOON, **values})


def live_jobs() -> list[tuple[dict[str, Any], Any]]:
    """What the jobs of the checks are about, and when they are due."""
    return list(ScheduledJob.objects.live().filter(job_type="post_check").values_list("payload", "next_attempt_at"))


@pytest.mark.django_db
class TestTrack:
    def test_stores_a_first_snapshot_the_nine_checks_and_the_first_job(self, network: Network) -> None:
        SystemSetting.objects.filter(pk=plan.SETTING).delete()
        tracked = track(network.publish(caption="Bread"))
        post = Post.objects.get()
        assert (tracked.post, tracked.is_new) == (post, True)
        assert (post.tracking_state, post.tracking_started_at, post.tracking_round) == ("active", NOON, 1)
        assert (post.check_offsets, post.check_base) == ([1, 6, 12, 24, 48, 72, 168, 336, 720], "tracking_start")
        assert post.check_schedule[0] == "2026-03-10T13:00:00+00:00"
        assert (post.next_check_at, post.checks_completed, post.provider) == (NOON + HOUR, 0, "memory")
        snapshot = PostSnapshot.objects.get()
        assert tracked.snapshot == snapshot
        assert (snapshot.views_count, snapshot.check_index, snapshot.planned_at) == (100, 0, NOON)
        assert snapshot.captured_at - NOON < timedelta(seconds=5)
        assert live_jobs() == [({"post_id": post.pk}, NOON + HOUR)]

    def test_plans_as_asked(self, network: Network) -> None:
        post = track(network.publish(), offsets="0.5,2,8", base="posting").post  # published an hour before
        assert (post.check_offsets, post.next_check_at) == ([2, 8], NOON + HOUR)
        assert post.check_base == "posting"

    def test_counts_from_where_the_settings_say(self, network: Network, settings: Any) -> None:
        settings.CHECKBACK_BASE = "posting"
        assert track(network.publish(), offsets="2").post.next_check_at == NOON + HOUR

    def test_leaves_a_tracked_post_as_it_is_without_asking_for_it(self, network: Network) -> None:
        url = network.publish()
        first = track(url)
        again = track(url + "?lang=de", offsets="5", now=NOON + HOUR)
        assert (again.post, again.snapshot, again.is_new) == (first.post, first.snapshot, False)
        assert again.post.check_offsets == first.post.check_offsets
        assert len(network.asked) == 1
        assert PostSnapshot.objects.count() == len(live_jobs()) == 1

    @pytest.mark.parametrize("state", ["stopped", "complete", "unavailable"])
    def test_does_not_begin_anew_what_has_ended(self, network: Network, state: str) -> None:
        post = make_post(tracking_state=state)
        network.publish(post.external_post_id)
        assert track(post.post_url) == Tracked(post, None, is_new=False)
        assert live_jobs() == []

    def test_takes_up_a_post_that_was_only_known(self, network: Network) -> None:
        post = make_post(tracking_state=TrackingState.UNTRACKED, caption="Imported")
        network.publish(post.external_post_id, caption="Fresh")
        tracked = track(post.post_url)
        assert (tracked.post.pk, tracked.is_new, tracked.post.caption) == (post.pk, True, "Fresh")
        assert live_jobs() == [({"post_id": post.pk}, NOON + HOUR)]

    @pytest.mark.parametrize(
        ("options", "error", "told"),
        [
            ({"url": "https://example.org/x"}, NotAPost, "is not TikTok"),
            ({"offsets": "6,1"}, BadOffsets, r"Offset 2 \(1\)"),
            ({"base": "birth"}, BadOffsets, "not from birth"),
            ({"offsets": "1", "base": "posting"}, BadOffsets, "older than 1 hours"),
            ({"url": address("404")}, Gone, "not there"),
            ({"answers": {"author": Person()}}, CannotTrack, "cannot be kept: The provider does not say whose"),
            ({"answers": {"caption": "a\x00b"}}, CannotTrack, "cannot be kept: PostgreSQL"),
            ({"answers": {"caption": "\ud800"}}, CannotTrack, "cannot be kept"),
            ({"answers": {"answered_id": "5"}}, Unreachable, "another post than the one it was asked for"),
        ],
    )
    def test_refuses_in_one_sentence_and_stores_nothing(
        self, network: Network, options: dict[str, Any], error: type[Exception], told: str
    ) -> None:
        url = network.publish(**options.pop("answers", {}))
        with pytest.raises(error, match=told):
            track(**{"url": url, **options})
        assert (Post.objects.count(), PostSnapshot.objects.count(), live_jobs()) == (0, 0, [])
        assert not Account.objects.filter(platform="tiktok").exists()


@pytest.mark.django_db(transaction=True)
class TestTrackAtOnce:
    def test_begins_once(self, network: Network) -> None:
        url = network.publish()
        tracked = at_once(8, lambda _: track(url, provider_name="memory"))
        assert [one.is_new for one in tracked].count(True) == 1
        assert {one.post.pk for one in tracked} == {Post.objects.get().pk}
        assert PostSnapshot.objects.count() == len(live_jobs()) == 1
