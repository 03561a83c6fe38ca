"""What the provider's answers say (ORIGINS 6.2 to 6.4, 6.7)."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from socialmedia.providers import reading
from socialmedia.providers.base import Metric, Person, Unreachable
from tests.fakes import tiktok_posts as posts

ALL = {Metric.VIEWS: 15_200, Metric.LIKES: 1_204, Metric.COMMENTS: 48, Metric.SHARES: 31, Metric.SAVES: 77}


class TestVideo:
    def test_has_what_the_answer_says(self) -> None:
        video = reading.video(posts.normal_video())
        assert video.external_post_id == posts.VIDEO_ID
        assert video.url == posts.address()
        assert video.metrics == ALL
        assert video.caption == "A lamp from a jar #diy #Lamp @ben_cooks"
        assert (video.media_type, video.duration, video.is_ad, video.is_pinned) == ("video", 31, False, False)
        assert video.posted_at == datetime(2026, 2, 2, 2, 40, tzinfo=UTC)
        assert video.media_urls == ["https://v16.example/play.mp4"]
        assert video.thumbnail_url == "https://p16.example/cover.jpeg"
        assert video.author == Person(posts.ADA["id"], "ada.makes", "Ada makes things", "https://p16.example/ada.jpeg")
        assert video.raw == posts.normal_video()

    def test_of_a_list_has_its_id_under_another_name(self) -> None:
        video = reading.video({**posts.in_list(posts.normal_video()), "is_top": 1})
        assert (video.external_post_id, video.is_pinned) == (posts.VIDEO_ID, True)

    def test_may_have_more_views_than_32_bits_hold(self) -> None:
        assert reading.video(posts.viral_video()).metrics[Metric.VIEWS] == 3_512_345_678

    def test_keeps_true_zeros(self) -> None:
        assert reading.video(posts.unseen_video()).metrics == dict.fromkeys(Metric, 0)

    def test_lacks_the_counters_that_the_answer_lacks(self) -> None:  # ORIGINS 8.22
        metrics = reading.video(posts.hiding_video()).metrics
        assert metrics == {Metric.VIEWS: 15_200, Metric.LIKES: 1_204, Metric.COMMENTS: 48}

    @pytest.mark.parametrize("said", [None, "", -1, "1.2M", 10**18, True, [1]])
    def test_lacks_counters_that_are_none(self, said: Any) -> None:
        metrics = reading.video(posts.normal_video(digg_count=said, share_count="31")).metrics
        assert metrics == {metric: number for metric, number in ALL.items() if metric != Metric.LIKES}

    def test_may_be_without_words(self) -> None:
        assert reading.video(posts.untitled_video()).caption == ""
        assert reading.video(posts.normal_video(title=None)).caption == ""

    def test_of_photos_is_a_carousel_without_a_length(self) -> None:
        video = reading.video(posts.photo_post())
        assert (video.media_type, len(video.media_urls), video.duration) == ("carousel", 3, None)
        assert video.url == posts.address(kind="photo")
        one = reading.video(posts.normal_video(images=["https://p16.example/1.jpeg"]))
        assert one.media_type == "image"

    def test_has_words_that_a_row_can_hold(self) -> None:
        video = reading.video(posts.strange_words_video())
        assert video.caption == "\N{JAR} שלום עולם #שלום 👩‍👩‍👧 \ufffd ? end"
        assert video.raw["title"] == video.caption

    def test_keeps_authors_without_a_handle_apart(self) -> None:
        author = reading.video(posts.nameless_video()).author
        assert (author.external_id, author.username, author.display_name) == ("6800000000000000001", "", "")
        assert reading.video(posts.normal_video(author=None)).author == Person()

    @pytest.mark.parametrize("said", [0, "0", None, -1, 99_999_999_999_999])
    def test_has_no_time_when_the_answer_has_none(self, said: Any) -> None:
        assert reading.video(posts.normal_video(create_time=said)).posted_at is None

    @pytest.mark.parametrize(
        "raw",
        [
            None,
            [],
            "text",
            7,
            {},
            posts.normal_video(""),
            posts.normal_video("no-number"),
            posts.normal_video("9" * 300),
        ],
    )
    def test_is_none_without_an_id(self, raw: Any) -> None:
        with pytest.raises(Unreachable, match=r"which post|holds no post"):
            reading.video(raw)

    def test_shows_no_address_that_is_none(self) -> None:
        video = reading.video(posts.normal_video(cover="javascript:alert(1)", play=7, wmplay=""))
        assert (video.thumbnail_url, video.media_urls) == ("", [])

    def test_has_an_address_of_its_own_making(self) -> None:
        author = {"id": "1", "unique_id": "x/../../evil?"}
        assert reading.video(posts.normal_video(author=author)).url == posts.address(username="")

    @given(
        st.dictionaries(
            st.sampled_from(sorted({**posts.normal_video(), "images": [], "is_top": 0})),
            st.none() | st.integers() | st.floats() | st.text(max_size=9) | st.lists(st.text(max_size=3), max_size=3)
            | st.dictionaries(st.sampled_from(["id", "unique_id", "nickname"]), st.integers() | st.text(max_size=5)),
        )
    )  # fmt: skip
    def test_is_read_or_refused_whatever_the_fields_hold(self, changes: dict[str, Any]) -> None:
        try:
            video = reading.video(posts.normal_video(**{**changes, "id": posts.VIDEO_ID}))
        except Unreachable:
            return
        assert all(number >= 0 for number in video.metrics.values())
        json.dumps(video.raw, allow_nan=False).encode()


class TestComment:
    def test_is_by_the_handle_and_not_by_the_shown_name(self) -> None:  # ORIGINS C17
        seen = reading.comment(posts.comment(10, digg_count=3, reply_total=2))
        assert (seen.author.username, seen.author.display_name) == ("reader10", "Reader 10")
        assert (seen.likes, seen.reply_total, seen.parent_external_id) == (3, 2, "")
        assert seen.commented_at == datetime(2026, 2, 2, 2, 50, tzinfo=UTC)

    def test_that_answers_says_whom(self) -> None:
        (first, second) = (reading.comment(raw, parent="7") for raw in posts.two_replies())
        assert (first.parent_external_id, first.reply_total, second.author.username) == ("7", 0, "ada.makes")

    def test_has_no_likes_when_the_answer_has_none(self) -> None:
        assert reading.comment(posts.without(posts.comment(), "digg_count")).likes is None


class TestProfile:
    @pytest.mark.parametrize("raw", [posts.profile(), posts.snake_profile()], ids=["camel", "snake"])
    def test_is_read_in_both_spellings(self, raw: dict[str, Any]) -> None:
        seen = reading.profile(raw)
        assert seen.person == Person(
            posts.ADA["id"], "ada.makes", "Ada makes things", "https://p16.example/ada-large.jpeg"
        )
        assert (seen.followers, seen.following, seen.posts, seen.likes) == (5_400, 120, 61, 98_000)
        assert (seen.bio, seen.is_verified, seen.is_private) == ("Lamps, mostly.", True, False)

    def test_has_its_web_page_and_its_privacy(self) -> None:
        seen = reading.profile(posts.profile(privateAccount=True))
        assert (seen.website_url, seen.is_private) == ("https://ada.example", True)

    def test_does_not_invent_figures(self) -> None:
        seen = reading.profile({"user": posts.ADA})
        assert (seen.followers, seen.following, seen.posts, seen.likes) == (None, None, None, None)

    def test_is_none_without_a_name(self) -> None:
        with pytest.raises(Unreachable, match="whose profile"):
            reading.profile({"user": {"nickname": "Ada"}, "stats": {}})


class TestHashtag:
    def test_is_read_in_both_shapes(self) -> None:
        seen = reading.hashtag(posts.hashtag("DIY"))
        assert (seen.name, seen.posts, seen.views) == ("diy", 1_200, 7_000_000_000)
        other = reading.hashtag({"challenge": {"title": "diy"}, "stats": {"videoCount": 5, "viewCount": "9"}})
        assert (other.name, other.posts, other.views) == ("diy", 5, 9)


class TestPage:
    def test_leads_to_the_next(self) -> None:
        raw = {"comments": [posts.comment()], "cursor": 50, "hasMore": True, "total": 120}
        page = reading.page(raw, reading.comment, "comments")
        assert (len(page.items), page.next_cursor, page.total) == (1, "50", 120)

    @pytest.mark.parametrize(
        "changes",
        [
            {"hasMore": False},
            {"hasMore": None},
            {"cursor": 0},
            {"cursor": "0"},
            {"cursor": None},
            {"cursor": "100"},
            {"comments": []},
            {"comments": None},
        ],
        ids=str,
    )
    def test_is_the_last_one_when_it_leads_nowhere(self, changes: dict[str, Any]) -> None:
        raw = {"comments": [posts.comment()], "cursor": 150, "hasMore": True, **changes}
        assert reading.page(raw, reading.comment, "comments", asked="100").next_cursor is None

    def test_knows_the_other_spelling(self) -> None:
        raw = {"comments": [posts.comment()], "cursor": "50", "has_more": 1}
        assert reading.page(raw, reading.comment, "comments").next_cursor == "50"

    def test_leaves_out_what_is_no_row(self) -> None:
        rows = [None, "x", {}, posts.comment(2), {"id": None, "text": "?"}]
        page = reading.page({"comments": rows}, reading.comment, "comments")
        assert [seen.text for seen in page.items] == ["Comment 2"]

    def test_may_be_the_list_itself(self) -> None:
        page = reading.page([posts.in_list(posts.normal_video())], reading.video, "videos")
        assert [seen.external_post_id for seen in page.items] == [posts.VIDEO_ID]
