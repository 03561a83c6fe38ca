"""Limits as reservations: a place is taken before an action is done, so that no number of workers exceeds a limit."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from django.db import connection, transaction

from socialmedia.models import AutomationAction

_RESERVE: Final = (Path(__file__).parent / "sql" / "reserve_action_v1.sql").read_text()


@dataclass(frozen=True)
class Limit:
    """At most `most` actions of one kind by one account in any span of this length."""

    span: timedelta
    most: int


@dataclass(frozen=True)
class Full:
    """No place is free before `free_at`; None: never, the limit is 0."""

    free_at: datetime | None


def reserve(
    *,
    account_id: int,
    action_type: str,
    limits: Sequence[Limit],
    platform: str,
    target_type: str = "",
    target_id: str = "",
    now: datetime,
) -> AutomationAction | Full:
    """Take a place, or say when the next one is free. Of any number at once, no more than the limits allow get one.

    A place is taken for good when this returns, whatever becomes of the action: it must not be called inside a
    transaction, which could still take it back.
    """
    if _is_never_free(limits):
        return Full(None)
    values = {
        **_question(account_id, action_type, limits),
        **_when(now),
        "platform": platform,
        "target_type": target_type,
        "target_id": target_id,
        "is_taking": True,
    }
    with _turn(account_id, action_type):
        taken, free_at = _ask(values)
    return Full(free_at) if taken is None else AutomationAction.objects.get(pk=taken)


def look(*, account_id: int, action_type: str, limits: Sequence[Limit], now: datetime) -> Full | None:
    """What `reserve` would say, without taking a place. None: one is free."""
    if _is_never_free(limits):
        return Full(None)
    unused = {"platform": "", "target_type": "", "target_id": "", "is_taking": False}
    _, free_at = _ask({**_question(account_id, action_type, limits), **_when(now), **unused})
    return Full(free_at) if free_at is not None and free_at > now else None


def renew(
    *, account_id: int, action_type: str, target_type: str, target_id: str, within: timedelta, now: datetime
) -> AutomationAction | None:
    """Take an unconfirmed place of the same target once more, as of now, for an action that can be repeated: trying
    again what a crash or the network cut off needs no second place. `within` is the shortest span of the limits: an
    older place is not counted by all of them any more. None when there is no such place.
    """
    when = _when(now)
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


def _is_never_free(limits: Sequence[Limit]) -> bool:
    return any(limit.most <= 0 for limit in limits)


def _question(account_id: int, action_type: str, limits: Sequence[Limit]) -> dict[str, Any]:
    return {
        "account_id": account_id,
        "action_type": action_type,
        "spans": [limit.span for limit in limits],
        "mosts": [limit.most for limit in limits],
    }


def _when(now: datetime) -> dict[str, Any]:
    local = now.astimezone(UTC)  # the account's zone, once accounts have one
    return {"now": now, "date": local.date(), "hour": local.hour}


def _ask(values: dict[str, Any]) -> tuple[int | None, datetime | None]:
    with connection.cursor() as cursor:
        cursor.execute(_RESERVE, values)
        taken, free_at = cursor.fetchone()
        return taken, free_at


@contextmanager
def _turn(account_id: int, action_type: str) -> Iterator[None]:
    """One after the other for each account and kind of action, until it is committed."""
    with transaction.atomic(durable=True), connection.cursor() as cursor:
        key = f"automation_actions {account_id} {action_type}"
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [key])
        yield
