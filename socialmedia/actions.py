"""What is done in an account's name: a place within its limits is taken before, and the outcome noted afterwards."""

from datetime import datetime, timedelta
from typing import Final

from django.db import connection

from jobs import timing
from socialmedia import conf, limits, rules, zones
from socialmedia.limits import AnyLimit, DailyLimit, Full, Limit
from socialmedia.models import Account, ActionType, AutomationAction
from socialmedia.rules import Allowance

HOUR: Final = timedelta(hours=1)

SETTLED: Final = "settled"
"""The code of an action that failed because a person says so."""
UNLIMITED: Final = 2**31 - 1
LONGEST_MS: Final = 2**31 - 1


class LimitReached(Exception):
    """The account did as much of this as its limits allow. `free_at` is when the next may be done; None: never."""

    def __init__(self, message: str, *, free_at: datetime | None) -> None:
        super().__init__(message)
        self.free_at = free_at


def begin(
    *,
    account: Account,
    action_type: ActionType,
    target_type: str = "",
    target_id: str = "",
    target_username: str = "",
    target_url: str = "",
    content_text: str = "",
    triggered_by: str = "manual",
    is_part: bool = False,
    now: datetime,
) -> AutomationAction:
    """Take a place in the account's log before it acts. Must not be called inside a transaction, unless it `is_part`
    of one before whose end nothing is done.

    Raises:
        LimitReached: no place is free. Nothing was written.
        BrokenSetting: nobody knows how many there are. Nothing was written.
    """
    taken = limits.reserve(
        account_id=account.pk,
        action_type=action_type,
        limits=limits_of(action_type),
        platform=account.platform,
        target_type=target_type,
        target_id=target_id,
        target_username=target_username,
        target_url=target_url,
        content_text=content_text,
        triggered_by=triggered_by,
        is_part=is_part,
        now=now,
    )
    if isinstance(taken, Full):
        raise LimitReached(_refusal(account, action_type, taken, now=now), free_at=taken.free_at)
    return taken


def finish(
    action: AutomationAction, *, success: bool, error_code: str = "", error_message: str = "", now: datetime
) -> None:
    """Write down what became of it. It keeps its place, whatever that was. Who did it knows better than who looked at
    it meanwhile: this goes over what `settle` wrote.
    """
    took = round((now - action.created_at) / timedelta(milliseconds=1))
    AutomationAction.objects.filter(pk=action.pk).update(
        success=success,
        error_code=error_code[:50],
        error_message=error_message,
        execution_time_ms=min(max(took, 0), LONGEST_MS),
    )


def settle(action_id: int, *, success: bool, by: str, reason: str = "") -> bool:
    """Write down what a person says became of it. False, and nothing changed, when it is known by now."""
    problem = "" if success else reason or f"{by} says that it was not done."
    unknown = AutomationAction.objects.filter(pk=action_id, success=None)
    return bool(unknown.update(success=success, error_code="" if success else SETTLED, error_message=problem))


def may(account: Account, action_type: str, *, now: datetime) -> bool:
    """Whether one more would be allowed now. Only `begin` makes sure of it.

    Raises:
        BrokenSetting: nobody knows.
    """
    return is_within(account, action_type, rules.rate_limits().get(action_type, Allowance()), now=now)


def is_within(account: Account, action_type: str, allowed: Allowance, *, now: datetime) -> bool:
    """Whether the account did less than this: what the database's own function says."""
    most = UNLIMITED if allowed.daily is None else allowed.daily
    with connection.cursor() as cursor:
        values = (account.pk, action_type, most, conf.default_zone(), now)
        cursor.execute("SELECT check_rate_limit(%s, %s, %s, %s, %s)", values)
        return bool(cursor.fetchone()[0])


def limits_of(action_type: str) -> list[AnyLimit]:
    """Return the limits that the settings give a kind of action; none for a kind that they do not name.

    Raises:
        BrokenSetting: nobody knows.
    """
    return as_limits(rules.rate_limits().get(action_type, Allowance()))


def as_limits(allowed: Allowance) -> list[AnyLimit]:
    """Return what to reserve a place by."""
    hourly: list[AnyLimit] = [] if allowed.hourly is None else [Limit(HOUR, allowed.hourly)]
    daily: list[AnyLimit] = [] if allowed.daily is None else [DailyLimit(allowed.daily)]
    return hourly + daily


def _refusal(account: Account, action_type: str, full: Full, *, now: datetime) -> str:
    """Say which limit it is, how much of it is used, and when the next place is free."""
    who, limit = f"{account} may not {action_type}", full.limit
    if full.free_at is None or limit is None:
        return f"{who} at all: its limit is 0."
    zone = zones.of(account)
    done = limits.used(account_id=account.pk, action_type=action_type, limit=limit, now=now)
    span = f"on {now.astimezone(zone):%Y-%m-%d}" if isinstance(limit, DailyLimit) else "in the last 60 minutes"
    free = timing.in_zone(full.free_at, zone)
    return f"{who} now: it did {done} of {limit.most} {span}. The next is free on {free}."
