"""What is done in an account's name. ORIGINS section 8, numbers 23 and 28."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from socialmedia import actions, rules
from socialmedia.actions import LimitReached
from socialmedia.models import Account, ActionType, AutomationAction, SystemSetting
from socialmedia.rules import BrokenSetting
from tests.concurrency import at_once
from tests.socialmedia.factories import make_tiktok_account

NOW = datetime(2026, 5, 4, 21, 40, tzinfo=UTC)
"""23:40 in Berlin."""
MIDNIGHT = datetime(2026, 5, 4, 22, tzinfo=UTC)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


@pytest.fixture
def account(db: None) -> Account:
    """One of ours, in Berlin."""
    return make_tiktok_account("shop", timezone="Europe/Berlin")


def allow(**limits: dict[str, int]) -> None:
    """Set the limits."""
    rules.change(rules.RATE_LIMITS, limits, by="ann", now=NOW)


def like(account: Account, *, at: datetime = NOW, **details: Any) -> AutomationAction:
    return actions.begin(account=account, action_type=ActionType.LIKE, now=at, **details)


class TestBegin:
    @pytest.mark.django_db(transaction=True)
    def test_gives_eight_at_once_five_places(self) -> None:
        """ORIGINS section 8, number 23; by the seed's own limit of comments."""
        account = make_tiktok_account("shop")

        def comment(_: int) -> str:
            try:
                actions.begin(account=account, action_type=ActionType.COMMENT, now=NOW)
            except LimitReached as refusal:
                return str(refusal)
            return ""

        taken = at_once(8, comment)
        assert taken.count("") == 5
        refused = "shop (TikTok) may not comment now: it did 5 of 5 in the last 60 minutes."
        assert taken.count(f"{refused} The next is free on Mon 2026-05-04 22:40 UTC (+00:00).") == 3
        assert AutomationAction.objects.count() == 5

    def test_says_what_is_used_and_when_the_next_day_begins(self, account: Account) -> None:
        allow(like={"daily": 1, "hourly": 5})
        like(account)
        with pytest.raises(LimitReached) as refusal:
            like(account)
        assert refusal.value.free_at == MIDNIGHT
        assert str(refusal.value) == (
            "shop (TikTok) may not like now: it did 1 of 1 on 2026-05-04. "
            "The next is free on Tue 2026-05-05 00:00 CEST (+02:00)."
        )
        like(account, at=MIDNIGHT)

    def test_says_that_it_is_never_allowed(self, account: Account) -> None:
        allow(like={"daily": 0})
        with pytest.raises(LimitReached, match=r"shop \(TikTok\) may not like at all: its limit is 0\.") as refusal:
            like(account)
        assert refusal.value.free_at is None

    def test_writes_down_what_it_is(self, account: Account) -> None:
        details = {
            "target_type": "video",
            "target_id": "7301",
            "target_username": "ada",
            "target_url": "https://www.tiktok.com/@ada/video/7301",
            "content_text": "100% 'lovely' 🎉",
            "triggered_by": "workflow",
        }
        action = like(account, **details)
        assert {name: getattr(action, name) for name in details} == details
        assert (action.account_username, action.platform, action.success) == ("shop", "tiktok", None)
        assert (str(action.action_date), action.action_hour) == ("2026-05-04", 23)

    def test_counts_what_was_never_confirmed_and_what_failed(self, account: Account) -> None:
        allow(like={"hourly": 2})
        like(account)
        actions.finish(like(account), success=False, error_code="403", now=NOW)
        with pytest.raises(LimitReached, match="2 of 2"):
            like(account)

    def test_limits_nothing_that_the_setting_does_not_name(self, account: Account) -> None:
        allow(like={"hourly": 1})
        for _ in range(30):
            actions.begin(account=account, action_type=ActionType.VIEW, now=NOW)
        assert actions.limits_of(ActionType.VIEW) == []

    def test_does_nothing_by_a_broken_setting(self, account: Account) -> None:
        SystemSetting.objects.filter(pk=rules.RATE_LIMITS).update(setting_value={"like": {"daily": "all"}})
        with pytest.raises(BrokenSetting, match="automation_rate_limits"):
            like(account)
        with pytest.raises(BrokenSetting, match="automation_rate_limits"):
            actions.may(account, "like", now=NOW)
        assert not AutomationAction.objects.exists()


