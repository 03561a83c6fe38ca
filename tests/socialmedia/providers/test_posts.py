"""Posts as the provider shows them over HTTP, from the address to the row (ORIGINS 6.7)."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from socialmedia.models import ApiUsage, Post, PostSnapshot
from socialmedia.providers import metering
from socialmedia.providers.base import Gone, ProviderError
from socialmedia.tracking import checking, starting
from socialmedia.tracking.checking import Checked, Outcome
from tests.fakes import tiktok_posts as posts
from tests.fakes import tiktok_server as fake
from tests.fakes.tiktok_server import TikTokServer
from tests.socialmedia.factories import NOON

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def _nobody_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metering, "_wait", lambda span: None)


def track(server: TikTokServer, video: dict[str, Any], url: str = "") -> Post:
    """Put it under tracking at noon, as the server shows it."""
    server.shows(video)
    return starting.track(url or posts.address(), by="ada", now=NOON).post


def look(post: Post, *, now: datetime = NOON + HOUR) -> Checked:
    return checking.check(post.pk, patience=timedelta(seconds=30), now=now)


def counters(post: Post) -> list[tuple[int | None, ...]]:
    """Views, likes, comments, shares and saves of each snapshot, oldest first."""
    names = ("views_count", "likes_count", "comments_count", "shares_count", "saves_count")
    return list(PostSnapshot.objects.filter(post=post).order_by("captured_at").values_list(*names))


class TestFirstLook:
    def test_of_a_normal_video_keeps_figures_and_answer(self, tiktok: TikTokServer) -> None:
        post = track(tiktok, posts.normal_video())
        assert counters(post) == [(15_200, 1_204, 48, 31, 77)]
        snapshot = PostSnapshot.objects.get()
        assert (snapshot.provider, snapshot.parser_version) == ("rapidapi", 1)
        assert snapshot.raw_data == posts.normal_video()
        assert (post.account.username, post.duration) == ("ada.makes", 31)

    def test_of_a_viral_one_has_room(self, tiktok: TikTokServer) -> None:
        assert counters(track(tiktok, posts.viral_video()))[0][:2] == (3_512_345_678, 2_200_000_000)

    def test_of_an_unseen_one_has_true_zeros(self, tiktok: TikTokServer) -> None:
        assert counters(track(tiktok, posts.unseen_video())) == [(0, 0, 0, 0, 0)]

    def test_of_one_that_hides_counters_invents_none(self, tiktok: TikTokServer) -> None:  # ORIGINS 8.22
        post = track(tiktok, posts.hiding_video())
        assert counters(post) == [(15_200, 1_204, 48, None, None)]
        assert PostSnapshot.objects.get().metric_states == {"shares": "hidden", "saves": "hidden"}

    def test_of_one_without_words_and_of_photos(self, tiktok: TikTokServer) -> None:
        assert track(tiktok, posts.untitled_video()).caption == ""
        photos = track(tiktok, posts.photo_post("7300000000000000001"), posts.address("7300000000000000001"))
        assert (photos.media_type, photos.media_count, photos.duration) == ("carousel", 3, None)

    def test_of_strange_words_fits_the_rows(self, tiktok: TikTokServer) -> None:
        post = track(tiktok, posts.strange_words_video())
        post.refresh_from_db()
        assert post.caption == "\N{JAR} שלום עולם #שלום 👩‍👩‍👧 \ufffd ? end"

    def test_of_an_author_without_a_name_goes_by_the_id(self, tiktok: TikTokServer) -> None:
        post = track(tiktok, posts.nameless_video())
        assert post.account.external_id == "6800000000000000001"

    def test_behind_a_short_link_finds_the_post(self, tiktok: TikTokServer) -> None:
        tiktok.world.short_links["https://vm.tiktok.com/ZMabc/"] = posts.VIDEO_ID
        post = track(tiktok, posts.normal_video(), "https://vm.tiktok.com/ZMabc?k=1")
        assert (post.external_post_id, post.post_url) == (posts.VIDEO_ID, posts.address())

    @pytest.mark.parametrize("fault", [fake.gone, fake.html, fake.half, fake.forbidden, fake.too_many, fake.per_day])
    def test_that_fails_stores_nothing_but_the_call(self, tiktok: TikTokServer, fault: fake.Fault) -> None:
        tiktok.always(fault)
        with pytest.raises(ProviderError):
            track(tiktok, posts.normal_video())
        assert not Post.objects.exists()
        assert not PostSnapshot.objects.exists()
        assert set(ApiUsage.objects.values_list("success", flat=True)) == {False}


class TestLaterLooks:
    def test_flag_likes_that_fell(self, tiktok: TikTokServer) -> None:
        post = track(tiktok, posts.normal_video())
        tiktok.shows(posts.normal_video(digg_count=1_100, play_count=16_000))
        look(post)
        assert [row[:2] for row in counters(post)] == [(15_200, 1_204), (16_000, 1_100)]
        assert PostSnapshot.objects.order_by("captured_at").values_list("decreased", flat=True)[1] == ["likes"]

    def test_survive_two_rate_limits(self, tiktok: TikTokServer) -> None:
        post = track(tiktok, posts.normal_video())
        tiktok.next_up(fake.one_per_second, fake.one_per_second)
        first = look(post)
        assert (first.outcome, len(counters(post))) == (Outcome.FAILED, 1)
        post.refresh_from_db()
        assert (post.failed_checks, post.gone_checks) == (0, 0)  # not the post's fault
        assert look(post, now=NOON + 2 * HOUR).outcome == Outcome.MEASURED

    @pytest.mark.parametrize("fault", [fake.html, fake.half, fake.reset, fake.broken, fake.null])
    def test_go_on_after_a_bad_answer(self, tiktok: TikTokServer, fault: fake.Fault) -> None:
        post = track(tiktok, posts.normal_video())
        tiktok.next_up(fault, fault)
        assert look(post).outcome == Outcome.MEASURED
        assert list(ApiUsage.objects.order_by("pk").values_list("success", flat=True)) == [True, False, False, True]

    def test_count_what_is_gone(self, tiktok: TikTokServer) -> None:
        post = track(tiktok, posts.normal_video())
        tiktok.deletes(posts.VIDEO_ID)
        checked = look(post)
        assert isinstance(checked.error, Gone)
        post.refresh_from_db()
        assert (post.gone_checks, post.tracking_state) == (1, "active")
