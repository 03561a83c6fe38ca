"""Conversations and their messages. Nothing of it is ever sent."""

from typing import Any

from django.db import models

from socialmedia.importing import parents, taking, values
from socialmedia.importing.parents import ACCOUNT, CONVERSATION, Accounts
from socialmedia.importing.reports import CannotTake
from socialmedia.importing.sources import Join, Query, Source
from socialmedia.importing.taking import Journey, Rows, Taker
from socialmedia.models import Conversation, Message, MessageStatus, Platform

Row = dict[str, Any]
_MESSAGES = "social_media_messages"
_OWNER = Join("account", "social_media_accounts", "conversation.account_id", ACCOUNT.columns)
_ARRIVED = (MessageStatus.SENT, MessageStatus.DELIVERED, MessageStatus.READ)
_CONVERSATION_TEXTS = ("participant_id", "participant_display_name", "participant_avatar_url", "last_message_preview")
_CONVERSATION_FLAGS = (
    *("participant_verified", "last_message_is_outgoing", "is_muted", "is_archived", "is_blocked", "is_spam"),
    "auto_reply_enabled",
)
_CONVERSATION_TIMES = (
    *("last_message_at", "follow_up_scheduled_at", "conversation_started_at", "created_at", "updated_at"),
)


class ConversationTaker(Taker):
    """Conversations, known by our account and the other side's handle."""

    table = "social_media_conversations"
    columns = (
        *("id", "account_id", "platform", "participant_username", "unread_count"),
        *(*_CONVERSATION_TEXTS, *_CONVERSATION_FLAGS, *_CONVERSATION_TIMES),
    )
    needed = ("id", "account_id", "platform", "participant_username")
    model = Conversation

    @property
    def query(self) -> Query:
        """With our side."""
        return Query(self.table, self.columns, [ACCOUNT])

    def look_up(self, rows: Rows) -> None:
        """Find our accounts, and the conversations."""
        self._accounts = Accounts(rows)
        named = [{**row, "conversation_participant_username": row["participant_username"]} for row in rows]
        self._here = set(parents.conversations(named, self._accounts))

    def find(self, row: Row) -> Any:
        """Tell whether it is here."""
        if row["platform"] == Platform.DISCORD:
            raise CannotTake("Discord is left out: Checkback holds these conversations itself")
        return self._key(row) in self._here or None

    def remember(self, row: Row) -> None:
        """Two accounts may be one here, and their conversations, too."""
        self._here.add(self._key(row))

    def build(self, row: Row) -> models.Model:
        """Make a conversation."""
        account_id, platform, username = self._key(row)
        return Conversation(
            account_id=account_id,
            platform=platform,
            participant_username=username,
            unread_count=max(row.get("unread_count") or 0, 0),
            **values.texts(row, *_CONVERSATION_TEXTS),
            **values.given(row, *_CONVERSATION_FLAGS),
            **values.times(row, self.journey.zone, *_CONVERSATION_TIMES),
        )

    def _key(self, row: Row) -> tuple[int, str, str]:
        return self._accounts.need(row), row["platform"], row["participant_username"]


class MessageTaker(Taker):
    """Messages, known by the network's id, else by MediaPoster's."""

    table = _MESSAGES
    columns = (
        *("id", "conversation_id", "external_message_id", "message_text", "message_type", "media_url"),
        *("media_thumbnail_url", "is_outgoing", "sender_username", "status", "is_read", "sent_at", "delivered_at"),
        *("read_at", "reply_to_message_id", "metadata", "is_automated", "template_used", "created_at"),
    )
    needed = ("id", "conversation_id", "is_outgoing")
    model = Message

    @property
    def query(self) -> Query:
        """With the conversations and our side of them."""
        return Query(self.table, self.columns, [CONVERSATION, _OWNER])

    def look_up(self, rows: Rows) -> None:
        """Find the conversations and the messages."""
        accounts = Accounts(rows)
        here = parents.conversations(rows, accounts)
        self._threads = {id(row): here.get(_thread(row, accounts), 0) for row in rows}
        self._here = _messages(rows, self._threads)

    def find(self, row: Row) -> Any:
        """Return its id here."""
        thread = self._threads[id(row)]
        if not thread:
            raise CannotTake("its conversation was not taken over")
        return self._here.get(_key(row, thread))

    def remember(self, row: Row) -> None:
        """Two conversations may be one here, and two messages the same."""
        thread = self._threads[id(row)]
        self._here[_key(row, thread)] = 0

    def saved(self, pairs: Any) -> None:
        """Write down those that the network gave no id."""
        without = [(_own_key(row), made) for row, made in pairs if not row.get("external_message_id")]
        taking.write_down(self.table, without)

    def build(self, row: Row) -> models.Model:
        """Make a message that is over: never one that waits to be sent."""
        row_times = values.times(row, self.journey.zone, "sent_at", "created_at", "delivered_at", "read_at")
        row_times.setdefault("sent_at", row_times.get("created_at", self.journey.now))
        return Message(
            conversation_id=self._threads[id(row)],
            external_message_id=row.get("external_message_id") or None,
            is_outgoing=row["is_outgoing"],
            is_read=bool(row.get("is_read")),
            **self._state(row),
            metadata=self._metadata(row),
            **values.texts(row, "message_text", "media_url", "media_thumbnail_url", "sender_username", "template_used"),
            **values.given(row, "message_type"),
            **row_times,
        )

    def _state(self, row: Row) -> dict[str, str]:
        status = row.get("status") or _likely_status(row)
        if status in _ARRIVED or (status == MessageStatus.FAILED and row["is_outgoing"]):
            return {"status": status}
        if not row["is_outgoing"]:
            self.changed("inbound message counted as arrived")
            return {"status": MessageStatus.SENT}
        self.changed("unsent message closed as failed")
        return {"status": MessageStatus.FAILED, "error_message": f"MediaPoster left it as {status[:50]!r}."}

    def _metadata(self, row: Row) -> dict[str, Any]:
        """What the network said; and that it was automated: here, such a message rests on a consent that it lacks."""
        found = row.get("metadata") or {}
        kept = found if isinstance(found, dict) else {"imported_metadata": found}
        return {**kept, "imported_automated": True} if row.get("is_automated") else kept


