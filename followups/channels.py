"""Where a member is spoken to: the private conversation with one of our accounts."""

from datetime import datetime

from django.db.models import F

from followups.models import UserProfile
from socialmedia import inbox
from socialmedia.models import Account, Conversation


class NoOwnAccount(Exception):
    """None of our accounts has logged in to the member's network yet."""


def find(profile: UserProfile) -> Conversation | None:
    """The member's conversation with one of our accounts in use, the one with the newest message."""
    return (
        Conversation.objects.filter(
            participant_id=profile.pk,
            platform=profile.account.platform,
            account__is_own=True,
            account__is_active=True,
        )
        .order_by(F("last_message_at").desc(nulls_last=True), "-pk")
        .first()
    )


def open_with(profile: UserProfile, *, now: datetime) -> Conversation:
    """Open a conversation between our newest account on the member's network and the member.

    Call it outside the transaction that locks the member: so it never holds up what arrives from them.

    Raises:
        NoOwnAccount: there is no account of ours yet.
    """
    account = (
        Account.objects.filter(platform=profile.account.platform, is_own=True, is_active=True).order_by("-pk").first()
    )
    if account is None:
        raise NoOwnAccount("No bot has logged in yet, so there is nobody to send the message.")
    return inbox.open_conversation(account=account, participant=profile.account, now=now)
