"""What every call goes through: its place, its row, another try."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.db.models.functions import Now

from socialmedia.models import ApiUsage, ProviderBudget
from socialmedia.providers import budget, choosing, metering
from socialmedia.providers.base import Gone, NotConfigured, Provider, Refused, TooMany, Unreachable
from tests.concurrency import at_once
from tests.fakes import tiktok_posts as posts
from tests.fakes import tiktok_server as fake
from tests.fakes.tiktok_server import TikTokServer

LONG = timedelta(seconds=30)


@pytest.fixture(autouse=True)
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long was waited each time, in seconds. Nobody really waits."""
    waits: list[float] = []
    monkeypatch.setattr(metering, "_wait", lambda span: waits.append(span.total_seconds()))
    return waits


def video(patience: timedelta = LONG) -> Any:
    return choosing.find(patience=patience).video(posts.address())


def log() -> list[tuple[bool | None, str]]:
    """The log of calls, oldest first."""
    return list(ApiUsage.objects.order_by("pk").values_list("success", "error_code"))


@pytest.mark.django_db
class TestRows:
    def test_tell_of_a_call_that_went_well(self, tiktok: TikTokServer) -> None:
        tiktok.shows(posts.normal_video())
        assert video().external_post_id == posts.VIDEO_ID
        row = ApiUsage.objects.get()
        assert (row.provider_name, row.platform, row.endpoint) == ("rapidapi", "tiktok", "video")
        assert (row.request_count, row.success, row.error_message, row.error_code) == (1, True, "", "")
        assert row.latency_ms is not None
        assert 0 <= row.latency_ms < 10_000

    def test_are_written_before_the_call(self, tiktok: TikTokServer) -> None:
        tiktok.shows(posts.normal_video())
        seen: list[Any] = []
        provider = choosing.find()
        inner = provider._provider  # type: ignore[attr-defined]

        class Watched:
            def __getattr__(self, name: str) -> Any:
                return getattr(inner, name)

            def video(self, address: str) -> Any:
                seen.extend(log())
                return inner.video(address)

        metering.Metered(Watched(), patience=LONG).video(posts.address())
        assert seen == [(None, "")]

    def test_stay_and_count_when_the_process_dies(self, settings: Any) -> None:
        settings.TIKTOK_REQUESTS_PER_SECOND = 1_000

        class Dying:
            name, platform, parser_version = "rapidapi", "tiktok", 1

            def video(self, address: str) -> Any:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            metering.Metered(Dying(), patience=LONG).video("1")  # type: ignore[arg-type]
        assert log() == [(None, "")]
        assert ProviderBudget.objects.get().used == 1

    def test_name_what_was_asked_for(self, tiktok: TikTokServer) -> None:
        tiktok.world.comments[posts.VIDEO_ID] = [posts.comment()]
        tiktok.world.replies["1"] = posts.two_replies()
        tiktok.world.profiles["ada.makes"] = posts.profile()
        tiktok.world.hashtags["diy"] = posts.hashtag()
        tiktok.world.found_people = [posts.profile()]
        tiktok.world.found_videos = [posts.normal_video()]
        provider = choosing.find()
        asked: list[Callable[[], Any]] = [
            lambda: provider.comments(posts.VIDEO_ID),
            lambda: provider.replies(posts.VIDEO_ID, "1"),
            lambda: provider.profile("ada.makes"),
            lambda: provider.hashtag("diy"),
            lambda: provider.search_people("lamp"),
            lambda: provider.search_videos("lamp"),
            lambda: provider.search_hashtags("diy"),
        ]
        for ask in asked:
            ask()
        endpoints = ["comments", "replies", "profile", "hashtag", "search_people", "search_videos", "search_hashtags"]
        assert list(ApiUsage.objects.order_by("pk").values_list("endpoint", flat=True)) == endpoints
        assert ProviderBudget.objects.get().used == 7

    def test_hold_the_reason_of_a_failure_but_no_key(self, tiktok: TikTokServer) -> None:
        tiktok.always(fake.status(403, f"Bad key {fake.KEY} \x00"))
        with pytest.raises(Refused):
            video()
        row = ApiUsage.objects.get()
        assert (row.success, row.error_code) == (False, "refused")
        assert "HTTP 403: Bad key …" in row.error_message
        assert fake.KEY not in row.error_message + ProviderBudget.objects.get().blocked_reason


