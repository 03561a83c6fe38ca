"""What became of a message: what the relay writes, each in one transaction, and only while its lease holds."""

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import Protocol

from django.db import transaction

from bots.staff import mirror
from followups import delivery, members
from followups.models import UserProfile
from followups.policy import Decision
from socialmedia import outbox
from socialmedia.models import Conversation, Message
from socialmedia.outbox import Delivery


class Openings(Protocol):
    """The budget of new private channels: `bots.governor.openings`."""

    def reserve(self, account_id: int, *, user_id: str, now: datetime) -> datetime | None: ...
    def settle(self, account_id: int, *, user_id: str, success: bool, code: str = "", now: datetime) -> None: ...
    def forget(self, account_id: int, *, user_id: str) -> None: ...
    def trip(self, account_id: int, *, reason: str, now: datetime) -> datetime: ...


class _LeaseLost(Exception):
    """Rolls back what was told to the domain."""


def settle_sent(held: Delivery, *, external_message_id: str, now: datetime) -> bool:
    """The message arrived. False, and nothing changed, when the lease was lost."""
    if not held.message.is_automated and not mirror.is_wanted():  # nobody to tell of it
        return outbox.record_sent(held, external_message_id=external_message_id, now=now)
    return _settle(
        lambda: _tell_of_sent(held.message, now=now),
        lambda: outbox.record_sent(held, external_message_id=external_message_id, now=now),
    )


def _tell_of_sent(message: Message, *, now: datetime) -> None:
    if message.is_automated:
        delivery.on_sent(message, now=now)
    mirror.sent(message)


def settle_failed(held: Delivery, *, code: str, reason: str, unreachable: bool, now: datetime) -> bool:
    """The message was refused for good. False, and nothing changed, when the lease was lost."""
    return _settle(
        lambda: _tell_of_failure(held.message, reason=reason, unreachable=unreachable, now=now),
        lambda: outbox.record_failed(held, code=code, reason=reason, now=now),
    )


def _tell_of_failure(message: Message, *, reason: str, unreachable: bool, now: datetime) -> None:
    delivery.on_failed(message, reason=reason, unreachable=unreachable, now=now)
    mirror.not_sent(message, reason=reason)


def settle_suppressed(held: Delivery, *, decision: Decision, now: datetime) -> bool:
    """The policy stopped the message. False, and nothing changed, when the lease was lost."""
    return _settle(
        lambda: delivery.on_suppressed(held.message, decision=decision, now=now),
        lambda: outbox.suppress(held, reason=decision.reason or str(decision.gate), now=now),
    )


def release(
    held: Delivery,
    *,
    next_attempt_at: datetime,
    reason: str = "",
    may_have_arrived: bool = False,
    untouched: bool = False,
) -> bool:
    """Put the message back into the queue. False, and nothing changed, when the lease was lost."""
    with transaction.atomic():
        # The database asks for the consent of what is queued and locks the member for that, who comes before the
        # message in the order of locks. Whoever is gone by now has no message either.
        with suppress(UserProfile.DoesNotExist):
            members.lock(held.message.conversation.participant_id)
        return outbox.release(
            held,
            next_attempt_at=next_attempt_at,
            reason=reason,
            may_have_arrived=may_have_arrived,
            untouched=untouched,
        )


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


def record_opened(conversation: Conversation, openings: Openings, *, now: datetime) -> None:
    """A new private channel is open: keep its id, which saves the call that opens it."""
    with transaction.atomic():
        known = Conversation.objects.filter(pk=conversation.pk)
        is_known = bool(known.update(external_channel_id=conversation.external_channel_id))
        _settle_opening(conversation, openings, success=True, is_known=is_known, now=now)


def record_not_opened(conversation: Conversation, openings: Openings, *, code: str, now: datetime) -> None:
    """A new private channel could not be opened, or nobody knows whether it was."""
    with transaction.atomic():
        # Locked, so that a forgetting which is under way ends before.
        is_known = bool(Conversation.objects.select_for_update(no_key=True).filter(pk=conversation.pk))
        _settle_opening(conversation, openings, success=False, code=code, is_known=is_known, now=now)


def _settle_opening(
    conversation: Conversation, openings: Openings, *, success: bool, code: str = "", is_known: bool, now: datetime
) -> None:
    account_id, user_id = conversation.account_id, conversation.participant_id
    openings.settle(account_id, user_id=user_id, success=success, code=code, now=now)
    if not is_known:  # the place may have been taken just after they were forgotten
        openings.forget(account_id, user_id=user_id)


def forget_channel(conversation_id: int) -> None:
    """A private channel is gone: the next message opens a new one."""
    Conversation.objects.filter(pk=conversation_id).update(external_channel_id="")


def known_external_ids(conversation_id: int) -> set[str]:
    """The messages of a conversation that are accounted for, and their parts: those of the newest thousand."""
    ours = Message.objects.filter(conversation_id=conversation_id, is_outgoing=True).order_by("-sent_at")
    rows = ours.values_list("external_message_id", "metadata__parts")[:1000]
    return {key for last, parts in rows for key in (last, *(parts or ())) if key}
