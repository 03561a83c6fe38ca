"""The budget of new private channels. PEERS 1: bots get quarantined for opening them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bots.governor import controls, openings
from bots.models import BotControl
from socialmedia.models import AutomationAction
from tests.concurrency import at_once
from tests.socialmedia.factories import make_bot

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
QUARANTINED = (
    "Your bot has been flagged by our anti-spam system for abusive behavior. While your bot is quarantined, it is "
    "unable to join any more guilds, or send any direct messages to users it has not messaged before."
)


def opened(account_id: int, user_id: object, *, at: datetime = NOW, success: bool = True, code: str = "") -> None:
    """Open a channel and say how it went."""
    assert openings.reserve(account_id, user_id=str(user_id), now=at) is None
    openings.settle(account_id, user_id=str(user_id), success=success, code=code, now=at)


@pytest.fixture
def bot(db: None) -> int:
    """A bot's account."""
    return make_bot().pk


@pytest.fixture(autouse=True)
def _budget(settings: Any) -> None:
    settings.DISCORD_DM_OPENS_PER_HOUR, settings.DISCORD_DM_OPENS_PER_DAY = 3, 5


class TestReserve:
    def test_keeps_the_hour_and_the_day(self, bot: int) -> None:
        for user in range(3):
            opened(bot, user, at=NOW + user * MINUTE)
        assert openings.reserve(bot, user_id="9", now=NOW + 3 * MINUTE) == NOW + HOUR
        opened(bot, 3, at=NOW + HOUR)
        opened(bot, 4, at=NOW + HOUR + MINUTE)
        assert openings.reserve(bot, user_id="9", now=NOW + 3 * HOUR) == NOW + DAY
        assert openings.reserve(bot, user_id="9", now=NOW + DAY) is None

    @pytest.mark.django_db(transaction=True)
    def test_is_shared_by_all_processes(self) -> None:
        account_id = make_bot().pk
        answers = at_once(12, lambda user: openings.reserve(account_id, user_id=str(user), now=NOW))
        assert (answers.count(None), answers.count(NOW + HOUR)) == (3, 9)

    def test_goes_ahead_in_its_place_after_a_crash(self, bot: int, settings: Any) -> None:
        settings.DISCORD_DM_OPENS_PER_DAY = 100
        for user in ("1", "2", "3"):
            assert openings.reserve(bot, user_id=user, now=NOW) is None
        assert openings.reserve(bot, user_id="2", now=NOW + 30 * MINUTE) is None
        assert openings.used(bot, now=NOW + 30 * MINUTE) == (3, 3)
        # It counts from the later try: Discord may have seen that one only.
        assert openings.reserve(bot, user_id="4", now=NOW + HOUR) is None
        assert openings.reserve(bot, user_id="5", now=NOW + HOUR) is None
        assert openings.reserve(bot, user_id="6", now=NOW + HOUR) == NOW + 90 * MINUTE

    def test_takes_a_new_place_for_one_that_was_settled_or_is_old(self, bot: int) -> None:
        opened(bot, 1, success=False, code="40003")
        assert openings.reserve(bot, user_id="1", now=NOW) is None
        assert openings.used(bot, now=NOW) == (2, 2)
        assert openings.reserve(bot, user_id="1", now=NOW + HOUR) is None
        assert openings.used(bot, now=NOW + HOUR) == (1, 3)

    def test_never_opens_with_a_budget_of_nothing(self, bot: int, settings: Any) -> None:
        settings.DISCORD_DM_OPENS_PER_HOUR = 0
        assert openings.reserve(bot, user_id="1", now=NOW) == NOW + DAY
        assert openings.free_at(bot, now=NOW) is None
        assert not AutomationAction.objects.exists()


class TestSettle:
    def test_writes_down_what_became_of_it(self, bot: int) -> None:
        opened(bot, 1)
        opened(bot, 2, success=False, code="50007")
        rows = AutomationAction.objects.order_by("pk").values_list("target_id", "success", "error_code")
        assert list(rows) == [("1", True, ""), ("2", False, "50007")]

    @pytest.mark.parametrize("code", ["", "0", "TimeoutError", "NotSent", "RateLimited"])
    def test_leaves_what_discord_did_not_say_to_the_next_try(self, bot: int, code: str) -> None:
        """An outage must not use up the budget."""
        for minute in range(10):
            opened(bot, 1, success=False, code=code, at=NOW + minute * MINUTE)
        assert openings.used(bot, now=NOW + 10 * MINUTE) == (1, 1)
        assert openings.refused(bot) == (0, 0)

    def test_of_nobody_known_changes_nothing(self, bot: int) -> None:
        openings.settle(bot, user_id="1", success=True, now=NOW)
        assert not AutomationAction.objects.exists()