@pytest.mark.django_db
class TestTries:
    def test_are_three_when_no_usable_answer_comes(self, tiktok: TikTokServer, waits: list[float]) -> None:
        tiktok.shows(posts.normal_video())
        tiktok.next_up(fake.html, fake.broken)
        assert video().external_post_id == posts.VIDEO_ID
        assert [wait for wait in waits if wait > 0.1] == [0.5, 1.5]
        assert log() == [(False, "unreachable"), (False, "unreachable"), (True, "")]
        assert ProviderBudget.objects.get().used == 3

    def test_are_no_more_than_three(self, tiktok: TikTokServer) -> None:
        tiktok.always(fake.reset)
        with pytest.raises(Unreachable):
            video()
        assert log() == [(False, "unreachable")] * 3

    def test_end_with_the_patience(self, tiktok: TikTokServer) -> None:
        tiktok.always(fake.broken)
        with pytest.raises(Unreachable):
            video(timedelta(0))
        assert len(tiktok.asked) == 1

    def test_is_one_when_the_wait_is_too_long(self, tiktok: TikTokServer) -> None:
        tiktok.shows(posts.normal_video())
        tiktok.next_up(fake.one_per_second)
        with pytest.raises(TooMany, match="fewer requests a second"):
            video(timedelta(seconds=1))  # too little patience
        assert log() == [(False, "rate_limited")]

    def test_go_on_after_a_short_wait(self, tiktok: TikTokServer, waits: list[float]) -> None:
        # ORIGINS 6.7: rate limited twice, then ok
        tiktok.shows(posts.normal_video())
        tiktok.next_up(fake.one_per_second, fake.one_per_second)
        with pytest.raises(TooMany):
            video()
        assert log() == [(False, "rate_limited")] * 2
        assert 1.0 < waits[-1] <= 1.1
        assert video().external_post_id == posts.VIDEO_ID
        assert 1.0 < waits[-1] <= 2.2

    @pytest.mark.parametrize(
        ("fault", "error"), [(fake.gone, Gone), (fake.forbidden, Refused), (fake.per_day, TooMany)]
    )
    def test_is_one_where_another_cannot_help(
        self, tiktok: TikTokServer, fault: fake.Fault, error: type[Exception]
    ) -> None:
        tiktok.always(fault)
        with pytest.raises(error):
            video()
        assert len(tiktok.asked) == 1


