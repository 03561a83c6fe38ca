"""Asking the provider over HTTP: what goes out, and what each of its answers means (ORIGINS 2.10, 6.1)."""

import json
import socket
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from threading import Event, Thread
from typing import Any

import pytest

from socialmedia import conf
from socialmedia.providers import choosing, rapidapi
from socialmedia.providers.addresses import NotAPost
from socialmedia.providers.base import (
    Gone,
    Metric,
    NotConfigured,
    ProviderError,
    Refused,
    TooMany,
    Unreachable,
)
from socialmedia.providers.rapidapi import RapidApi
from tests.fakes import tiktok_posts as posts
from tests.fakes import tiktok_server as fake
from tests.fakes.tiktok_server import KEY, TikTokServer

NOW = datetime(2026, 3, 10, 21, 30, tzinfo=UTC)


def provider() -> RapidApi:
    """As the settings say, at a fixed time."""
    return RapidApi(conf.provider(), clock=lambda: NOW)


def failure(server: TikTokServer, *faults: fake.Fault) -> ProviderError:
    """What asking for a post raises when the answers are such."""
    server.next_up(*faults)
    with pytest.raises(ProviderError) as caught:
        provider().video(posts.address())
    assert KEY not in str(caught.value)
    return caught.value


class TestVideo:
    def test_is_asked_for_with_the_key_in_a_header(self, tiktok: TikTokServer) -> None:
        tiktok.shows(posts.normal_video())
        assert provider().video(posts.address()).metrics[Metric.VIEWS] == 15_200
        (asked,) = tiktok.asked
        assert (asked.path, asked.params) == ("/", {"url": posts.address()})
        assert asked.headers["X-Rapidapi-Key"] == KEY
        assert asked.headers["X-Rapidapi-Host"] == "tiktok-scraper7.p.rapidapi.com"

    def test_is_found_by_its_id_and_by_any_form_of_its_address(self, tiktok: TikTokServer) -> None:
        tiktok.shows(posts.normal_video())
        for text in (posts.VIDEO_ID, f"{posts.address()}/?lang=de", f"m.tiktok.com/v/{posts.VIDEO_ID}.html"):
            assert provider().video(text).external_post_id == posts.VIDEO_ID

    def test_is_found_behind_a_short_link(self, tiktok: TikTokServer) -> None:
        tiktok.shows(posts.normal_video())
        tiktok.world.short_links["https://vm.tiktok.com/ZMabc/"] = posts.VIDEO_ID
        video = provider().video("vm.tiktok.com/ZMabc")
        assert (video.url, video.author.username) == (posts.address(), "ada.makes")

    def test_is_not_believed_to_be_another(self, tiktok: TikTokServer) -> None:
        other = {**posts.normal_video(), "id": "7399999999999999999"}
        error = failure(tiktok, fake.sends(json.dumps(fake.envelope(other))))
        assert isinstance(error, Unreachable)
        assert "another post" in str(error)

    def test_is_not_asked_for_at_an_address_that_is_none(self, tiktok: TikTokServer) -> None:
        with pytest.raises(NotAPost):
            provider().video("https://www.youtube.com/watch?v=1")
        assert tiktok.asked == []


