"""The practice network: what it answers is a pure function of handle, id and time."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from socialmedia.practice import chatter, growth, posts
from socialmedia.practice.cast import CAST, PREFIX, Author, Habit
from socialmedia.practice.posts import MadeUpPost
from socialmedia.providers.base import Gone, Metric, ProviderError, TooMany, Unreachable
from socialmedia.providers.practice import BUSY, Practice, at

MORNING = datetime(2026, 11, 2, 8, 0, 30, tzinfo=UTC)
HOURS = [0, 1, 6, 12, 24, 48, 72, 168, 336, 720]


def post_of(word: str, *, number: int = 0) -> MadeUpPost:
    return posts.published(Author(PREFIX + word), MORNING, number=number)


def after(hours: float) -> Practice:
    """The practice network so many hours later."""
    moment = MORNING + timedelta(hours=hours)
    return Practice(clock=lambda: moment)


def curve(word: str, metric: Metric = Metric.VIEWS, *, number: int = 0) -> list[int]:
    url = post_of(word, number=number).url
    return [after(hours).video(url).metrics[metric] for hours in HOURS]


class TestVideo:
    def test_is_the_same_whenever_it_is_asked(self) -> None:
        url = post_of("ada").url
        assert after(30).video(url) == after(30).video(url)

    def test_tells_its_time_by_its_id(self) -> None:
        video = after(1).video(post_of("ada").url)
        assert video.posted_at == MORNING
        assert (int(video.external_post_id) >> 32, video.author.username) == (int(MORNING.timestamp()), "practice.ada")

    def test_grows_fast_at_first_and_then_slowly(self) -> None:
        views = curve("ada")
        assert views == sorted(views)
        assert views[0] == 0
        assert views[4] - views[0] > views[5] - views[4] > views[9] - views[8] > 0

    def test_grows_less_at_night(self) -> None:
        evening = datetime(2026, 11, 3, 18, tzinfo=UTC)
        night = evening + timedelta(hours=12)
        hours = timedelta(hours=3)
        assert growth.lively_hours(evening, evening + hours) > 3 > 2 * growth.lively_hours(night, night + hours)

    def test_gives_each_account_a_level_of_its_own(self) -> None:
        assert len({author.usual_views for author in CAST}) == len(CAST)

    def test_goes_viral_by_handle_and_odd_id(self) -> None:
        ordinary, viral = curve("viral", number=2), curve("viral", number=1)
        assert viral[5] > 5 * ordinary[5] > 0

    def test_counts_beyond_32_bits(self) -> None:
        assert curve("famous")[-1] > 2**32

    def test_is_seen_by_nobody(self) -> None:
        assert set(after(100).video(post_of("unseen").url).metrics.values()) == {0}

    def test_hides_counters_instead_of_saying_0(self) -> None:
        video = after(10).video(post_of("hidden").url)
        assert set(video.metrics) == {Metric.VIEWS, Metric.LIKES, Metric.COMMENTS}
        assert "share_count" not in video.raw

    def test_loses_likes_but_no_views(self) -> None:
        likes = curve("shrinking", Metric.LIKES)
        assert likes[4] > likes[5] > likes[6]
        assert curve("shrinking") == sorted(curve("shrinking"))

    @pytest.mark.parametrize("word", ["gone", "private"])
    def test_is_gone(self, word: str) -> None:
        with pytest.raises(Gone):
            after(1).video(post_of(word).url)

    def test_vanishes_after_30_hours(self) -> None:
        url = post_of("vanishing").url
        assert after(29.9).video(url).metrics
        with pytest.raises(Gone, match="deleted"):
            after(30).video(url)

    def test_is_not_there_before_it_is_published(self) -> None:
        with pytest.raises(Gone):
            after(-1).video(post_of("ada").url)

    def test_asks_to_wait_at_the_start_of_a_minute(self) -> None:
        url = post_of("busy").url
        full = MORNING.replace(hour=9, second=4)
        with pytest.raises(TooMany) as raised:
            Practice(clock=lambda: full).video(url)
        assert raised.value.retry_after == BUSY - timedelta(seconds=4)
        waited = full + raised.value.retry_after
        assert Practice(clock=lambda: waited).video(url)

    def test_cannot_be_reached_every_other_hour(self) -> None:
        url = post_of("broken").url
        with pytest.raises(Unreachable):
            after(1).video(url)
        assert after(2).video(url)

    def test_follows_short_links(self) -> None:
        one = after(5_000).video("https://vm.tiktok.com/ZMabcdef/")
        assert one == after(5_000).video("https://vm.tiktok.com/ZMabcdef/")
        assert one.external_post_id != after(5_000).video("https://vm.tiktok.com/ZMabcdeg/").external_post_id

    def test_knows_a_post_by_its_id_alone(self) -> None:
        post = post_of("hidden")
        assert after(3).video(str(post.number)) == after(3).video(post.url)

    @given(st.one_of(st.text(max_size=40), st.integers(0, 10**22).map(str)))
    def test_answers_anything_with_a_post_or_a_named_error(self, address: str) -> None:
        with suppress(ProviderError):
            assert after(0).video(address).posted_at

    def test_takes_its_time_from_the_block_around_it(self) -> None:
        url = post_of("ada").url
        with at(MORNING + timedelta(hours=5)):
            assert Practice().video(url) == after(5).video(url)


class TestComments:
    def test_come_in_pages_the_oldest_first_each_once(self) -> None:
        url, network = post_of("viral", number=1).url, after(48)
        found, cursor = [], ""
        while True:
            page = network.comments(url, cursor=cursor, count=50)
            found += page.items
            if page.next_cursor is None:
                break
            cursor = page.next_cursor
        times = [comment.commented_at for comment in found]
        assert len(found) == page.total == network.video(url).metrics[Metric.COMMENTS] > 50
        assert len({comment.external_comment_id for comment in found}) == len(found)
        assert all(first <= second for first, second in pairwise(times))  # type: ignore[operator]
        assert MORNING <= times[0] <= times[-1] <= MORNING + timedelta(hours=48)  # type: ignore[operator]

    def test_stay_as_they_are_but_for_likes(self) -> None:
        url = post_of("ada").url
        (early,), (late,) = (after(hours).comments(url, count=1).items for hours in (20, 200))
        assert (early.external_comment_id, early.text, early.commented_at) == (
            late.external_comment_id,
            late.text,
            late.commented_at,
        )

    def test_have_answers_that_come_later(self) -> None:
        post, network = post_of("ada"), after(100)
        (first, second, *_) = network.comments(post.url).items
        answers = network.replies(str(post.number), first.external_comment_id).items
        assert answers[0].author.username == "practice.ada"
        assert {answer.parent_external_id for answer in answers} == {first.external_comment_id}
        assert (first.reply_total, second.reply_total, len(answers)) == (2, 0, 2)
        soon = first.commented_at + timedelta(minutes=30)  # type: ignore[operator]
        assert Practice(clock=lambda: soon).comments(post.url).items[0].reply_total == 0

    @pytest.mark.parametrize("comment", ["", "1", "x" * 31, "9" * 31])
    def test_unknown_ones_have_no_answers(self, comment: str) -> None:
        assert chatter.answers(post_of("ada"), comment, at=MORNING + timedelta(days=9)) == []


class TestProfile:
    def test_shows_growing_followers(self) -> None:
        early, late = (after(hours).profile("@Practice.Ada") for hours in (0, 2_400))
        assert early.person == late.person
        assert early.followers < late.followers  # type: ignore[operator]

    def test_says_what_is_private_and_what_is_gone(self) -> None:
        assert after(0).profile("practice.private").is_private
        with pytest.raises(Gone):
            after(0).profile("practice.gone")


class TestSearch:
    def test_finds_people_videos_and_hashtags(self) -> None:
        network = after(0)
        assert network.search_people("ada")[0].person.username == "practice.ada"
        assert len(network.search_people("Old boats", count=5)) == 5
        videos = network.search_videos("old boats", count=20)
        assert len({video.external_post_id for video in videos}) == 20
        assert network.video(videos[0].url) == network.video(videos[0].external_post_id) == videos[0]
        assert network.search_hashtags("Old boats")[0] == network.hashtag("#oldboats")

    @pytest.mark.parametrize("words", ["nothing", " ", "!"])
    def test_finds_nothing(self, words: str) -> None:
        network = after(0)
        assert not network.search_people(words)
        assert not network.search_videos(words)
        assert not network.search_hashtags(words)


class TestCast:
    def test_has_somebody_for_each_habit(self) -> None:
        assert {author.habit for author in CAST} == set(Habit)
