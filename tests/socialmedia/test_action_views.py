"""The seed's views and its function of actions. ORIGINS sections 2.4, 2.5, W16; section 8, number 23."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from socialmedia import actions, limits, rules
from socialmedia.limits import DailyLimit
from socialmedia.models import AutomationAction, DailyActionCount, HourlyActionCount, SystemSetting
from tests.concurrency import at_once
from tests.socialmedia.factories import make_action, make_tiktok_account

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def asked(sql: str, *values: object) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.fetchall()


def may(account_id: int | None, kind: str = "like", most: int | None = None) -> bool:
    """What the function says to whoever asks by SQL."""
    return bool(asked("SELECT check_rate_limit(%s, %s, %s)", account_id, kind, most)[0][0])


def columns(view: str) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {view} LIMIT 0")  # noqa: S608 - our own names
        return [column.name for column in cursor.description]


@pytest.mark.django_db
class TestDailyActionCounts:
    def test_has_the_seeds_columns(self) -> None:
        assert columns("daily_action_counts") == [
            *("account_id", "action_date", "action_type", "action_count", "success_count", "failure_count")
        ]

    def test_counts_each_outcome_once_and_unconfirmed_ones_in_neither(self) -> None:
        account = make_tiktok_account("shop")
        for success in (True, True, False, None):
            make_action(account, success=success)
        row = DailyActionCount.objects.get(account=account)
        assert (row.action_type, row.action_count, row.success_count, row.failure_count) == ("like", 4, 2, 1)

    def test_goes_back_seven_days(self) -> None:
        account, now = make_tiktok_account("shop"), timezone.now()
        for days in (0, 7, 8):
            make_action(account, now=now - days * DAY)
        dates = DailyActionCount.objects.values_list("action_date", flat=True)
        assert list(dates) == [now.date(), now.date() - 7 * DAY]

    def test_has_a_group_of_deleted_accounts(self) -> None:
        account = make_tiktok_account("shop")
        for whose in (None, None, account):
            make_action(whose)
        counts = DailyActionCount.objects.values_list("account_id", "action_count")
        assert dict(counts) == {None: 2, account.pk: 1}


@pytest.mark.django_db
class TestHourlyActionDistribution:
    def test_has_the_seeds_columns(self) -> None:
        assert columns("hourly_action_distribution") == ["account_id", "action_type", "action_hour", "action_count"]

    def test_pools_thirty_days(self) -> None:
        account, now = make_tiktok_account("shop"), timezone.now()
        for days, hour in ((0, 9), (30, 9), (31, 9), (1, 10)):
            make_action(account, now=now - days * DAY, action_hour=hour)
        make_action(None, action_hour=9)
        counts = HourlyActionCount.objects.values_list("account_id", "action_hour", "action_count")
        assert set(counts) == {(account.pk, 9, 2), (account.pk, 10, 1), (None, 9, 1)}


@pytest.mark.django_db
class TestCheckRateLimit:
    def test_counts_failures_once_and_unconfirmed_ones_too(self) -> None:
        account = make_tiktok_account("shop")
        for success in (True, False, None):
            assert may(account.pk, most=3)
            make_action(account, success=success)
        assert not may(account.pk, most=3)
        assert may(account.pk, most=4)

    def test_takes_the_limits_of_the_setting(self) -> None:
        account, now = make_tiktok_account("shop"), timezone.now()
        rules.change(rules.RATE_LIMITS, {"like": {"daily": 2}, "comment": {"hourly": 1}}, by="ann", now=now)
        make_action(account)
        assert may(account.pk)
        make_action(account)
        assert not may(account.pk)
        assert may(account.pk, most=3)
        make_action(account, "comment")
        assert not may(account.pk, "comment", most=1_000)

    def test_takes_a_hundred_for_what_the_setting_does_not_name(self) -> None:
        account = make_tiktok_account("shop")
        make_actions(account.pk, "view", 99)
        assert may(account.pk, "view")
        make_actions(account.pk, "view", 1)
        assert not may(account.pk, "view")

    def test_allows_nothing_by_a_limit_of_nothing(self) -> None:
        assert not may(make_tiktok_account("shop").pk, most=0)

    def test_counts_without_an_account_what_has_none(self) -> None:
        make_action(make_tiktok_account("shop"))
        assert may(None, most=1)
        make_action(None)
        assert not may(None, most=1)

    def test_forgets_the_day_before_but_not_the_hour(self) -> None:
        account, noon = make_tiktok_account("shop", timezone="Asia/Tokyo"), timezone.now().replace(hour=12, minute=0)
        make_action(account, now=noon)
        at = "SELECT check_rate_limit(%s, 'like', 1, 'UTC', %s)"
        assert asked(at, account.pk, noon + timedelta(hours=2, minutes=59)) == [(False,)]
        assert asked(at, account.pk, noon + 3 * HOUR) == [(True,)]  # midnight in Tokyo
        rules.change(rules.RATE_LIMITS, {"like": {"hourly": 1}}, by="ann", now=noon)
        make_action(account, now=noon + timedelta(hours=2, minutes=30))
        assert asked(at, account.pk, noon + 3 * HOUR) == [(False,)]

    @pytest.mark.parametrize("value", [[], 7, {"like": 5}, {"like": {"daily": "many"}}, {"like": {"hourly": []}}])
    def test_names_a_broken_setting(self, value: Any) -> None:
        account = make_tiktok_account("shop")
        SystemSetting.objects.filter(pk=rules.RATE_LIMITS).update(setting_value=value)
        with pytest.raises(DatabaseError, match="The setting automation_rate_limits is broken at 'like'"):
            may(account.pk, most=5)

    def test_gives_a_raw_row_its_day(self) -> None:
        account = make_tiktok_account("shop")
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO automation_actions (account_id, action_type) VALUES (%s, 'like')", [account.pk])
        row = AutomationAction.objects.get()
        assert (row.action_date, row.action_hour) == (row.created_at.date(), row.created_at.hour)


@pytest.mark.django_db(transaction=True)
class TestCheckRateLimitAtOnce:
    def test_gives_fifty_takers_ten_places(self) -> None:
        account_id = make_tiktok_account("shop").pk

        def take(_: int) -> bool:
            with transaction.atomic():
                if is_allowed := may(account_id, most=10):
                    asked(
                        "INSERT INTO automation_actions (account_id, action_type) VALUES (%s, 'like') RETURNING 1",
                        account_id,
                    )
            return is_allowed

        assert at_once(50, take).count(True) == 10
        assert AutomationAction.objects.count() == 10

    def test_gives_takers_by_sql_and_the_programs_ten_together(self) -> None:
        account, now = make_tiktok_account("shop"), timezone.now()

        def take(index: int) -> bool:
            if index % 2:
                place = {"account_id": account.pk, "action_type": "like", "platform": "tiktok", "now": now}
                return isinstance(limits.reserve(**place, limits=[DailyLimit(10)]), AutomationAction)
            with transaction.atomic():
                if is_allowed := may(account.pk, most=10):
                    make_action(account, now=now)
            return is_allowed

        assert at_once(30, take).count(True) == 10

    def test_refuses_a_snapshot_that_cannot_see_the_others(self) -> None:
        account = make_tiktok_account("shop")

        @transaction.atomic
        def ask_too_late() -> None:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            may(account.pk)

        with pytest.raises(DatabaseError, match="READ COMMITTED, not REPEATABLE READ"):
            ask_too_late()
        assert actions.may(account, "like", now=timezone.now())


def make_actions(account_id: int, kind: str, number: int) -> None:
    """Many of them."""
    now = timezone.now()
    row = {"account_id": account_id, "action_type": kind, "action_date": now.date(), "action_hour": now.hour}
    AutomationAction.objects.bulk_create(AutomationAction(**row, created_at=now) for _ in range(number))
