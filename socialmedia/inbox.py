"""Conversations and what arrives in them, is changed there, and is taken back."""

from collections.abc import Collection
from datetime import datetime
from typing import Any, Final

from django.db import transaction
from django.db.models import Case, F, Q, Value, When
from django.db.models.functions import Coalesce
from psycopg.types.json import Jsonb

from socialmedia.desk import postponed
from socialmedia.models import Account, Conversation, ConversationSummary, Message, MessageType, Platform

TAKEN_BACK: Final = "[deleted]"
"""What stands in place of words that their author has taken back."""
_PREVIEW_LENGTH = 100
_FLAGS: Final = ("command", "imported")
"""What the metadata say of a message's nature, not of its content: it outlives an edit and a deletion."""

_IS_SHUT: Final = Q(is_blocked=True) | Q(is_spam=True)
_ARRIVAL: Final = {
    "unread_count": F("unread_count") + Case(When(_IS_SHUT, then=Value(0)), default=Value(1)),
    "is_archived": Case(When(_IS_SHUT | Q(is_muted=True), then=F("is_archived")), default=Value(False)),
    "snoozed_until": None,
}

_OPEN = """
INSERT INTO social_media_conversations AS known
    (account_id, platform, participant_username, participant_id, participant_display_name, participant_avatar_url,
     external_channel_id, updated_at)
VALUES
    (%(account_id)s, %(platform)s, %(participant_username)s, %(participant_id)s, %(display_name)s, %(avatar_url)s,
     %(channel_id)s, %(now)s)
ON CONFLICT (account_id, platform, participant_username) DO UPDATE SET
    participant_id = EXCLUDED.participant_id,
    participant_display_name = EXCLUDED.participant_display_name,
    participant_avatar_url = EXCLUDED.participant_avatar_url,
    external_channel_id = COALESCE(NULLIF(EXCLUDED.external_channel_id, ''), known.external_channel_id),
    updated_at = EXCLUDED.updated_at
RETURNING known.*
"""

_INSERT_INBOUND = """
INSERT INTO social_media_messages
    (conversation_id, external_message_id, message_text, is_outgoing, sender_username, is_read, sent_at, edited_at,
     delivered_at, metadata)
VALUES
    (%(conversation_id)s, %(external_message_id)s, %(text)s, FALSE, %(sender)s, %(is_read)s, %(sent_at)s,
     %(edited_at)s, %(now)s, %(metadata)s)
ON CONFLICT (conversation_id, external_message_id) DO NOTHING
RETURNING *
"""


def open_conversation(
    *, account: Account, participant: Account, external_channel_id: str = "", now: datetime
) -> Conversation:
    """Return the one conversation between `account` (ours) and `participant`; two first messages at once make one.

    A channel id that is given is stored when the conversation has none or another.
    """
    participant_id = participant.external_id or ""
    values = {
        "account_id": account.pk,
        "platform": account.platform,
        # Names change hands on Discord; elsewhere the handle is the identity.
        "participant_username": participant_id if account.platform == Platform.DISCORD else participant.username,
        "participant_id": participant_id,
        "display_name": participant.display_name or participant.username,
        "avatar_url": participant.profile_pic_url,
        "channel_id": external_channel_id,
        "now": now,
    }
    (conversation,) = Conversation.objects.raw(_OPEN, values)
    return conversation


def record_inbound(
    *,
    conversation: Conversation,
    external_message_id: str,
    text: str,
    sent_at: datetime,
    edited_at: datetime | None = None,
    metadata: dict[str, Any] | None = None,
    is_read: bool = False,
    now: datetime,
) -> Message | None:
    """Store what the other side wrote. `edited_at` is when the words became these ones. None when this message id is
    known already.

    It counts as unread, ends a snooze and brings the conversation back from the archive, unless `is_read` says that it
    was dealt with; a muted conversation stays in the archive, and in a blocked one nothing counts. Replies that were
    to be sent later only if they did not write first are cancelled in the same transaction.
    """
    values = {
        "conversation_id": conversation.pk,
        "external_message_id": external_message_id,
        "text": text,
        "sender": conversation.participant_username,
        "is_read": is_read,
        "sent_at": sent_at,
        "edited_at": edited_at,
        "metadata": Jsonb(metadata or {}),
        "now": now,
    }
    with transaction.atomic():
        for message in Message.objects.raw(_INSERT_INBOUND, values):
            arrival = {} if is_read else _ARRIVAL
            Conversation.objects.filter(pk=conversation.pk).update(**arrival, updated_at=now)
            note_last_message(conversation_id=conversation.pk, text=text, is_outgoing=False, at=sent_at)
            postponed.cancel_answered(conversation.pk, now=now)
            return message
    return None


