"""Searches."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from socialmedia import rules, searching
from socialmedia.actions import LimitReached
from socialmedia.models import AutomationAction, SearchRun
from socialmedia.providers.base import HashtagSeen, NotConfigured, Profile, Unreachable
from socialmedia.searching import BadSearch
from tests.fakes.scripted import Scripted, configured, person, video
from tests.socialmedia.factories import NOON
from tests.socialmedia.post_factories import make_creator

pytestmark = pytest.mark.django_db(transaction=True)  # a place in the limits is taken in a transaction of its own


@pytest.fixture
def provider(settings: Any) -> Iterator[Scripted]:
    with configured(settings) as scripted:
        yield scripted


def search(kind: str = "video", words: str = "lamp", **values: Any) -> SearchRun:
    return searching.search(kind, words, by="ann", patience=timedelta(seconds=0.4), now=NOON, **values)


def make_own(**values: Any) -> Any:
    account = make_creator("our.shop")
    for name, value in {"is_own": True, **values}.items():
        setattr(account, name, value)
    account.save()
    return account


class TestSearch:
    def test_of_videos_keeps_numbers_as_numbers(self, provider: Scripted) -> None:
        provider.found = [video(1), video(2, metrics={})]
        run = search(words="  lamp   jar ")
        assert (run.kind, run.query, run.status, run.results_count) == ("video", "lamp jar", "done", 2)
        assert (run.provider, run.asked_by, run.created_at) == ("scripted", "ann", NOON)
        assert run.finished_at is not None
        first, second = run.results.all()
        assert (first.position, first.external_id, first.username, first.title) == (1, "731", "ben_cooks", "A #lamp")
        assert (first.views_count, first.likes_count, first.url) == (
            5_000_000_000,
            7,
            "https://www.tiktok.com/@ben_cooks/video/731",
        )
        assert (second.position, second.views_count, second.likes_count) == (2, None, None)
        assert provider.asked == ["videos lamp jar 20"]

    def test_of_people(self, provider: Scripted) -> None:
        provider.found = [Profile(person("ada", "a1"), bio="Makes\x00 things", is_verified=True, followers=3, posts=9)]
        (found,) = search("user", "@ada").results.all()
        assert (found.username, found.external_id, found.subtitle) == ("ada", "a1", "Makes\ufffd things")
        assert (found.is_verified, found.followers_count, found.posts_count) == (True, 3, 9)
        assert found.url == "https://www.tiktok.com/@ada"
        assert provider.asked == ["people ada 20"]

    def test_of_hashtags(self, provider: Scripted) -> None:
        provider.found = [HashtagSeen("庭", posts=4, views=5)]
        (found,) = search("hashtag", "#庭").results.all()
        assert (found.title, found.posts_count, found.views_count) == ("#庭", 4, 5)
        assert found.url == "https://www.tiktok.com/tag/%E5%BA%AD"
        assert provider.asked == ["hashtags 庭 10"]

    def test_that_finds_nothing_is_done(self, provider: Scripted) -> None:
        run = search()
        assert (run.status, run.results_count) == ("done", 0)

    def test_keeps_no_more_than_asked_for(self, provider: Scripted) -> None:
        provider.found = [video(number) for number in range(9)]
        assert search(count=4).results_count == 4
        assert provider.asked == ["videos lamp 4"]

    def test_that_fails_says_why(self, provider: Scripted) -> None:
        provider.found = Unreachable("No usable answer.")
        run = search()
        run.refresh_from_db()
        assert (run.status, run.error_message) == ("failed", "No usable answer.")
        assert run.finished_at is not None

    @pytest.mark.parametrize(
        ("kind", "words", "count", "reason"),
        [
            ("sound", "lamp", None, "'sound' cannot be searched for"),
            ("video", "", None, "Say what"),
            ("video", " \n ", None, "Say what"),
            ("hashtag", "##", None, "Say what"),
            ("video", "a" * 256, None, "at most 255 characters, not 256"),
            ("video", "a\x00b", None, "signs that are none"),
            ("video", "a\ud83d", None, "signs that are none"),
            ("video", "lamp", 0, "1 to 50 results, not 0"),
            ("video", "lamp", 51, "1 to 50 results, not 51"),
        ],
    )
    def test_of_what_cannot_be_stores_nothing(
        self, provider: Scripted, kind: str, words: str, count: int | None, reason: str
    ) -> None:
        with pytest.raises(BadSearch, match=reason):
            search(kind, words, count=count)
        assert not SearchRun.objects.exists()
        assert not provider.asked

    def test_without_a_provider_stores_nothing(self, settings: Any) -> None:
        settings.TIKTOK_PROVIDER, settings.RAPIDAPI_KEY = "rapidapi", ""
        with pytest.raises(NotConfigured):
            search(account=make_own())
        assert not SearchRun.objects.exists()
        assert not AutomationAction.objects.exists()


class TestInAnAccountsName:
    def test_is_an_action_of_it(self, provider: Scripted) -> None:
        run = search(account=make_own())
        action = AutomationAction.objects.get()
        assert (action.action_type, action.success, action.content_text) == ("search", True, "lamp")
        assert run.account == action.account

    def test_that_fails_is_noted(self, provider: Scripted) -> None:
        provider.found = Unreachable("No usable answer.")
        search(account=make_own())
        action = AutomationAction.objects.get()
        assert (action.success, action.error_code, action.error_message) == (False, "unreachable", "No usable answer.")

    def test_asks_nobody_beyond_its_limit(self, provider: Scripted) -> None:
        rules.change(rules.RATE_LIMITS, {"search": {"hourly": 1}}, by="ann", now=NOON)
        account = make_own()
        search(account=account)
        with pytest.raises(LimitReached):
            search(account=account)
        assert len(provider.asked) == SearchRun.objects.count() == AutomationAction.objects.count() == 1

    @pytest.mark.parametrize("change", [{"is_own": False}, {"is_active": False}, {"platform": "instagram"}])
    def test_needs_one_of_ours(self, provider: Scripted, change: dict[str, Any]) -> None:
        with pytest.raises(BadSearch, match=r"not one of our accounts in use|is on another network"):
            search(account=make_own(**change))
        assert not SearchRun.objects.exists()
        assert not AutomationAction.objects.exists()
