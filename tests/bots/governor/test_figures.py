"""The figures that staff see, and the sentences that say what is wrong."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from bots.governor import controls, figures, openings
from bots.health_checks import bot as check
from bots.models import BotHeartbeat
from socialmedia.models import Account
from tests.bots.governor.test_openings import opened
from tests.bots.governor.test_pace import refuse
from tests.socialmedia.factories import make_bot, make_conversation, make_person, make_reply

pytestmark = pytest.mark.django_db

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def bot() -> Account:
    """A bot that runs and is connected."""
    account = make_bot()
    BotHeartbeat.objects.create(process="host:1", account=account, is_connected=True, beat_at=timezone.now())
    return account


class TestOfAccount:
    def test_are_read_with_few_queries(self, bot: Account, django_assert_max_num_queries: Any) -> None:
        now = timezone.now()
        make_reply(make_conversation(bot, make_person()), now=now - HOUR)
        opened(bot.pk, 1, at=now - 2 * HOUR)
        opened(bot.pk, 2, at=now - MINUTE, success=False, code="40003")
        refuse(7)
        with django_assert_max_num_queries(8):
            found = figures.of_account(bot.pk, now=now)
        assert (str(found.opened_in_hour), str(found.opened_in_day)) == ("1 of 10", "2 of 40")
        assert (found.openings_refused, found.openings_judged, found.controls.refusals) == (1, 2, 7)
        assert (found.bots, found.connected, found.queue) == (1, 1, "1 message waits")
        assert (found.waiting_since, found.next_opening_at) == (now - HOUR, now)
        assert (found.state, found.troubles) == ("sending", [])

    def test_leave_out_other_bots_and_what_is_not_due(self, bot: Account, monkeypatch: pytest.MonkeyPatch) -> None:
        now = timezone.now()
        other = make_bot()
        opened(other.pk, 1, at=now)
        BotHeartbeat.objects.create(process="host:2", account=other, is_connected=True, beat_at=now)
        BotHeartbeat.objects.create(process="dead:1", account=bot, is_connected=True, beat_at=now - HOUR)
        make_reply(make_conversation(other, make_person()), now=now - HOUR)
        make_reply(make_conversation(bot, make_person()), now=now + HOUR)
        found = figures.of_account(bot.pk, now=now)
        assert (found.opened_in_day.used, found.bots, found.waiting, found.waiting_since) == (0, 1, 0, None)

    def test_do_not_count_a_long_queue_to_its_end(self, bot: Account, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(figures, "COUNTED", 2)
        for _ in range(4):
            make_reply(make_conversation(bot, make_person()))
        found = figures.of_account(bot.pk, now=timezone.now())
        assert (found.waiting, found.queue) == (3, "more than 2 messages wait")

    def test_tell_when_the_next_channel_may_be_opened(self, bot: Account, settings: Any) -> None:
        now = timezone.now()
        settings.DISCORD_DM_OPENS_PER_HOUR = 1
        opened(bot.pk, 1, at=now)
        assert figures.of_account(bot.pk, now=now).next_opening_at == now + HOUR
        until = openings.trip(bot.pk, reason="too fast", now=now + 55 * MINUTE)
        assert figures.of_account(bot.pk, now=now + 56 * MINUTE).next_opening_at == until
        settings.DISCORD_DM_OPENS_PER_HOUR = 0
        assert figures.of_account(bot.pk, now=now).next_opening_at is None


class TestTroubles:
    """What the check-up of the bot says."""

    def test_are_none_while_all_is_well(self, bot: Account) -> None:
        refuse(999)
        assert check(now=timezone.now()).status == "ok"

    def test_name_who_stopped_it_and_what_waits(self, bot: Account) -> None:
        now = timezone.now()
        make_reply(make_conversation(bot, make_person()))
        controls.stop(bot.pk, by="ann", reason="wrong template", now=now)
        found = check(now=timezone.now())
        assert found.status == "degraded"
        since = f"{now:%Y-%m-%d %H:%M} UTC"
        assert found.detail == f"Stopped by ann since {since} (wrong template): 1 message waits."
        assert figures.of_account(bot.pk, now=now).state == "stopped"

    @pytest.mark.parametrize(
        ("number", "state", "words"),
        [(1000, "slowed down", "one request a second"), (5000, "held back", "nothing is sent until")],
    )
    def test_warn_before_discord_bars_the_address(self, bot: Account, number: int, state: str, words: str) -> None:
        """PEERS 4."""
        refuse(number)
        now = timezone.now()
        found = check(now=now)
        assert found.status == "degraded"
        assert f"{number:,} requests" in found.detail
        assert words in found.detail
        assert figures.of_account(bot.pk, now=now).state == state

    def test_tell_that_discord_wants_no_new_channels(self, bot: Account) -> None:
        """PEERS 1."""
        now = timezone.now()
        until = openings.trip(bot.pk, reason="You are opening direct messages too fast.", now=now)
        found = check(now=now)
        assert found.status == "degraded"
        assert f"before {until:%Y-%m-%d %H:%M} UTC" in found.detail
        assert "You are opening direct messages too fast." in found.detail
        assert check(now=timezone.now()).status == "degraded"

    def test_tell_when_many_openings_are_refused(self, bot: Account) -> None:
        now = timezone.now()
        for user in range(8):
            opened(bot.pk, user, at=now, success=user > 1, code="" if user > 1 else "40003")
        detail = check(now=now).detail
        assert "refused 2 of the last 8" in detail
        for user in range(8, 10):
            opened(bot.pk, user, at=now)
        assert check(now=now).status == "ok"  # two of ten are a fifth, and no more

    def test_name_the_bot_where_there_are_several(self, bot: Account) -> None:
        other, now = make_bot(), timezone.now()
        Account.objects.filter(pk=other.pk).update(display_name="Second")
        BotHeartbeat.objects.create(process="host:2", account=other, is_connected=True, beat_at=now)
        controls.stop(other.pk, by="ann", now=now)
        assert check(now=timezone.now()).detail.startswith("Second: Stopped by ann")
