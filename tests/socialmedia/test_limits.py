"""Limits as reservations. PEERS section 3, number 13; ORIGINS W16."""

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from socialmedia import limits
from socialmedia.limits import AnyLimit, DailyLimit, Full, Limit
from socialmedia.models import Account, ActionType, AutomationAction
from tests.concurrency import at_once
from tests.socialmedia.factories import make_bot

NOW = datetime(2026, 5, 4, 23, 30, tzinfo=UTC)
MIDNIGHT = datetime(2026, 5, 4, 22, 0, tzinfo=UTC)
"""In Berlin."""
HOUR, DAY, MINUTE = timedelta(hours=1), timedelta(days=1), timedelta(minutes=1)
TEN_AN_HOUR: list[AnyLimit] = [Limit(HOUR, 10)]


def reserve(account_id: int, allowed: list[AnyLimit], *, at: datetime = NOW, kind: str = "open_dm") -> object:
    """None for a place, else when the next one is free."""
    taken = limits.reserve(
        account_id=account_id, action_type=kind, limits=allowed, platform="discord", target_id="1", now=at
    )
    return taken.free_at if isinstance(taken, Full) else None


@pytest.mark.django_db(transaction=True)
class TestReserveAtOnce:
    def test_gives_fifty_takers_ten_places(self) -> None:
        account_id = make_bot().pk
        taken = at_once(50, lambda _: reserve(account_id, TEN_AN_HOUR))
        assert (taken.count(None), taken.count(NOW + HOUR)) == (10, 40)
        assert AutomationAction.objects.count() == 10

    def test_keeps_the_stricter_of_two_limits(self) -> None:
        account_id = make_bot().pk
        at_once(3, lambda _: reserve(account_id, [], at=NOW - 2 * HOUR))
        allowed: list[AnyLimit] = [Limit(HOUR, 10), Limit(DAY, 5)]
        taken = at_once(8, lambda _: reserve(account_id, allowed))
        assert (taken.count(None), taken.count(NOW + 22 * HOUR)) == (2, 6)

    def test_renews_a_place_beside_takers_without_adding_one(self) -> None:
        account_id = make_bot().pk
        for _ in range(5):
            reserve(account_id, TEN_AN_HOUR, at=NOW - 30 * MINUTE)

        def act(index: int) -> object:
            if index % 2:
                return reserve(account_id, TEN_AN_HOUR)
            return limits.renew(
                account_id=account_id, action_type="open_dm", target_type="", target_id="1", within=HOUR, now=NOW
            )

        taken = at_once(30, act)
        assert sum(isinstance(place, AutomationAction) for place in taken) == 15
        assert taken.count(None) == 5
        assert AutomationAction.objects.count() == 10

    def test_gives_eight_takers_five_places_an_hour(self) -> None:
        """ORIGINS section 8, number 23: those that failed count, too."""
        account_id, five = make_bot().pk, [Limit(HOUR, 5)]

        def act(index: int) -> object:
            taken = limits.reserve(
                account_id=account_id, action_type="comment", limits=five, platform="tiktok", now=NOW
            )
            if isinstance(taken, AutomationAction):
                limits.confirm(taken.pk, success=bool(index % 2))
            return taken

        assert sum(isinstance(taken, AutomationAction) for taken in at_once(8, act)) == 5
        assert isinstance(act(0), Full)

    def test_gives_each_side_of_midnight_its_own_places(self) -> None:
        account_id = make_account("Europe/Berlin").pk
        moments = [MIDNIGHT - timedelta(microseconds=1), MIDNIGHT]
        taken = at_once(16, lambda index: reserve(account_id, [DailyLimit(5)], at=moments[index % 2]))
        assert (taken[::2].count(None), taken[1::2].count(None)) == (5, 5)
        assert (taken[::2].count(MIDNIGHT), taken[1::2].count(MIDNIGHT + DAY)) == (3, 3)

    def test_is_kept_when_the_taker_dies(self) -> None:
        """An unconfirmed place counts: perhaps the action was done."""
        account_id = make_bot().pk
        assert at_once(1, lambda _: reserve(account_id, [Limit(HOUR, 1)])) == [None]
        assert reserve(account_id, [Limit(HOUR, 1)]) == NOW + HOUR

    def test_refuses_to_be_taken_back(self) -> None:
        account_id = make_bot().pk
        with pytest.raises(RuntimeError, match="durable"), transaction.atomic():
            reserve(account_id, TEN_AN_HOUR)


