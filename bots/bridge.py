"""The one seam between the bot's event loop and the database: each operation is one unit and one transaction."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, ParamSpec, TypeVar

from asgiref.sync import sync_to_async
from django.db import close_old_connections, transaction
from django.db.models import Exists, F, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce

from bots import texts
from followups import consent, delivery, members, opting_in, preferences, responses
from followups.models import ConsentState, UserProfile
from followups.policy import Decision
from socialmedia import accounts, activity, inbox, outbox
from socialmedia.activity import ChannelRef
from socialmedia.models import Account, Conversation, Message, Platform
from socialmedia.outbox import Delivery

P = ParamSpec("P")
T = TypeVar("T")


async def run_unit(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a synchronous unit of work on the one database thread, with a connection that is known to be alive."""
    return await sync_to_async(_with_fresh_connection, thread_sensitive=True)(function, *args, **kwargs)


def _with_fresh_connection(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    # Nothing else does this outside Django's request cycle.
    close_old_connections()
    try:
        return function(*args, **kwargs)
    finally:
        close_old_connections()


@dataclass(frozen=True)
class Person:
    """Somebody as Discord describes them."""

    external_id: str
    username: str
    display_name: str = ""
    avatar_url: str = ""


@dataclass(frozen=True)
class Letter:
    """A message as it arrived. `sent_at` is Discord's time."""

    external_id: str
    text: str
    sent_at: datetime
    metadata: Mapping[str, Any]


class Choice(StrEnum):
    """What a member can ask of `followup_settings`."""

    STATUS = "status"
    ON = "on"
    OFF = "off"

    @classmethod
    def of(cls, word: str) -> "Choice":
        """Read a member's word; whatever is not understood asks for the status."""
        word = word.strip().lower()
        if consent.asks_to_stop(word):
            return cls.OFF
        return {"on": cls.ON, "enable": cls.ON, "off": cls.OFF, "disable": cls.OFF}.get(word, cls.STATUS)


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


@transaction.atomic
def receive_private(*, own: Account, author: Person, channel_id: str, letter: Letter, now: datetime) -> bool:
    """Take in a member's private message, and the stop word at its word. False when it is known already."""
    account, profile = _meet(author, now=now)
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
    account, profile = _meet(author, now=now)
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
    account, profile = _meet(author, now=now)
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
    _, profile = _meet(person, now=now)
    members.note_joined(profile.user_id, at=now)


def member_left(external_id: str, *, now: datetime) -> bool:
    """Note that a member left. False for somebody we never met."""
    return members.note_left(external_id, at=now)


@transaction.atomic
def choose(*, author: Person, choice: Choice, source: str, evidence: str, now: datetime) -> str:
    """Show or change a member's choice about follow-ups, and return the answer."""
    _, profile = _meet(author, now=now)
    return _apply(choice, user_id=profile.user_id, source=source, evidence=evidence, now=now)


@transaction.atomic
def choose_by_text(
    *, own: Account, author: Person, choice: Choice, letter: Letter, channel_id: str = "", now: datetime
) -> bool:
    """Show or change a member's choice as they wrote it, and queue the answer as a private message.

    A choice that was written in private (`channel_id`) is kept in the inbox and taken once: False when it is known.
    """
    account, profile = _meet(author, now=now)
    conversation = inbox.open_conversation(account=own, participant=account, external_channel_id=channel_id, now=now)
    if channel_id and not inbox.record_inbound(
        conversation=conversation,
        external_message_id=letter.external_id,
        text=letter.text,
        sent_at=letter.sent_at,
        metadata={"command": True},
        is_read=True,
        now=now,
    ):
        return False
    if choice is Choice.ON and _was_changed_after(profile.user_id, letter.sent_at):
        choice = Choice.STATUS  # read late, after a time offline: it must not undo what the member said since
    evidence = f"message {letter.external_id}"
    answer = _apply(choice, user_id=profile.user_id, source="text_command", evidence=evidence, now=now)
    outbox.queue_reply(conversation=conversation, text=answer, now=now)
    return True


def _was_changed_after(user_id: str, moment: datetime) -> bool:
    newest = consent.current(user_id)
    return newest is not None and newest.recorded_at > moment


def _apply(choice: Choice, *, user_id: str, source: str, evidence: str, now: datetime) -> str:
    if choice is Choice.ON:
        opting_in.opt_in(user_id=user_id, source=source, evidence=evidence, actor=user_id, now=now)
        return texts.enabled()
    if choice is Choice.OFF:
        withdrawal = consent.withdraw(user_id=user_id, source=source, evidence=evidence, actor=user_id, now=now)
        return texts.disabled(cancelled=withdrawal.cancelled_follow_ups)
    try:
        consent.require(user_id)  # what the sender asks, so that the answer can't differ from what happens
    except consent.ConsentMissing:
        return texts.status(None, now=now)
    return texts.status(preferences.of_member(user_id, now=now), now=now)


def _meet(person: Person, *, now: datetime) -> tuple[Account, UserProfile]:
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


# --- What the relay writes ---


class _LeaseLost(Exception):
    """Rolls back what was told to the domain."""


def settle_sent(held: Delivery, *, external_message_id: str, now: datetime) -> bool:
    """The message arrived. False, and nothing changed, when the lease was lost."""
    return _settle(
        lambda: delivery.on_sent(held.message, now=now),
        lambda: outbox.record_sent(held, external_message_id=external_message_id, now=now),
    )


def settle_failed(held: Delivery, *, code: str, reason: str, unreachable: bool, now: datetime) -> bool:
    """The message was refused for good. False, and nothing changed, when the lease was lost."""
    return _settle(
        lambda: delivery.on_failed(held.message, reason=reason, unreachable=unreachable, now=now),
        lambda: outbox.record_failed(held, code=code, reason=reason, now=now),
    )


def settle_suppressed(held: Delivery, *, decision: Decision, now: datetime) -> bool:
    """The policy stopped the message. False, and nothing changed, when the lease was lost."""
    return _settle(
        lambda: delivery.on_suppressed(held.message, decision=decision, now=now),
        lambda: outbox.suppress(held, reason=decision.reason or str(decision.gate), now=now),
    )


def release(held: Delivery, *, next_attempt_at: datetime, reason: str = "", may_have_arrived: bool = False) -> bool:
    """Put the message back into the queue. False, and nothing changed, when the lease was lost."""
    with transaction.atomic():
        # The database asks for the consent of what is queued and locks the member for that, who comes before the
        # message in the order of locks. Whoever is gone by now has no message either.
        with suppress(UserProfile.DoesNotExist):
            members.lock(held.message.conversation.participant_id)
        return outbox.release(held, next_attempt_at=next_attempt_at, reason=reason, may_have_arrived=may_have_arrived)


def settle_unknown(held: Delivery, *, reason: str, now: datetime) -> bool:
    """Nobody can tell. False, and nothing changed, when the lease was lost."""
    return outbox.record_unknown(held, reason=reason, now=now)


def _settle(tell_domain: Callable[[], None], record_outcome: Callable[[], bool]) -> bool:
    # The domain first: it locks the member, who comes before the message in the order of locks.
    try:
        with transaction.atomic():
            tell_domain()
            if not record_outcome():
                raise _LeaseLost
    except _LeaseLost:
        return False
    return True


def remember_channel(conversation_id: int, channel_id: str) -> None:
    """Keep the id of a private channel, which saves the call that opens it; empty forgets it."""
    Conversation.objects.filter(pk=conversation_id).update(external_channel_id=channel_id)


def known_external_ids(conversation_id: int) -> set[str]:
    """The messages of a conversation that are accounted for, newest thousand."""
    known = Message.objects.filter(conversation_id=conversation_id, external_message_id__isnull=False)
    return {key for key in known.order_by("-sent_at").values_list("external_message_id", flat=True)[:1000] if key}
