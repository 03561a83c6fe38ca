"""What the page of a conversation shows: the chat, what waits, and who may do what about it."""

import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.contrib.auth.models import User
from django.db.models import Max, Q
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString

from jobs import console
from socialmedia import conf
from socialmedia.admin.words import delivery_pill
from socialmedia.desk import canned, replies, reply_texts, threads
from socialmedia.models import Conversation, ConversationNote, Message, MessageStatus, Platform, ReplyStatus, StaffReply

SHOWN: Final = 50
MOST_STAFF: Final = 200
MOST_NOTES: Final = 50
TROUBLE_SHOWN_FOR: Final = timedelta(days=7)
_AS_USUAL: Final = (MessageStatus.SENT, MessageStatus.DELIVERED, MessageStatus.READ)


@dataclass(frozen=True)
class Bubble:
    """One message as the chat shows it."""

    row: Message
    day: date | None
    """Where a new day begins."""
    who: str
    files: list[tuple[str, str]]
    """Names, and addresses that may be opened."""
    delivery: SafeString | str
    address: str

    @property
    def is_taken_back(self) -> bool:
        """Its author has deleted it."""
        return self.row.deleted_at is not None


def context(conversation: Conversation, user: User, *, before: str, may_act: bool, now: datetime) -> dict[str, Any]:
    """All that the page's template reads."""
    page = list(_page(conversation, before)[: SHOWN + 1])
    rows, has_older = page[:SHOWN][::-1], len(page) > SHOWN
    newest = Message.objects.filter(conversation=conversation).aggregate(newest=Max("pk"))["newest"]
    return {
        "conversation": conversation,
        "bubbles": list(bubbles(rows, conversation)),
        "older": rows[0].pk if has_older else None,
        "is_older_page": bool(before),
        "seen": newest or 0,
        "has_inbound": newest is not None and reply_texts.has_written(conversation),
        "can_send": conversation.platform in replies.WITH_INTERFACE,
        "pills": pills(conversation, now=now),
        "is_snoozed": conversation.snoozed_until is not None and conversation.snoozed_until > now,
        "handle": handle(conversation),
        "notes": ConversationNote.objects.filter(conversation=conversation)[:MOST_NOTES],
        "waiting": _waiting(conversation, now=now),
        "may_act": may_act,
        **(_tools(conversation, user, now=now) if may_act else {}),
    }


def bubbles(rows: Iterable[Message], conversation: Conversation) -> Iterator[Bubble]:
    """The messages, oldest first, with the days between them."""
    day: date | None = None
    for row in rows:
        its_day = timezone.localtime(row.sent_at).date()
        yield Bubble(
            row=row,
            day=its_day if its_day != day else None,
            who=_who(row, conversation),
            files=list(_files(row)),
            delivery=delivery_pill(row) if row.is_outgoing and row.status not in _AS_USUAL else "",
            address=reverse("admin:socialmedia_message_change", args=[row.pk]),
        )
        day = its_day


def pills(conversation: Conversation, *, now: datetime) -> list[SafeString]:
    """The conversation's states, as labels."""
    snoozed = conversation.snoozed_until
    states = [
        (conversation.unread_count > 0, f"{conversation.unread_count} unread", "primary"),
        (conversation.is_spam, "Spam", "danger"),
        (conversation.is_blocked, "Blocked", "danger"),
        (conversation.is_archived, "Archived", ""),
        (conversation.is_muted, "Muted", ""),
        (snoozed is not None and snoozed > now, "Snoozed", "warning"),
    ]
    return [console.pill(text, kind) for is_so, text, kind in states if is_so]


def handle(conversation: Conversation) -> str:
    """How people find the other side on the network; on Discord their id, which is what the conversation knows."""
    if conversation.platform == Platform.DISCORD:
        return conversation.participant_id
    return f"@{conversation.participant_username}"


def _page(conversation: Conversation, before: str) -> Any:
    """The messages from the newest on, or those before one; by idx_messages_thread."""
    rows = Message.objects.filter(conversation=conversation).order_by("-sent_at", "-pk")
    is_number = before.isascii() and before.isdigit() and len(before) < 19
    first = Message.objects.filter(conversation=conversation, pk=int(before)).first() if is_number else None
    if first is None:
        return rows
    return rows.filter(Q(sent_at__lt=first.sent_at) | Q(sent_at=first.sent_at, pk__lt=first.pk))


def _who(row: Message, conversation: Conversation) -> str:
    if not row.is_outgoing:
        by = row.metadata.get("written_down_by")
        return f"{conversation} (written down by {by})" if by else str(conversation)
    if row.is_automated:
        return "Checkback, by itself"
    by = row.metadata.get("staff")
    return f"{by} (staff)" if by else "Checkback"


def _files(row: Message) -> Iterator[tuple[str, str]]:
    """What came along. An address is opened only when it is a web page's: others could be a program."""
    attached = row.metadata.get("attachments")
    for entry in attached if isinstance(attached, list) else []:
        if isinstance(entry, dict):
            address = str(entry.get("url") or "")
            yield str(entry.get("filename") or "file"), address if address.startswith("https://") else ""
    if row.media_url:
        yield str(row.get_message_type_display()), row.media_url if row.media_url.startswith("https://") else ""


def _waiting(conversation: Conversation, *, now: datetime) -> list[StaffReply]:
    """What is to be sent, and what lately was not."""
    live = Q(status__in=[ReplyStatus.SCHEDULED, ReplyStatus.READY])
    ended = Q(status__in=[ReplyStatus.CANCELLED, ReplyStatus.FAILED], updated_at__gt=now - TROUBLE_SHOWN_FOR)
    rows = StaffReply.objects.filter(live | ended, conversation=conversation)
    return list(rows.order_by("send_at", "pk")[:SHOWN])


def _tools(conversation: Conversation, user: User, *, now: datetime) -> dict[str, Any]:
    """What those who may act choose from."""
    zone = ZoneInfo(conf.default_zone())
    return {
        "draft": replies.draft_of(conversation.pk, user),
        "key": uuid.uuid4().hex,
        "canned": canned.offered(conversation),
        "placeholders": reply_texts.PLACEHOLDERS,
        "staff": User.objects.filter(is_active=True, is_staff=True).order_by("username")[:MOST_STAFF],
        "presets": [label for label, _ in threads.snooze_presets(now=now, zone=zone)],
        "presets_zone": zone.key,
        "is_mine": conversation.assigned_to_id == user.pk,
        "may_add_templates": user.has_perm("socialmedia.add_messagetemplate"),
        "zone_name": timezone.get_current_timezone_name(),
    }