@pytest.mark.django_db
class TestReserve:
    def test_rolls(self) -> None:
        account_id, two = make_bot().pk, [Limit(HOUR, 2)]
        assert [reserve(account_id, two, at=NOW + at * MINUTE) for at in (0, 20, 40)] == [None, None, NOW + HOUR]
        assert reserve(account_id, two, at=NOW + HOUR - timedelta(microseconds=1)) == NOW + HOUR
        assert reserve(account_id, two, at=NOW + HOUR) is None
        assert reserve(account_id, two, at=NOW + HOUR) == NOW + 80 * MINUTE

    def test_is_never_free_with_a_limit_of_nothing(self) -> None:
        account_id = make_bot().pk
        taken = limits.reserve(
            account_id=account_id,
            action_type="open_dm",
            limits=[Limit(HOUR, 10), Limit(DAY, 0)],
            platform="discord",
            now=NOW,
        )
        assert taken == Full(None)
        assert not AutomationAction.objects.exists()

    def test_counts_each_account_and_kind_apart(self) -> None:
        one, other, single = make_bot().pk, make_bot().pk, [Limit(DAY, 1)]
        assert reserve(one, single) is None
        assert reserve(one, single, kind="message") is None
        assert reserve(other, single) is None
        assert reserve(one, single) == NOW + DAY

    def test_writes_the_day_and_hour_of_the_account(self) -> None:
        local = NOW.astimezone(tz=None)
        reserve(make_bot().pk, TEN_AN_HOUR, at=local)
        action = AutomationAction.objects.get()
        assert (action.action_date, action.action_hour, action.created_at) == (NOW.date(), 23, NOW)
        assert (action.success, action.platform, action.target_id) == (None, "discord", "1")

    def test_does_not_look_at_the_rest_of_a_long_log(self) -> None:
        account_id = make_bot().pk
        make_log(account_id, 20_000)
        plan = explained(account_id)
        # For 10 an hour and 40 a day it reads 10 and 40 entries: 25 on average.
        assert re.search(r"Index Only Scan Backward using idx_actions_recent .*rows=25(\.00)? loops=2", plan), plan

    @settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(minutes=st.lists(st.integers(0, 300), max_size=14), most=st.integers(1, 4), most_of_day=st.integers(1, 6))
    def test_allows_no_span_more_than_its_most(self, minutes: list[int], most: int, most_of_day: int) -> None:
        account_id = make_bot().pk
        allowed = [Limit(HOUR, most), Limit(3 * HOUR, most_of_day)]
        for minute in sorted(minutes):
            at = NOW + minute * MINUTE
            free_at = reserve(account_id, [*allowed], at=at)
            assert free_at is None or free_at > at
        times = list(AutomationAction.objects.filter(account_id=account_id).values_list("created_at", flat=True))
        for limit in allowed:
            for end in times:
                assert sum(end - limit.span < time <= end for time in times) <= limit.most