class TestFinish:
    def test_notes_the_outcome_and_how_long_it_took(self, account: Account) -> None:
        action = like(account)
        actions.finish(
            action, success=False, error_code="x" * 60, error_message="no", now=NOW + timedelta(milliseconds=1500)
        )
        action.refresh_from_db()
        assert (action.success, action.error_code, action.error_message) == (False, "x" * 50, "no")
        assert action.execution_time_ms == 1500

    def test_takes_any_time(self, account: Account) -> None:
        action = like(account)
        for later, took in ((timedelta(days=60), 2**31 - 1), (-HOUR, 0)):
            actions.finish(action, success=True, now=NOW + later)
            action.refresh_from_db()
            assert action.execution_time_ms == took


class TestSettle:
    def test_writes_down_what_a_person_says_and_keeps_the_place(self, account: Account) -> None:
        allow(like={"hourly": 2})
        done, undone = like(account), like(account)
        assert actions.settle(done.pk, success=True, by="ann")
        assert actions.settle(undone.pk, success=False, by="ann")
        rows = AutomationAction.objects.order_by("pk").values_list("success", "error_code", "error_message")
        assert list(rows) == [(True, "", ""), (False, "settled", "ann says that it was not done.")]
        with pytest.raises(LimitReached):
            like(account)

    def test_leaves_what_is_known(self, account: Account) -> None:
        action = like(account)
        actions.finish(action, success=True, now=NOW)
        assert not actions.settle(action.pk, success=False, by="ann")
        action.refresh_from_db()
        assert action.success


@pytest.mark.django_db
class TestMay:
    def test_says_what_begin_would(self, account: Account) -> None:
        allow(like={"daily": 2, "hourly": 1}, comment={"daily": 0})
        assert actions.may(account, "like", now=NOW)
        like(account)
        assert not actions.may(account, "like", now=NOW)
        assert not actions.may(account, "like", now=NOW + HOUR - MINUTE)
        assert actions.may(account, "like", now=NOW + HOUR)
        assert not actions.may(account, "comment", now=NOW)

    def test_knows_the_accounts_day(self, account: Account) -> None:
        allow(like={"daily": 1})
        like(account)
        assert not actions.may(account, "like", now=MIDNIGHT - MINUTE)
        assert actions.may(account, "like", now=MIDNIGHT)

    def test_knows_the_communitys_day(self, settings: Any) -> None:
        settings.SCHEDULER_TIMEZONE = "Europe/Berlin"
        for zone in ("", "Mars/Base"):
            account = make_tiktok_account(f"of {zone}", timezone=zone)
            allow(like={"daily": 1})
            like(account)
            assert not actions.may(account, "like", now=MIDNIGHT - MINUTE)
            assert actions.may(account, "like", now=MIDNIGHT)

    def test_has_no_limit_where_the_setting_has_none(self, account: Account) -> None:
        for _ in range(101):
            actions.begin(account=account, action_type=ActionType.VIEW, now=NOW)
        assert actions.may(account, "view", now=NOW)


class TestDeletedAccount:
    """ORIGINS section 8, number 28."""

    def test_keeps_its_log(self, account: Account) -> None:
        like(account)
        account.delete()
        action = AutomationAction.objects.get()
        assert (action.account, action.account_username, action.platform) == (None, "shop", "tiktok")

    def test_keeps_its_log_when_it_is_deleted_by_sql(self, account: Account) -> None:
        like(account)
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM social_media_accounts WHERE id = %s", [account.pk])
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        action = AutomationAction.objects.get()
        assert (action.account, action.account_username, action.platform) == (None, "shop", "tiktok")