class TestTrip:
    def test_lasts_twice_as_long_each_time_in_a_row(self, bot: int) -> None:
        at, pauses = NOW, []
        for _ in range(10):
            until = openings.trip(bot, reason="You are opening direct messages too fast", now=at)
            pauses.append((until - at) / MINUTE)
            at = until
        assert pauses == [10, 20, 40, 80, 160, 320, 640, 1280, 1440, 1440]

    def test_stops_all_openings_until_then_without_taking_places(self, bot: int) -> None:
        until = openings.trip(bot, reason="too fast", now=NOW)
        assert until == NOW + 10 * MINUTE
        assert openings.reserve(bot, user_id="1", now=until - timedelta(seconds=1)) == until
        assert not AutomationAction.objects.exists()
        assert openings.reserve(bot, user_id="1", now=until) is None

    def test_counts_once_for_openings_that_were_under_way_together(self, bot: int) -> None:
        first = openings.trip(bot, reason="too fast", now=NOW)
        assert openings.trip(bot, reason="too fast", now=NOW + timedelta(seconds=1)) == first
        assert BotControl.objects.get(pk=bot).trips == 1

    @pytest.mark.django_db(transaction=True)
    def test_counts_once_when_two_processes_hear_it_at_once(self) -> None:
        account_id = make_bot().pk
        ends = at_once(6, lambda _: openings.trip(account_id, reason="too fast", now=NOW))
        assert set(ends) == {NOW + 10 * MINUTE}
        assert BotControl.objects.get(pk=account_id).trips == 1

    def test_is_forgiven_by_a_success_after_the_pause_only(self, bot: int) -> None:
        assert openings.reserve(bot, user_id="1", now=NOW) is None
        until = openings.trip(bot, reason="too fast", now=NOW)
        openings.settle(bot, user_id="1", success=True, now=NOW + MINUTE)  # it was under way
        assert openings.reserve(bot, user_id="2", now=NOW + 2 * MINUTE) == until
        assert BotControl.objects.get(pk=bot).trips == 1
        opened(bot, 2, at=until)
        assert BotControl.objects.get(pk=bot).trips == 0
        assert controls.of_account(bot).opening_paused_until is None
        assert openings.trip(bot, reason="too fast", now=until) == until + 10 * MINUTE

    def test_leaves_the_kill_switch_as_it_is(self, bot: int) -> None:
        controls.stop(bot, by="ann", now=NOW)
        openings.trip(bot, reason="too fast", now=NOW)
        found = controls.of_account(bot)
        assert (found.stopped_by, found.opening_pause_reason) == ("ann", "too fast")


class TestIsRefusal:
    def test_knows_what_discord_says_to_those_who_open_too_many(self) -> None:
        assert openings.is_refusal(40003)
        assert openings.is_refusal(20026)
        assert openings.is_refusal(0, QUARANTINED)

    def test_leaves_out_what_a_member_chose(self) -> None:
        assert not openings.is_refusal(50007, "Cannot send messages to this user")
        assert not openings.is_refusal(50278, "Cannot send messages to this user due to having no mutual guilds")


class TestRefused:
    def test_is_of_the_last_whose_outcome_is_known_and_discords(self, bot: int, settings: Any) -> None:
        settings.DISCORD_DM_OPENS_PER_HOUR = settings.DISCORD_DM_OPENS_PER_DAY = 100
        opened(bot, 0, success=False, code="40003", at=NOW)  # long ago
        for user in range(1, 20):
            opened(bot, user, at=NOW + user * MINUTE)
        opened(bot, 20, success=False, code="50007", at=NOW + 30 * MINUTE)
        opened(bot, 21, success=False, code="40003", at=NOW + 31 * MINUTE)
        assert openings.reserve(bot, user_id="22", now=NOW + 32 * MINUTE) is None
        assert openings.refused(bot) == (1, 20)
