"""Conversations on networks without an interface: staff begin them here, and write down what the other side wrote."""

import re
from datetime import datetime
from typing import Final

from django.db import transaction

from socialmedia import inbox, reply_texts, threads
from socialmedia.models import Account, Conversation, Message, Platform

NETWORKS: Final = [choice for choice in Platform.choices if choice[0] != Platform.DISCORD]
"""On Discord conversations begin by themselves."""
_HANDLE: Final = re.compile(r"[\w.\-]{1,100}")


class BadEntry(ValueError):
    """What cannot be written down. `field` is the one to mend, the message says how."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


@transaction.atomic
def begin(*, platform: str, ours: str, theirs: str, now: datetime) -> Conversation:
    """Return the conversation between an account of ours and somebody, by their handles; it is made when it is new.

    Raises:
        BadEntry: no such network, or a handle that is none. Nothing is stored.
    """
    if platform not in dict(NETWORKS):
        raise BadEntry("platform", "Conversations of this network begin by themselves.")
    our_handle, their_handle = _handle("ours", ours), _handle("theirs", theirs)
    if our_handle == their_handle:
        raise BadEntry("theirs", "An account has no conversation with itself.")
    account, _ = Account.objects.get_or_create(platform=platform, username=our_handle, defaults={"is_own": True})
    if not account.is_own:
        Account.objects.filter(pk=account.pk).update(is_own=True, updated_at=now)
    participant, _ = Account.objects.get_or_create(platform=platform, username=their_handle)
    return inbox.open_conversation(account=account, participant=participant, now=now)


def write_down(
    conversation_id: int, *, text: str, sent_at: datetime, by: str, key: str, now: datetime
) -> Message | None:
    """Keep what the other side wrote on the network, as any message that came in. None when this `key` is known.

    Raises:
        BadEntry: no words, too many, a time in the future, or a network that tells us itself.
    """
    try:
        words = reply_texts.check_words(text)
    except reply_texts.CannotReply:
        raise BadEntry("text", f"What they wrote has 1 to {reply_texts.LONGEST:,} characters.") from None
    if sent_at > now:
        raise BadEntry("sent_at", "They wrote in the past: the time is in the future.")
    with transaction.atomic():
        conversation = threads.locked(conversation_id)
        if conversation.platform == Platform.DISCORD:
            raise BadEntry("text", "What they write on Discord arrives by itself.")
        return inbox.record_inbound(
            conversation=conversation,
            external_message_id=f"console:{key}",
            text=words,
            sent_at=sent_at,
            metadata={"written_down_by": by},
            now=now,
        )


def _handle(field: str, text: str) -> str:
    """Handles of these networks are the same in small letters."""
    handle = text.strip().removeprefix("@").lower()
    if not _HANDLE.fullmatch(handle):
        raise BadEntry(
            field, f"{text.strip()[:50]!r} is no handle: use letters, digits, dots and underscores, like @ada."
        )
    return handle
