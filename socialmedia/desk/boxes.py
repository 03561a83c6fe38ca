"""The boxes of the inbox: which conversations are in which."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db.models import Exists, OuterRef, Q, QuerySet

from socialmedia.models import Conversation, ReplyStatus, StaffReply

Rows = QuerySet[Conversation]


@dataclass(frozen=True)
class Looking:
    """Who looks, and when."""

    user_id: Any
    now: datetime


@dataclass(frozen=True)
class Box:
    """Some conversations under one name."""

    name: str
    label: str
    rows: Callable[[Rows, Looking], Rows]


def _open(rows: Rows, looking: Looking) -> Rows:
    """What is there to look at; by idx_conversations_open."""
    awake = Q(snoozed_until=None) | Q(snoozed_until__lte=looking.now)
    return rows.filter(awake, is_archived=False, is_blocked=False, is_spam=False)


def _snoozed(rows: Rows, looking: Looking) -> Rows:
    return rows.filter(snoozed_until__gt=looking.now, is_archived=False, is_blocked=False, is_spam=False)


def _by_hand(rows: Rows, looking: Looking) -> Rows:
    ready = StaffReply.objects.filter(conversation=OuterRef("pk"), status=ReplyStatus.READY)
    return rows.filter(Exists(ready))


BOXES: Final = [
    Box("inbox", "Inbox", _open),
    Box("unread", "Unread", lambda rows, looking: _open(rows, looking).filter(unread_count__gt=0)),
    Box("mine", "Mine", lambda rows, looking: _open(rows, looking).filter(assigned_to=looking.user_id)),
    Box("unassigned", "Unassigned", lambda rows, looking: _open(rows, looking).filter(assigned_to=None)),
    Box("snoozed", "Snoozed", _snoozed),
    Box("by_hand", "To send by hand", _by_hand),
    Box("archived", "Archived", lambda rows, _looking: rows.filter(is_archived=True, is_spam=False)),
    Box("shut", "Blocked and spam", lambda rows, _looking: rows.filter(Q(is_blocked=True) | Q(is_spam=True))),
    Box("all", "All", lambda rows, _looking: rows),
]


def find(name: str) -> Box:
    """The box of this name; the inbox for any other."""
    return next((box for box in BOXES if box.name == name), BOXES[0])
