"""Accounts, conversations and messages for tests."""

from datetime import UTC, datetime
from itertools import count
from typing import Any

from django.utils import timezone

from followups import consent, members
from followups.consent import Consent
from socialmedia import accounts, inbox, outbox, zones
from socialmedia.models import Account, AutomationAction, Conversation, Message

NOON = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)

_numbers = count(900_000_000_000_000_000)


def make_permission(conversation: Conversation) -> Consent:
    """The live consent of a conversation's other side."""
    profile = members.remember(Account.objects.get(external_id=conversation.participant_id))
    consent.grant(user_id=profile.pk, source="slash_command", evidence="interaction 1", actor=profile.pk)
    return consent.require(profile.pk)


def make_bot() -> Account:
    """One of our accounts: a Discord bot."""
    return accounts.remember(
        platform="discord",
        external_id=str(next(_numbers)),
        username="checkback",
        is_bot=True,
        is_own=True,
        now=timezone.now(),
    )


def make_person(external_id: str = "", username: str = "ada", display_name: str = "Ada") -> Account:
    """A person on Discord."""
    return accounts.remember(
        platform="discord",
        external_id=external_id or str(next(_numbers)),
        username=username,
        display_name=display_name,
        now=timezone.now(),
    )


def make_conversation(bot: Account | None = None, person: Account | None = None, channel: str = "") -> Conversation:
    """A private thread between a bot and a person."""
    return inbox.open_conversation(
        account=bot or make_bot(),
        participant=person or make_person(),
        external_channel_id=channel,
        now=timezone.now(),
    )


def make_reply(conversation: Conversation | None = None, text: str = "Hello.", now: datetime | None = None) -> Message:
    """A queued answer, due now."""
    return outbox.queue_reply(conversation=conversation or make_conversation(), text=text, now=now or timezone.now())


def make_tiktok_account(username: str = "shop", **values: Any) -> Account:
    """One of our accounts on TikTok."""
    return Account.objects.create(platform="tiktok", username=username, **{"is_own": True, **values})


def make_action(
    account: Account | None, kind: str = "like", *, now: datetime | None = None, **values: Any
) -> AutomationAction:
    """An action of one of our accounts, or of one that was deleted, written past the limits."""
    now = now or timezone.now()
    whose = {"account": account, "account_username": account.username if account else "gone", "platform": "tiktok"}
    local = now.astimezone(zones.of(account)) if account else now
    fields = {**whose, "action_type": kind, "action_date": local.date(), "action_hour": local.hour, "created_at": now}
    return AutomationAction.objects.create(**{**fields, **values})
