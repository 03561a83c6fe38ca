"""Limits as reservations: a place is taken before an action is done, so that no number of workers exceeds a limit.

An hour is any 60 minutes: by the hours of a clock, twice as much could be done within minutes around a full hour, and
networks look at the pace. A day is the account's own, from midnight to midnight in its zone, as networks and people
count it. What failed counts, too, and what nobody confirmed: both may have reached the network.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, TypedDict, Unpack
from zoneinfo import ZoneInfo

from django.db import connection, transaction

from socialmedia import zones
from socialmedia.models import Account, AutomationAction

_RESERVE: Final = (Path(__file__).parent / "sql" / "reserve_action_v1.sql").read_text()


@dataclass(frozen=True)
class Limit:
    """At most `most` actions of one kind by one account in any span of this length."""

    span: timedelta
    most: int


@dataclass(frozen=True)
class DailyLimit:
    """At most `most` actions of one kind by one account on one day of its zone."""

    most: int


AnyLimit = Limit | DailyLimit


@dataclass(frozen=True)
class Full:
    """No place is free before `free_at`; None: never, the limit is 0."""

    free_at: datetime | None
    limit: AnyLimit | None = field(default=None, compare=False)
    """The one that says so."""


class Details(TypedDict, total=False):
    """What the log says of an action, besides its kind."""

    target_type: str
    target_id: str
    target_username: str
    target_url: str
    content_text: str
    triggered_by: str


_NO_DETAILS: Final = dict.fromkeys(Details.__annotations__, "")


def reserve(
    *,
    account_id: int,
    action_type: str,
    limits: Sequence[AnyLimit],
    platform: str,
    is_part: bool = False,
    now: datetime,
    **details: Unpack[Details],
) -> AutomationAction | Full:
    """Take a place, or say when the next one is free. Of any number at once, no more than the limits allow get one.

    A place is taken for good when this returns, whatever becomes of the action: it must not be called inside a
    transaction, which could still take it back. Unless it `is_part` of one before whose end nothing is done.
    """
    if (never := _never_free(limits)) is not None:
        return never
    row = {"platform": platform, **_NO_DETAILS, **details}
    values = {**_question(account_id, action_type, limits, now=now), **row, "is_taking": True}
    with _turn(account_id, action_type, is_part=is_part):
        taken, free_at, number = _ask(values)
    return Full(free_at, limits[number - 1]) if taken is None else AutomationAction.objects.get(pk=taken)


def look(*, account_id: int, action_type: str, limits: Sequence[AnyLimit], now: datetime) -> Full | None:
    """What `reserve` would say, without taking a place. None: one is free."""
    if (never := _never_free(limits)) is not None:
        return never
    question = _question(account_id, action_type, limits, now=now)
    _, free_at, number = _ask({**question, **_NO_DETAILS, "platform": "", "is_taking": False})
    return Full(free_at, limits[number - 1]) if free_at is not None and free_at > now else None


def used(*, account_id: int, action_type: str, limit: AnyLimit, now: datetime) -> int:
    """How many of a limit's places are taken. By idx_actions_recent."""
    done = AutomationAction.objects.filter(account_id=account_id, action_type=action_type)
    if isinstance(limit, Limit):
        return done.filter(created_at__gt=now - limit.span).count()
    day = zones.day_of(now, _account(account_id)[1])
    return done.filter(created_at__gte=day.start, created_at__lt=day.end).count()


def renew(
    *, account_id: int, action_type: str, target_type: str, target_id: str, within: timedelta, now: datetime
) -> AutomationAction | None:
    """Take an unconfirmed place of the same target once more, as of now, for an action that can be repeated: trying
    again what a crash or the network cut off needs no second place. `within` is the shortest span of the limits: an
    older place is not counted by all of them any more. None when there is no such place.
    """
    when = _when(_account(account_id)[1], now=now)
    with _turn(account_id, action_type):
        open_ones = AutomationAction.objects.filter(
            account_id=account_id,
            action_type=action_type,
            target_type=target_type,
            target_id=target_id,
            success=None,
            created_at__gt=now - within,
        )
        action = open_ones.order_by("-created_at").first()
        if action is not None:
            changes = {"created_at": now, "action_date": when["date"], "action_hour": when["hour"]}
            AutomationAction.objects.filter(pk=action.pk).update(**changes)
    return action


def confirm(action_id: int, *, success: bool, error_code: str = "", error_message: str = "") -> None:
    """Write down what became of a reserved action. It keeps its place, whatever that was."""
    AutomationAction.objects.filter(pk=action_id).update(
        success=success, error_code=error_code[:50], error_message=error_message
    )


def _never_free(limits: Sequence[AnyLimit]) -> Full | None:
    return next((Full(None, limit) for limit in limits if limit.most <= 0), None)


def _account(account_id: int) -> tuple[str, ZoneInfo]:
    """The account's handle and zone, as they are now."""
    known = Account.objects.filter(pk=account_id).values_list("username", "timezone").first()
    username, zone = known or ("", "")
    return username, zones.named(zone)


def _question(account_id: int, action_type: str, limits: Sequence[AnyLimit], *, now: datetime) -> dict[str, Any]:
    username, zone = _account(account_id)
    day = zones.day_of(now, zone)
    is_daily = [isinstance(limit, DailyLimit) for limit in limits]
    return {
        "account_id": account_id,
        "account_username": username,
        "action_type": action_type,
        "mosts": [limit.most for limit in limits],
        "spans": [limit.span if isinstance(limit, Limit) else None for limit in limits],
        "day_starts": [day.start if daily else None for daily in is_daily],
        "day_ends": [day.end if daily else None for daily in is_daily],
        **_when(zone, now=now),
    }


def _when(zone: ZoneInfo, *, now: datetime) -> dict[str, Any]:
    local = now.astimezone(zone)
    return {"now": now, "date": local.date(), "hour": local.hour}


def _ask(values: dict[str, Any]) -> tuple[int | None, datetime | None, int]:
    with connection.cursor() as cursor:
        cursor.execute(_RESERVE, values)
        taken, free_at, number = cursor.fetchone()
        return taken, free_at, number or 0


@contextmanager
def _turn(account_id: int, action_type: str, *, is_part: bool = False) -> Iterator[None]:
    """One after the other for each account and kind of action, until it is committed. The function check_rate_limit
    takes the same lock.
    """
    with transaction.atomic(durable=not is_part), connection.cursor() as cursor:
        key = f"automation_actions {account_id} {action_type}"
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [key])
        yield