class TestLists:
    def test_of_comments_come_in_pages(self, tiktok: TikTokServer) -> None:
        tiktok.world.comments[posts.VIDEO_ID] = posts.three_pages_of_comments()
        sizes, cursor = [], ""
        while True:
            page = provider().comments(posts.VIDEO_ID, cursor=cursor, count=80)
            sizes.append((len(page.items), page.total))
            if page.next_cursor is None:
                break
            cursor = page.next_cursor
        assert sizes == [(50, 120), (50, 120), (20, 120)]
        assert [asked.params["cursor"] for asked in tiktok.asked] == ["0", "50", "100"]

    def test_of_replies_say_whom_they_answer(self, tiktok: TikTokServer) -> None:
        tiktok.world.replies["77"] = posts.two_replies()
        page = provider().replies(posts.VIDEO_ID, "77")
        assert [reply.parent_external_id for reply in page.items] == ["77", "77"]
        assert tiktok.asked[0].params["video_id"] == posts.VIDEO_ID

    def test_of_people_and_posts_are_found_by_words(self, tiktok: TikTokServer) -> None:
        tiktok.world.found_people = [posts.profile(), {"user": {"nickname": "nobody"}}, posts.snake_profile()]
        tiktok.world.found_videos = [posts.in_list(posts.normal_video())]
        assert [seen.followers for seen in provider().search_people("lamp")] == [5_400, 5_400]
        assert [seen.external_post_id for seen in provider().search_videos("lamp")] == [posts.VIDEO_ID]
        assert {asked.params["keywords"] for asked in tiktok.asked} == {"lamp"}

    def test_of_hashtags_have_the_exact_word_or_nothing(self, tiktok: TikTokServer) -> None:
        tiktok.world.hashtags["diylamp"] = posts.hashtag("diylamp")
        assert [seen.name for seen in provider().search_hashtags("#diy lamp")] == ["diylamp"]
        assert provider().search_hashtags("nowhere") == []

    def test_a_profile_is_asked_for_without_the_at_sign(self, tiktok: TikTokServer) -> None:
        tiktok.world.profiles["ada.makes"] = posts.profile()
        assert provider().profile("@ada.makes").followers == 5_400


