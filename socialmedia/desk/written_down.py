"""Conversations on networks without an interface: staff begin them here, and write down what the other side wrote."""

from datetime import datetime

from django.db import transaction

from socialmedia import inbox, own_accounts
from socialmedia.desk import reply_texts, threads
from socialmedia.models import Account, Conversation, Message, Platform


class BadEntry(ValueError):
    """What cannot be written down. `field` is the one to mend, the message says how."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


@transaction.atomic
def begin(*, platform: str, ours: str, theirs: str, may_add: bool = True, now: datetime) -> Conversation:
    """Return the conversation between an account of ours and somebody, by their handles; it is made when it is new.
    `may_add`: whoever asks may make an account one of ours, or take it into use again.

    Raises:
        BadEntry: no such network, a handle that is none, or an account that is not ours. Nothing is stored.
    """
    try:
        if not may_add and not _is_ours(platform, own_accounts.handle(platform, ours)):
            raise BadEntry(
                "ours", "This is none of our accounts in use. Somebody who may add accounts must add it first."
            )
        account = own_accounts.add(platform=platform, username=ours, now=now)
    except own_accounts.BadAccount as error:
        raise BadEntry("platform" if error.field == "platform" else "ours", str(error)) from None
    try:
        handle = own_accounts.handle(platform, theirs)
    except own_accounts.BadAccount as error:
        raise BadEntry("theirs", str(error)) from None
    if handle == account.username:
        raise BadEntry("theirs", "An account has no conversation with itself.")
    participant, _ = Account.objects.get_or_create(platform=platform, username=handle)
    return inbox.open_conversation(account=account, participant=participant, now=now)


def _is_ours(platform: str, handle: str) -> bool:
    return Account.objects.filter(platform=platform, username=handle, is_own=True, is_active=True).exists()


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
