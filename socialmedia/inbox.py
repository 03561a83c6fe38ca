"""Conversations and what arrives in them."""

from datetime import datetime
from typing import Any

from socialmedia.models import Account, Conversation, Message


def open_conversation(
    *, account: Account, participant: Account, external_channel_id: str = "", now: datetime
) -> Conversation:
    """Return the one conversation between `account` (ours) and `participant`; two first messages at once make one.

    A channel id that is given is stored when the conversation has none or another.
    """
    raise NotImplementedError


def record_inbound(
    *,
    conversation: Conversation,
    external_message_id: str,
    text: str,
    sent_at: datetime,
    metadata: dict[str, Any] | None = None,
    now: datetime,
) -> Message | None:
    """Store what the other side wrote and count it as unread. None when this message id is known already."""
    raise NotImplementedError