class TestErrors:
    def test_gone_is_what_the_provider_calls_a_bad_address(self, tiktok: TikTokServer) -> None:
        assert isinstance(failure(tiktok), Gone)

    def test_one_request_a_second_is_worth_a_short_wait(self, tiktok: TikTokServer) -> None:
        error = failure(tiktok, fake.one_per_second)
        assert isinstance(error, TooMany)
        assert error.retry_after == timedelta(seconds=1.1)

    @pytest.mark.parametrize("fault", [fake.per_day, fake.status(429, "You have exceeded the DAILY quota")])
    def test_the_daily_limit_lasts_until_the_next_day_in_utc(self, tiktok: TikTokServer, fault: fake.Fault) -> None:
        error = failure(tiktok, fault)
        assert isinstance(error, TooMany)
        assert error.retry_after == timedelta(hours=2.5)

    @pytest.mark.parametrize(
        ("header", "seconds"),
        [("7", 7), ("", 60), ("0", 1), ("9999999999", 86_400), ("soon", 60), ("Tue, 10 Mar 2026 21:30:40 GMT", 40)],
    )
    def test_429_says_for_how_long(self, tiktok: TikTokServer, header: str, seconds: float) -> None:
        error = failure(tiktok, fake.status(429, "Too many requests", retry_after=header))
        assert isinstance(error, TooMany)
        assert error.retry_after == timedelta(seconds=seconds)

    @pytest.mark.parametrize("number", [401, 403])
    def test_a_refusal_says_where_to_look(self, tiktok: TikTokServer, number: int) -> None:
        error = failure(tiktok, fake.status(number, f"Invalid key {KEY}"))
        assert isinstance(error, Refused)
        assert str(error) == (
            f"The provider does not serve us (HTTP {number}: Invalid key …). "
            "Look at RAPIDAPI_KEY and at the subscription."
        )

    @pytest.mark.parametrize(
        ("fault", "why"),
        [
            (fake.html, "not the promised JSON"),
            (fake.half, "could not be reached"),
            (fake.reset, "could not be reached"),
            (fake.null, "sends nothing"),
            (fake.sends('{"code": 0, "msg": "success"}'), "sends nothing"),
            (fake.sends('{"code": 0, "data": {}}'), "sends nothing"),
            (fake.sends('{"code": 0, "data": [1]}'), "holds no post"),
            (fake.sends('{"code": 0, "data": {"title": "no id"}}'), "which post"),
            (fake.sends("[]"), "not what it promises"),
            (fake.sends("{}"), "not what it promises"),
            (fake.sends(""), "not the promised JSON"),
            (fake.sends(b"\xff\xfe"), "not the promised JSON"),
            (fake.sends("[" * 100_000), "not the promised JSON"),
            (fake.sends('{"code": 0, "data": ' + "9" * 5_000 + "}"), "not the promised JSON"),
            (fake.sends(b" " * 5_000_001), "far too long"),
            (fake.broken, "HTTP 531"),
            (fake.status(500, "oops"), "HTTP 500: oops"),
            (fake.status(404, "no such endpoint"), "HTTP 404"),
            (fake.redirects("https://evil.example/"), "HTTP 302"),
            (fake.says("Something\x00 new \ud83d" + "!" * 500), "says no: Something\ufffd new ?!!!"),
            (fake.says("", code=-2), "gives no reason"),
        ],
    )
    def test_anything_else_is_no_answer(self, tiktok: TikTokServer, fault: fake.Fault, why: str) -> None:
        error = failure(tiktok, fault)
        assert isinstance(error, Unreachable)
        assert why in str(error)
        assert len(str(error)) < 300
        str(error).encode()
        assert len(tiktok.asked) == 1

    @pytest.mark.parametrize("fault", [fake.hangs, fake.trickles])
    def test_waiting_has_an_end(self, tiktok: TikTokServer, settings: Any, fault: fake.Fault) -> None:
        settings.TIKTOK_TIMEOUT_SECONDS = 0.2
        error = failure(tiktok, fault)
        assert isinstance(error, Unreachable)
        assert "did not answer within 0.2 s" in str(error)

    def test_waiting_for_headers_has_an_end(self, tiktok: TikTokServer, settings: Any) -> None:
        def drip() -> None:
            """Send a header without end, until they hang up."""
            line, _ = server.accept()
            with line, suppress(OSError):
                line.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
                for _ in range(250):
                    line.sendall(b"a")
                    if hung_up.wait(0.02):
                        break

        hung_up = Event()
        with socket.create_server(("127.0.0.1", 0)) as server:
            dripping = Thread(target=drip)
            dripping.start()
            settings.TIKTOK_API_URL = f"http://127.0.0.1:{server.getsockname()[1]}"
            settings.TIKTOK_TIMEOUT_SECONDS = 0.2
            assert "did not answer within 0.2 s" in str(failure(tiktok))
            hung_up.set()
            dripping.join()

    def test_nobody_listening_is_no_answer(self, tiktok: TikTokServer, settings: Any) -> None:
        settings.TIKTOK_API_URL = "http://127.0.0.1:9"
        assert "could not be reached (ConnectError)" in str(failure(tiktok))

    def test_proxies_of_the_environment_are_not_used(
        self, tiktok: TikTokServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        tiktok.shows(posts.normal_video())
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, "http://127.0.0.1:9")
        assert provider().video(posts.address()).external_post_id == posts.VIDEO_ID

    def test_words_that_no_address_can_carry_are_no_crash(self, tiktok: TikTokServer) -> None:
        with pytest.raises(Unreachable, match="could not be asked"):
            provider().search_people("\ud83d")


class TestMake:
    def test_wants_a_key_and_says_what_works_without(self, settings: Any) -> None:
        settings.RAPIDAPI_KEY = ""
        with pytest.raises(NotConfigured, match=r"RAPIDAPI_KEY, or set TIKTOK_PROVIDER=practice"):
            choosing.find("rapidapi")

    def test_refuses_a_key_that_is_none_and_keeps_it_to_itself(self, settings: Any) -> None:
        settings.RAPIDAPI_KEY = "secret key\n"
        with pytest.raises(NotConfigured, match="copy it anew") as caught:
            rapidapi.make()
        assert "secret" not in str(caught.value)

    def test_shows_the_key_nowhere(self, tiktok: TikTokServer) -> None:
        assert KEY not in repr(conf.provider()) + repr(provider())


class TestLog:
    def test_does_not_say_what_was_searched_for(self, tiktok: TikTokServer, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level("INFO")
        provider().search_people("lampshade")
        assert "lampshade" in tiktok.asked[0].params.values()
        assert [record for record in caplog.records if record.name.startswith("httpx2")] == []
