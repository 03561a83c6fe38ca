"""What arrives from Discord, taken in: each operation is one transaction."""

from collections.abc import Collection, Container
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce

from bots import conf, texts
from bots.people import Letter, Person
from bots.staff import mirror
from followups import consent, members, responses
from followups.models import ConsentState, UserProfile
from socialmedia import accounts, activity, inbox, outbox
from socialmedia import conf as conversations
from socialmedia.activity import ChannelRef
from socialmedia.models import Account, Conversation, Message, Platform


def own_account(person: Person, *, now: datetime) -> Account:
    """Remember the bot itself as one of our own accounts."""
    return _remember(person, is_us=True, now=now)


def meet(person: Person, *, now: datetime) -> tuple[Account, UserProfile]:
    """Remember the person and lock their profile: the member comes first in the order of locks."""
    account = _remember(person, is_us=False, now=now)
    return account, members.lock(members.remember(account).user_id)


def _remember(person: Person, *, is_us: bool, now: datetime) -> Account:
    return accounts.remember(
        platform=Platform.DISCORD,
        external_id=person.external_id,
        username=person.username,
        display_name=person.display_name,
        avatar_url=person.avatar_url,
        is_bot=is_us,
        is_own=is_us,
        now=now,
    )


@transaction.atomic
def receive_private(
    *, own: Account, author: Person, channel_id: str, letter: Letter, gone: Container[int] = (), now: datetime
) -> bool:
    """Take in a member's private message, and the stop word at its word. False when it is known already: of that one
    only a newer edit counts. `gone` are messages that have been deleted since; of them nothing but the fact is kept.
    """
    account, profile = meet(author, now=now)
    conversation = inbox.open_conversation(account=own, participant=account, external_channel_id=channel_id, now=now)
    if not _take_in(profile, conversation, letter, gone=gone, now=now):
        _take_in_edit(profile, conversation, letter, now=now)
        return False
    if consent.asks_to_stop(letter.text):
        _stop(profile, conversation, evidence=f"message {letter.external_id}", now=now)
    return True


@transaction.atomic
def receive_edit(
    *, own: Account, author: Person, channel_id: str, letter: Letter, gone: Container[int] = (), now: datetime
) -> bool:
    """Take in that a member has changed a private message. One whose arrival was missed is taken in as new, unless it
    is so old that the clean-up would take it at once. A stop word is heard in any. False when nothing changes.
    """
    account, profile = meet(author, now=now)
    conversation = inbox.open_conversation(account=own, participant=account, external_channel_id=channel_id, now=now)
    if _take_in_edit(profile, conversation, letter, now=now):
        return True
    if inbox.is_known(conversation=conversation, external_message_id=letter.external_id):
        return False
    is_recent = letter.sent_at > now - conversations.current().keep_messages
    is_new = is_recent and _take_in(profile, conversation, letter, gone=gone, now=now)
    return _hear_stop_in_edit(profile, conversation, letter, now=now) or is_new


@transaction.atomic
def receive_deletion(*, own: Account, channel_id: str, message_ids: Collection[str], now: datetime) -> int:
    """Take the words of deleted private messages back, the member's and our own. Returns how many had any."""
    conversation = inbox.in_channel(account=own, external_channel_id=channel_id)
    return 0 if conversation is None else _take_back(conversation, message_ids, now=now)


def _take_in(
    profile: UserProfile, conversation: Conversation, letter: Letter, *, gone: Container[int], now: datetime
) -> bool:
    message = inbox.record_inbound(
        conversation=conversation,
        external_message_id=letter.external_id,
        text=letter.text,
        sent_at=letter.sent_at,
        edited_at=letter.edited_at,
        metadata=dict(letter.metadata),
        now=now,
    )
    if message is None:
        return False
    mirror.received(message)
    responses.record_activity(profile, at=letter.sent_at, is_private=True, message=message, now=now)
    if int(letter.external_id) in gone:
        _take_back(conversation, [letter.external_id], now=now)
    return True


def _take_in_edit(profile: UserProfile, conversation: Conversation, letter: Letter, *, now: datetime) -> bool:
    if letter.edited_at is None:
        return False
    message = inbox.change(
        conversation=conversation,
        external_message_id=letter.external_id,
        text=letter.text,
        edited_at=letter.edited_at,
        metadata=dict(letter.metadata),
    )
    if message is None:
        return False
    mirror.edited(message)
    responses.note_edit(message, user_id=profile.user_id, now=now)
    _hear_stop_in_edit(profile, conversation, letter, now=now)
    return True