def connect_replies(source: Source, journey: Journey) -> None:
    """Say which messages answer which, once all are here."""
    if not (source.has(_MESSAGES, "reply_to_message_id") and source.has("social_media_conversations")):
        return
    columns = ("id", "external_message_id", "sent_at", "reply_to_message_id")
    answered = Join("answered", _MESSAGES, "reply_to_message_id", ("id", "external_message_id", "sent_at"))
    query = Query(_MESSAGES, columns, [CONVERSATION, _OWNER, answered], required="reply_to_message_id")
    for rows in source.batches(query):
        accounts = Accounts(rows)
        here = parents.conversations(rows, accounts)
        threads = {id(row): here.get(_thread(row, accounts), 0) for row in rows}
        _connect(rows, threads)


def _connect(rows: Rows, threads: dict[int, int]) -> None:
    others = [{name: row.get(f"answered_{name}") for name in ("id", "external_message_id", "sent_at")} for row in rows]
    places = {id(other): threads[id(row)] for row, other in zip(rows, others, strict=True)}
    replies, answered = _messages(rows, threads), _messages(others, places)
    changed = []
    for row, other in zip(rows, others, strict=True):
        thread = threads[id(row)]
        pk = replies.get(_key(row, thread)) if thread else None
        target = answered.get(_key(other, thread)) if thread else None
        if pk and target and pk != target:
            changed.append(Message(pk=pk, reply_to_message_id=target))
    Message.objects.bulk_update(changed, ["reply_to_message"], batch_size=1_000)


def _messages(rows: Rows, threads: dict[int, int]) -> dict[tuple[int, str, bool], int]:
    """The ids of our messages, by their keys."""
    found: dict[tuple[int, str, bool], int] = {}
    external = {row["external_message_id"] for row in rows if row.get("external_message_id")}
    of_threads = Message.objects.filter(conversation_id__in=set(threads.values()))
    named = of_threads.filter(external_message_id__in=external)
    for thread, external_id, pk in named.values_list("conversation_id", "external_message_id", "pk"):
        found[thread, str(external_id), True] = pk
    taken = taking.entries(_MESSAGES, [_own_key(row) for row in rows if not row.get("external_message_id")])
    for row in rows:
        thread = threads[id(row)]
        if thread and not row.get("external_message_id") and _own_key(row) in taken:
            found[_key(row, thread)] = taken[_own_key(row)]
    return found


def _thread(row: Row, accounts: Accounts) -> tuple[int, str, str]:
    platform, username = row.get("conversation_platform"), row.get("conversation_participant_username")
    return accounts.find(row) or 0, platform or "", username or ""


def _key(row: Row, thread: int) -> tuple[int, str, bool]:
    external_id = row.get("external_message_id")
    return (thread, external_id, True) if external_id else (thread, _own_key(row), False)


def _own_key(row: Row) -> str:
    return taking.key(row.get("id"), row.get("sent_at"))


def _likely_status(row: Row) -> str:
    """The seed's smaller table has no status."""
    if row.get("read_at") or row.get("is_read"):
        return MessageStatus.READ
    return MessageStatus.DELIVERED if row.get("delivered_at") else MessageStatus.SENT