def active(*, limit: int = 50) -> list[ConversationSummary]:
    """The inbox as it is: what is not archived, blocked or spam, newest first, with its counts."""
    return list(ConversationSummary.objects.all()[:limit])


def change(
    *,
    conversation: Conversation,
    external_message_id: str,
    text: str,
    edited_at: datetime,
    metadata: dict[str, Any] | None = None,
) -> Message | None:
    """Put the words of an edit in place of the stored ones. None when the message is not known, has been taken back,
    or holds the words of this edit or a newer one already.
    """
    rows = Message.objects.filter(
        Q(edited_at=None) | Q(edited_at__lt=edited_at),
        conversation=conversation,
        external_message_id=external_message_id,
        deleted_at=None,
    )
    with transaction.atomic():
        hold(conversation.pk)
        message = rows.select_for_update().first()
        if message is None:
            return None
        message.message_text, message.edited_at = text, edited_at
        message.metadata = _flags_of(message) | (metadata or {})
        message.save(update_fields=["message_text", "edited_at", "metadata"])
        _follow_preview(message)
        return message


def take_back(*, conversation: Conversation, external_message_ids: Collection[str], now: datetime) -> list[Message]:
    """Empty the messages that their author has deleted, theirs or ours: a note stays in place of the words. Returns
    those that still had any.
    """
    rows = Message.objects.filter(
        conversation=conversation, external_message_id__in=external_message_ids, deleted_at=None
    )
    with transaction.atomic():
        hold(conversation.pk)
        found = list(rows.order_by("pk").select_for_update())
        for message in found:
            message.message_text, message.message_type = TAKEN_BACK, MessageType.TEXT
            message.media_url = message.media_thumbnail_url = ""
            message.metadata, message.deleted_at = _flags_of(message), now
            message.save(
                update_fields=[
                    "message_text",
                    "message_type",
                    "media_url",
                    "media_thumbnail_url",
                    "metadata",
                    "deleted_at",
                ]
            )
            _follow_preview(message)
        return found


def in_channel(*, account: Account, external_channel_id: str) -> Conversation | None:
    """The conversation that has this private channel, by idx_conversations_channel."""
    return Conversation.objects.filter(external_channel_id=external_channel_id, account=account).first()


def is_known(*, conversation: Conversation, external_message_id: str) -> bool:
    """Whether a message is stored, taken back or not."""
    return Message.objects.filter(conversation=conversation, external_message_id=external_message_id).exists()


def hold(conversation_id: int) -> None:
    """Lock a conversation until the transaction ends: before its messages, as staff do who mark them as read."""
    rows = Conversation.objects.select_for_update(no_key=True).filter(pk=conversation_id)
    rows.values_list("pk", flat=True).first()


def _flags_of(message: Message) -> dict[str, Any]:
    return {name: message.metadata[name] for name in _FLAGS if name in message.metadata}


def _follow_preview(message: Message) -> None:
    """Show the words that a message has now, if it is the one that the conversation shows."""
    shown = Conversation.objects.filter(
        pk=message.conversation_id,
        last_message_at=message.sent_at,
        last_message_is_outgoing=message.is_outgoing,
    )
    shown.update(last_message_preview=message.message_text[:_PREVIEW_LENGTH])


def note_last_message(*, conversation_id: int, text: str, is_outgoing: bool, at: datetime) -> None:
    """Show this message as the conversation's newest one, unless a newer one is shown already."""
    conversations = Conversation.objects.filter(pk=conversation_id)
    conversations.exclude(last_message_at__gt=at).update(
        last_message_at=at, last_message_preview=text[:_PREVIEW_LENGTH], last_message_is_outgoing=is_outgoing
    )
    conversations.update(conversation_started_at=Coalesce("conversation_started_at", at))