def _take_back(conversation: Conversation, message_ids: Collection[str], *, now: datetime) -> int:
    user_id = conversation.participant_id
    with suppress(UserProfile.DoesNotExist):  # forgotten at this moment, and the messages with them
        members.lock(user_id)
    taken = inbox.take_back(conversation=conversation, external_message_ids=message_ids, now=now)
    for message in taken:
        mirror.taken_back(message, now=now)
        responses.note_taken_back(message, user_id=user_id, now=now)
    return len(taken)


def _hear_stop_in_edit(profile: UserProfile, conversation: Conversation, letter: Letter, *, now: datetime) -> bool:
    """A yes that was given after the edit stands."""
    if letter.edited_at is None or not consent.asks_to_stop(letter.text):
        return False
    newest = consent.current(profile.user_id)
    if newest is None or newest.state != ConsentState.GRANTED or newest.recorded_at > letter.edited_at:
        return False
    _stop(profile, conversation, evidence=f"edit of message {letter.external_id}", now=now)
    return True


def _stop(profile: UserProfile, conversation: Conversation, *, evidence: str, now: datetime) -> None:
    """Take the stop word at its word, and say so."""
    withdrawal = consent.withdraw(
        user_id=profile.user_id, source="dm_stop_word", evidence=evidence, actor=profile.user_id, now=now
    )
    text = texts.disabled(cancelled=withdrawal.cancelled_follow_ups)
    outbox.queue_reply(conversation=conversation, text=text, now=now)


# --- in channels ---


@dataclass(frozen=True)
class Post:
    """A message in a community's channel. The times are Discord's."""

    message_id: int
    text: str
    sent_at: datetime
    edited_at: datetime | None = None


@transaction.atomic
def receive_channel(
    *, author: Person, channel: ChannelRef, post: Post, gone: Container[int] = (), now: datetime
) -> bool:
    """Note that a member wrote in a channel, with the words if the community keeps them. False when this message is
    known already: of that one only a newer edit counts. Of one that is `gone` since, no words are kept.
    """
    account, profile = meet(author, now=now)
    is_new = activity.record(
        message_id=post.message_id,
        channel=channel,
        author=account,
        sent_at=post.sent_at,
        text=_kept(post, gone),
        edited_at=now if post.message_id in gone else post.edited_at,
    )
    if not is_new:
        _change_post(post, gone)
        return False
    members.note_joined(profile.user_id, at=post.sent_at)
    responses.record_activity(profile, at=post.sent_at, is_private=False, now=now)
    return True


def receive_channel_edit(
    *, author: Person, channel: ChannelRef, post: Post, gone: Container[int] = (), now: datetime
) -> bool:
    """Take in that a member has changed what they wrote in a channel; one whose arrival was missed is noted as new.
    Where the community keeps no words (any more), the old ones go. False when nothing changes.
    """
    if _change_post(post, gone):
        return True
    if activity.is_known(post.message_id):
        return False
    return receive_channel(author=author, channel=channel, post=post, gone=gone, now=now)


def receive_channel_deletion(message_ids: Collection[int], *, now: datetime) -> int:
    """Forget the words of messages that were deleted in a channel. Returns how many of them are known."""
    return activity.take_back(message_ids, now=now)


def _kept(post: Post, gone: Container[int]) -> str:
    return post.text if conf.current().keep_channel_texts and post.message_id not in gone else ""


def _change_post(post: Post, gone: Container[int]) -> bool:
    if post.edited_at is None:
        return False
    return activity.change(message_id=post.message_id, text=_kept(post, gone), edited_at=post.edited_at)


# --- signs, arrivals, departures ---


def receive_sign_of_life(user_id: str, *, now: datetime) -> bool:
    """Note that a member reacted to something in a channel. False for somebody we don't know, or heard of just now."""
    return responses.note_sign_of_life(user_id, at=now)


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


def threads_to_read(*, own: Account, deaf_since: datetime | None, active_since: datetime, limit: int) -> list[Thread]:
    """The private channels where something may have been written while nobody listened: first those of members who
    opted in, whose `stop` must not be missed, then those active lately.

    All since `deaf_since` (None: nothing has ever been read through) counts as unread, even if something newer is
    known: that may have been heard at once, before the older was read. But nothing from before the conversation, which
    may be what a member wanted to be forgotten.
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
    return [
        Thread(int(row.external_channel_id), min(row.read_until, max(deaf_since or row.created_at, row.created_at)))
        for row in threads[:limit]
    ]
