"""What arrives from Discord, taken in: each operation is one transaction."""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce

from bots import texts
from bots.people import Letter, Person
from bots.staff import mirror
from followups import consent, members, responses
from followups.models import ConsentState, UserProfile
from socialmedia import accounts, activity, inbox, outbox
from socialmedia.activity import ChannelRef
from socialmedia.models import Account, Conversation, Message, Platform


def own_account(person: Person, *, now: datetime) -> Account:
    """Remember the bot itself as one of our own accounts."""
    return accounts.remember(
        platform=Platform.DISCORD,
        external_id=person.external_id,
        username=person.username,
        display_name=person.display_name,
        avatar_url=person.avatar_url,
        is_bot=True,
        is_own=True,
        now=now,
    )


def meet(person: Person, *, now: datetime) -> tuple[Account, UserProfile]:
    """Remember the person and lock their profile: the member comes first in the order of locks."""
    account = accounts.remember(
        platform=Platform.DISCORD,
        external_id=person.external_id,
        username=person.username,
        display_name=person.display_name,
        avatar_url=person.avatar_url,
        now=now,
    )
    return account, members.lock(members.remember(account).user_id)


@transaction.atomic
def receive_private(*, own: Account, author: Person, channel_id: str, letter: Letter, now: datetime) -> bool:
    """Take in a member's private message, and the stop word at its word. False when it is known already."""
    account, profile = meet(author, now=now)
    conversation = inbox.open_conversation(account=own, participant=account, external_channel_id=channel_id, now=now)
    message = inbox.record_inbound(
        conversation=conversation,
        external_message_id=letter.external_id,
        text=letter.text,
        sent_at=letter.sent_at,
        metadata=dict(letter.metadata),
        now=now,
    )
    if message is None:
        return False
    mirror.received(message)
    responses.record_activity(profile, at=letter.sent_at, is_private=True, message=message, now=now)
    if consent.asks_to_stop(letter.text):
        _stop(profile, conversation, evidence=f"message {letter.external_id}", now=now)
    return True


@transaction.atomic
def receive_edit(*, own: Account, author: Person, channel_id: str, letter: Letter, now: datetime) -> bool:
    """Hear a stop word that a member has put into an older private message; `letter.sent_at` is when. Other edits are
    not kept. False when it changes nothing, because there is no yes from before the edit.
    """
    if not consent.asks_to_stop(letter.text):
        return False
    account, profile = meet(author, now=now)
    newest = consent.current(profile.user_id)
    if newest is None or newest.state != ConsentState.GRANTED or newest.recorded_at > letter.sent_at:
        return False
    conversation = inbox.open_conversation(account=own, participant=account, external_channel_id=channel_id, now=now)
    _stop(profile, conversation, evidence=f"edit of message {letter.external_id}", now=now)
    return True


def _stop(profile: UserProfile, conversation: Conversation, *, evidence: str, now: datetime) -> None:
    """Take the stop word at its word, and say so."""
    withdrawal = consent.withdraw(
        user_id=profile.user_id, source="dm_stop_word", evidence=evidence, actor=profile.user_id, now=now
    )
    text = texts.disabled(cancelled=withdrawal.cancelled_follow_ups)
    outbox.queue_reply(conversation=conversation, text=text, now=now)


@transaction.atomic
def receive_channel(*, author: Person, channel: ChannelRef, message_id: int, sent_at: datetime, now: datetime) -> bool:
    """Note that a member wrote in a channel. False when this message is known already."""
    account, profile = meet(author, now=now)
    if not activity.record(message_id=message_id, channel=channel, author=account, sent_at=sent_at):
        return False
    members.note_joined(profile.user_id, at=sent_at)
    responses.record_activity(profile, at=sent_at, is_private=False, now=now)
    return True


def receive_reaction(*, user_id: str, message_id: str, now: datetime) -> bool:
    """Note a member's reaction to one of our private messages. False when it was no follow-up, or not their first."""
    return responses.record_reaction(external_message_id=message_id, user_id=user_id, now=now)


@transaction.atomic
def member_joined(person: Person, *, now: datetime) -> None:
    """Remember somebody who joined, or came back."""
    _, profile = meet(person, now=now)
    members.note_joined(profile.user_id, at=now)


def member_left(external_id: str, *, now: datetime) -> bool:
    """Note that a member left. False for somebody we never met."""
    return members.note_left(external_id, at=now)


@dataclass(frozen=True)
class Thread:
    """A private channel and the time up to which we have read it."""

    channel_id: int
    read_until: datetime


def threads_to_read(*, own: Account, active_since: datetime, limit: int) -> list[Thread]:
    """The private channels where something may have been written while nobody listened: first those of members who
    opted in, whose `stop` must not be missed, then those active lately.
    """
    newest_inbound = Message.objects.filter(conversation=OuterRef("pk"), is_outgoing=False).order_by("-sent_at")
    opted_in = UserProfile.objects.filter(pk=OuterRef("participant_id"), follow_ups_enabled=True)
    threads = (
        Conversation.objects.filter(account=own)
        .exclude(external_channel_id="")
        .annotate(
            is_opted_in=Exists(opted_in),
            read_until=Coalesce(Subquery(newest_inbound.values("sent_at")[:1]), "created_at"),
        )
        .filter(Q(is_opted_in=True) | Q(last_message_at__gte=active_since))
        .order_by("-is_opted_in", F("last_message_at").desc(nulls_last=True))
    )
    return [Thread(int(row.external_channel_id), row.read_until) for row in threads[:limit]]
