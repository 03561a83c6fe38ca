"""Showing a member everything that is held about them."""

import json
from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final

from django.core.serializers.json import DjangoJSONEncoder
from django.db import transaction
from django.db.models import QuerySet

from followups import consent, members, preferences
from followups.privacy.holdings import HOLDINGS, console_log

_NOT_SHOWN: Final = ("lease_token",)
"""A right to write, not a fact about anybody."""
_LARGEST_EXACT: Final = 2**53

Rows = list[dict[str, Any]]


def export(user_id: str, *, now: datetime) -> dict[str, Any]:
    """Return everything that is held about the member, by subject, as JSON can hold it: times in ISO 8601, and whole
    numbers that many programs would round (Discord's ids) as text. Changes about the member wait until it is done.

    Raises:
        UserProfile.DoesNotExist: nobody with this id is known.
    """
    with transaction.atomic():
        member = members.lock(user_id)
        held = {holding.subject: _rows(holding.rows(member)) for holding in HOLDINGS}
        log = _rows(console_log(member))
        chosen = asdict(preferences.of_member(user_id, now=now))
    return _as_json(
        {
            "user_id": user_id,
            "exported_at": now,
            "preferences": chosen,
            **held,
            "profile": held["profile"][0],
            "account": held["account"][0],
            "rhythm": next(iter(held["rhythm"]), None),
            "consent": [{**row, "wording": consent.WORDINGS.get(row["wording_version"])} for row in held["consent"]],
            "conversations": _threads(held["conversations"], held["messages"]),
            "messages": len(held["messages"]),
            "channel_activity": _activity(held["channel_activity"]),
            "console_log": log,
        }
    )


def _rows(found: QuerySet[Any]) -> Rows:
    """Every column, in the order in which the rows were written."""
    return [
        {name: value for name, value in row.items() if name not in _NOT_SHOWN} for row in found.order_by("pk").values()
    ]


def _threads(conversations: Rows, messages: Rows) -> Rows:
    """Each conversation with its messages."""
    threads: dict[Any, Rows] = {row["id"]: [] for row in conversations}
    for message in messages:
        threads[message["conversation_id"]].append(message)
    return [{**row, "messages": threads[row["id"]]} for row in conversations]


def _activity(rows: Rows) -> dict[str, Any]:
    """When they wrote in channels: how often, first, last, and each time."""
    times: Iterable[datetime] = [row["sent_at"] for row in rows]
    return {"count": len(rows), "first_at": min(times, default=None), "last_at": max(times, default=None), "all": rows}


def _as_json(content: dict[str, Any]) -> dict[str, Any]:
    plain: dict[str, Any] = json.loads(
        json.dumps(content, cls=DjangoJSONEncoder),
        parse_int=lambda digits: int(digits) if abs(int(digits)) <= _LARGEST_EXACT else digits,
    )
    return plain