@pytest.mark.django_db
class TestStops:
    @pytest.mark.parametrize(
        ("fault", "low", "high"),
        [
            (fake.forbidden, timedelta(minutes=59), timedelta(hours=1)),
            (fake.too_many, timedelta(seconds=6), timedelta(seconds=7)),
            (fake.per_day, timedelta(0), timedelta(days=1)),
        ],
    )
    def test_are_for_everybody(self, tiktok: TikTokServer, fault: fake.Fault, low: timedelta, high: timedelta) -> None:
        tiktok.shows(posts.normal_video())
        tiktok.next_up(fault)
        with pytest.raises((Refused, TooMany)):
            video(timedelta(0))
        with pytest.raises(TooMany) as caught:
            video(timedelta(0))
        assert low < caught.value.retry_after <= high
        assert len(tiktok.asked) == 1
        assert len(log()) == 1

    def test_are_waited_for_by_the_patient(self, tiktok: TikTokServer, monkeypatch: pytest.MonkeyPatch) -> None:
        waited: list[float] = []

        def wait(span: timedelta) -> None:
            waited.append(span.total_seconds())
            ProviderBudget.objects.update(blocked_until=Now())

        monkeypatch.setattr(metering, "_wait", wait)
        tiktok.shows(posts.normal_video())
        tiktok.next_up(fake.too_many)  # Retry-After: 7
        assert video().external_post_id == posts.VIDEO_ID
        assert [wait for wait in waited if wait > 2] == [pytest.approx(7, abs=1)]
        assert log() == [(False, "rate_limited"), (True, "")]

    @pytest.mark.parametrize("is_there", [True, False])
    def test_end_when_the_provider_serves_us_again(self, tiktok: TikTokServer, is_there: bool) -> None:
        tiktok.next_up(fake.forbidden)
        with pytest.raises(Refused):
            video()
        ProviderBudget.objects.update(blocked_until=None)  # an hour later
        if is_there:
            tiktok.shows(posts.normal_video())
            video()
        else:
            with pytest.raises(Gone):
                video()
        assert ProviderBudget.objects.get().refusals == 0

    def test_stay_while_it_cannot_be_reached(self, tiktok: TikTokServer) -> None:
        tiktok.next_up(fake.forbidden, fake.broken)
        with pytest.raises(Refused):
            video()
        ProviderBudget.objects.update(blocked_until=None)
        with pytest.raises(Unreachable):
            video(timedelta(0))
        assert ProviderBudget.objects.get().refusals == 1


@pytest.mark.django_db(transaction=True)
class TestManyAtOnce:
    def test_never_ask_more_than_the_budget_has(self, tiktok: TikTokServer, settings: Any) -> None:
        settings.TIKTOK_REQUESTS_PER_DAY = 5
        tiktok.shows(posts.normal_video())

        def ask(_: int) -> bool:
            try:
                return bool(video())
            except TooMany:
                return False

        assert sum(at_once(12, ask)) == 5
        assert len(tiktok.asked) == 5
        assert log() == [(True, "")] * 5

    def test_are_not_asked_inside_a_transaction(self, tiktok: TikTokServer) -> None:
        with pytest.raises(RuntimeError, match="durable"), transaction.atomic():
            video()
        assert tiktok.asked == []

    def test_leave_a_stop_that_began_while_one_was_on_its_way(self, tiktok: TikTokServer) -> None:
        tiktok.shows(posts.normal_video())
        budget.take("rapidapi", patience=LONG)
        budget.refuse("rapidapi", reason="No.")
        ProviderBudget.objects.update(blocked_until=Now())  # an hour later: the next one is on trial

        def stop(_: int) -> None:
            budget.stop("rapidapi", timedelta(hours=5), reason="The day is over.")

        tiktok.before_answering = lambda: at_once(1, stop) and None
        video()
        assert budget.look("rapidapi").reason == "The day is over."

    def test_hold_no_lock_while_they_wait(self, tiktok: TikTokServer) -> None:
        tiktok.shows(posts.normal_video())
        met: list[object] = []
        tiktok.before_answering = lambda: met.append(at_once(1, lambda _: budget.take("rapidapi", patience=LONG)))
        video()
        assert len(met) == 1


@pytest.mark.django_db
class TestChoosing:
    def test_knows_the_providers(self) -> None:
        assert "rapidapi" in choosing.names()

    def test_says_which_there_are(self, settings: Any) -> None:
        with pytest.raises(NotConfigured, match="There is no provider 'nobody': set TIKTOK_PROVIDER to one of"):
            choosing.find("nobody")

    def test_takes_another_provider_from_one_file(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(choosing, "_factories", dict(choosing._factories))
        from tests.socialmedia.providers import another  # noqa: F401 - it registers itself

        provider: Provider = choosing.find("another")
        assert (provider.name, provider.platform) == ("another", "youtube")
        assert provider.video("1").caption == "From another network"
        row = ApiUsage.objects.get()
        assert (row.provider_name, row.platform, row.success) == ("another", "youtube", True)

    def test_asks_nobody_when_choosing(self, tiktok: TikTokServer) -> None:
        choosing.find()
        assert (tiktok.asked, ApiUsage.objects.count()) == ([], 0)