@pytest.mark.django_db
class TestDailyLimit:
    def test_begins_anew_at_the_accounts_midnight(self) -> None:
        """ORIGINS section 8, number 23."""
        account_id, two = make_account("Europe/Berlin").pk, [DailyLimit(2)]
        for at in (MIDNIGHT - 20 * HOUR, MIDNIGHT - MINUTE):
            assert reserve(account_id, [*two], at=at) is None
        assert reserve(account_id, [*two], at=MIDNIGHT - timedelta(microseconds=1)) == MIDNIGHT
        assert reserve(account_id, [*two], at=MIDNIGHT) is None
        days = AutomationAction.objects.order_by("created_at").values_list("action_date", "action_hour")
        assert list(days) == [(date(2026, 5, 4), 4), (date(2026, 5, 4), 23), (date(2026, 5, 5), 0)]

    @pytest.mark.parametrize(("day", "hours"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25)])
    def test_is_as_long_as_the_day(self, day: date, hours: int) -> None:
        account_id, begins = (
            make_account("Europe/Berlin").pk,
            datetime.combine(day, time.min, ZoneInfo("Europe/Berlin")),
        )
        begins = begins.astimezone(UTC)
        assert reserve(account_id, [DailyLimit(1)], at=begins) is None
        assert reserve(account_id, [DailyLimit(1)], at=begins + hours * HOUR - MINUTE) == begins + hours * HOUR
        assert reserve(account_id, [DailyLimit(1)], at=begins + hours * HOUR) is None

    @pytest.mark.parametrize("zone", ["", "Mars/Base", "../etc/passwd"])
    def test_is_the_communitys_day_without_a_known_zone(self, zone: str, settings: Any) -> None:
        settings.SCHEDULER_TIMEZONE = "Asia/Tokyo"
        account_id = make_account(zone).pk
        assert reserve(account_id, [DailyLimit(1)], at=NOW) is None
        assert reserve(account_id, [DailyLimit(1)], at=NOW) == datetime(2026, 5, 5, 15, tzinfo=UTC)

    def test_waits_for_the_later_of_hour_and_day(self) -> None:
        account_id, both = make_account("Europe/Berlin").pk, [Limit(HOUR, 1), DailyLimit(1)]
        assert reserve(account_id, [*both], at=MIDNIGHT - 30 * MINUTE) is None
        assert reserve(account_id, [*both], at=MIDNIGHT - 20 * MINUTE) == MIDNIGHT + 30 * MINUTE

    def test_says_which_limit_it_is_and_how_much_is_used(self) -> None:
        account_id, both = make_account("Europe/Berlin").pk, [Limit(HOUR, 5), DailyLimit(1)]
        place: dict[str, Any] = {"account_id": account_id, "action_type": "like", "now": NOW}
        limits.reserve(**place, limits=both, platform="tiktok")
        full = limits.reserve(**place, limits=both, platform="tiktok")
        assert isinstance(full, Full)
        assert full.limit == DailyLimit(1)
        assert [limits.used(**place, limit=limit) for limit in both] == [1, 1]
        later = {**place, "now": NOW + DAY}
        assert [limits.used(**later, limit=limit) for limit in both] == [0, 0]


@pytest.mark.django_db
class TestLook:
    def test_says_what_reserve_would_and_takes_nothing(self) -> None:
        account_id, one = make_bot().pk, [Limit(HOUR, 1)]
        asked = {"account_id": account_id, "action_type": "open_dm", "limits": one, "now": NOW}
        assert limits.look(**asked) is None
        assert not AutomationAction.objects.exists()
        reserve(account_id, one)
        assert limits.look(**asked) == Full(NOW + HOUR)
        assert limits.look(**{**asked, "limits": [Limit(HOUR, 0)]}) == Full(None)


@pytest.mark.django_db
class TestConfirm:
    @pytest.mark.parametrize("success", [True, False])
    def test_keeps_the_place(self, success: bool) -> None:
        account_id, one = make_bot().pk, [Limit(HOUR, 1)]
        reserve(account_id, one)
        action = AutomationAction.objects.get()
        limits.confirm(action.pk, success=success, error_code="5" * 60, error_message="no")
        action.refresh_from_db()
        assert (action.success, action.error_code, action.error_message) == (success, "5" * 50, "no")
        assert reserve(account_id, one) == NOW + HOUR


def make_account(zone: str) -> Account:
    """One of ours, with a zone."""
    account = make_bot()
    Account.objects.filter(pk=account.pk).update(timezone=zone)
    return account


def make_log(account_id: int, size: int) -> None:
    """Actions of this account and kind, one each minute back from now."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO automation_actions (account_id, action_type, platform, action_date, action_hour, created_at) "
            "SELECT %s, %s, 'discord', '2026-01-01', 0, %s - n * interval '1 minute' FROM generate_series(1, %s) AS n",
            [account_id, ActionType.OPEN_DM, NOW, size],
        )
        cursor.execute("ANALYZE automation_actions")


def explained(account_id: int) -> str:
    """How PostgreSQL looks for the next place."""
    values = {
        **limits._question(account_id, "open_dm", [Limit(HOUR, 10), Limit(DAY, 40)], now=NOW),
        **limits._NO_DETAILS,
        "platform": "",
        "is_taking": False,
    }
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, TIMING OFF, COSTS OFF) {limits._RESERVE}", values)
        return "\n".join(row[0] for row in cursor.fetchall())
