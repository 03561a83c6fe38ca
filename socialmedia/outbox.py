"""The one way out: queued messages, claimed by a relay, with an outcome that only the claim's holder can write."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, Protocol
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from django.db.models import F, JSONField, QuerySet, Value
from django.db.models.expressions import CombinedExpression
from django.db.models.functions import Coalesce, Now

from socialmedia import inbox
from socialmedia.models import Account, Conversation, Message, MessageStatus

_SQL: Final = Path(__file__).parent / "sql"
_CLAIM: Final = (_SQL / "claim_messages_v1.sql").read_text()
_TAKE_OVER: Final = (_SQL / "take_over_messages_v1.sql").read_text()
_CLAIM_TRIES: Final = 3


class Permission(Protocol):
    """A live consent; only `followups.consent.require` makes one."""

    @property
    def receipt_id(self) -> int: ...


@dataclass(frozen=True)
class Delivery:
    """A claimed message. `token` is the right to record its outcome until the lease runs out."""

    message: Message
    token: UUID
    untried: bool
    """Nothing that is still missing of it can have reached the network in an earlier attempt."""

    @property
    def part_ids(self) -> list[str]:
        """The network's ids of those parts of a long message that have arrived."""
        return list(self.message.metadata.get("parts", []))


def queue_automated(
    *, conversation: Conversation, text: str, permission: Permission, template: str = "", now: datetime
) -> Message:
    """Queue a message that nobody asked for at this moment. It rests on a consent; the database checks it again."""
    return _queue(
        conversation, text, is_automated=True, consent_id=permission.receipt_id, template_used=template, now=now
    )


def queue_reply(
    *,
    conversation: Conversation,
    text: str,
    metadata: Mapping[str, Any] | None = None,
    nonce: str = "",
    template: str = "",
    now: datetime,
) -> Message:
    """Queue an answer inside a conversation the member started (or a staff member's own message). `metadata` is for
    whoever sends it. A `nonce` that names what is answered makes a second answer to it impossible.
    """
    more = {"metadata": dict(metadata or {}), "template_used": template}
    return _queue(conversation, text, nonce=nonce, is_automated=False, now=now, **more)


def claim(*, account: Account, limit: int, lease: timedelta) -> list[Delivery]:
    """Take due queued messages of one account: `queued -> sending`. Skips rows others hold.

    Order is kept per conversation: only the oldest unsent message of a conversation can be claimed, and none
    while another one of it is being sent. An automated message that waits for its time holds up nobody.
    Uses the database's clock.
    """
    for _ in range(_CLAIM_TRIES):
        try:
            return _take(_CLAIM, account=account, limit=limit, lease=lease)
        except IntegrityError:
            # Another relay has taken another message of one of these conversations since our snapshot. A new
            # snapshot shows it; the next round comes soon enough should that happen again and again.
            continue
    return []


def stranded(*, account: Account, limit: int, lease: timedelta) -> list[Delivery]:
    """Take over messages left `sending` by a relay that died (lease expired). Their outcome is not known yet."""
    return _take(_TAKE_OVER, account=account, limit=limit, lease=lease)


def record_part(delivery: Delivery, *, external_message_id: str, lease: timedelta) -> Delivery | None:
    """One more part of a long message arrived, and it was not the last. Returns the delivery of the rest, with a new
    lease; None when the lease was lost.

    `first_attempt_at` becomes the first attempt of the rest: the network knows a part's nonce for as long.
    """
    message = delivery.message
    parts = {"parts": [*delivery.part_ids, external_message_id]}
    metadata = CombinedExpression(F("metadata"), "||", Value(parts, JSONField()))
    held = _held(delivery).update(metadata=metadata, first_attempt_at=Now(), lease_expires_at=Now() + lease)
    if not held:
        return None
    message.metadata = {**message.metadata, **parts}
    message.first_attempt_at = Message.objects.values_list("first_attempt_at", flat=True).get(pk=message.pk)
    return replace(delivery, untried=True)


def record_sent(delivery: Delivery, *, external_message_id: str, now: datetime) -> bool:
    """The network took it. False when the lease was lost."""
    message = delivery.message
    with transaction.atomic():
        inbox.hold(message.conversation_id)
        held = _settle(
            delivery,
            status=MessageStatus.SENT,
            external_message_id=external_message_id,
            sent_at=now,
            delivered_at=now,
            error_code="",
            error_message="",
        )
        if held:
            inbox.note_last_message(
                conversation_id=message.conversation_id, text=message.message_text, is_outgoing=True, at=now
            )
    return held


def record_failed(delivery: Delivery, *, code: str, reason: str, now: datetime) -> bool:
    """The network refused it for good. False when the lease was lost."""
    return _settle(delivery, status=MessageStatus.FAILED, error_code=code, error_message=reason)


def record_unknown(delivery: Delivery, *, reason: str, now: datetime) -> bool:
    """Nobody can tell whether it arrived: a person must look. False when the lease was lost."""
    return _settle(delivery, status=MessageStatus.UNKNOWN, error_code="unknown", error_message=reason)


def release(
    delivery: Delivery,
    *,
    next_attempt_at: datetime,
    reason: str = "",
    may_have_arrived: bool = False,
    untouched: bool = False,
) -> bool:
    """Back to the queue: this attempt certainly did not send it. False when the lease was lost.

    `may_have_arrived` says that the answer was lost instead: the next attempt must use the nonce or look first.
    `untouched` says that nothing was tried, so that it does not count as an attempt.
    """
    changes: dict[str, Any] = {"next_attempt_at": next_attempt_at, "error_message": reason}
    if untouched:
        changes["attempts"] = F("attempts") - 1
    if delivery.untried and not may_have_arrived:
        changes["first_attempt_at"] = None
    return _settle(delivery, status=MessageStatus.QUEUED, **changes)


def suppress(delivery: Delivery, *, reason: str, now: datetime) -> bool:
    """Not sent, on purpose (consent withdrawn, policy). False when the lease was lost."""
    return _settle(delivery, status=MessageStatus.SUPPRESSED, error_code="suppressed", error_message=reason)


def suppress_queued(message_id: int, *, reason: str, now: datetime) -> bool:
    """Stop a message that no relay has tried yet. False when it is too late: it is or may be on the wire."""
    untouched = Message.objects.filter(pk=message_id, status=MessageStatus.QUEUED, first_attempt_at=None)
    return untouched.update(status=MessageStatus.SUPPRESSED, error_code="suppressed", error_message=reason) == 1


def suppress_replies(conversation_id: int, *, reason: str) -> int:
    """Stop the answers of staff in a conversation that no relay has tried yet. Returns how many; the others are or may
    be on the wire. By idx_messages_queue.
    """
    untouched = Message.objects.filter(
        conversation=conversation_id,
        status=MessageStatus.QUEUED,
        first_attempt_at=None,
        is_automated=False,
        metadata__has_key="staff",
    )
    return untouched.update(status=MessageStatus.SUPPRESSED, error_code="suppressed", error_message=reason)


def record_by_hand(
    *, conversation: Conversation, text: str, metadata: Mapping[str, Any], nonce: str, now: datetime
) -> Message:
    """Store what a person has sent on the network itself. A second one with this `nonce` is an IntegrityError."""
    message = Message.objects.create(
        conversation=conversation,
        message_text=text,
        is_outgoing=True,
        status=MessageStatus.SENT,
        sent_at=now,
        delivered_at=now,
        metadata=dict(metadata),
        nonce=nonce,
    )
    inbox.note_last_message(conversation_id=conversation.pk, text=text, is_outgoing=True, at=now)
    return message


def settle_unknown(message_id: int, *, arrived: bool, now: datetime) -> bool:
    """Write down what a person found out about a message whose outcome nobody knew. False when it is not unknown."""
    changes: dict[str, Any] = (
        {"status": MessageStatus.SENT, "delivered_at": Coalesce("first_attempt_at", now), "error_code": ""}
        if arrived
        else {"status": MessageStatus.FAILED, "error_code": "not_arrived"}
    )
    return Message.objects.filter(pk=message_id, status=MessageStatus.UNKNOWN).update(**changes) == 1


def _queue(conversation: Conversation, text: str, *, nonce: str = "", now: datetime, **values: Any) -> Message:
    """Insert a due queued message. Its nonce names its row, so every attempt of every relay uses the same one."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval(pg_get_serial_sequence('social_media_messages', 'id'))")
        (key,) = cursor.fetchone()
    return Message.objects.create(
        pk=key,
        nonce=nonce or f"ob-{key}",
        conversation=conversation,
        message_text=text,
        is_outgoing=True,
        status=MessageStatus.QUEUED,
        sent_at=now,
        next_attempt_at=now,
        **values,
    )


def _take(statement: str, *, account: Account, limit: int, lease: timedelta) -> list[Delivery]:
    """Run a claiming statement and return what it took, oldest first."""
    values: dict[str, Any] = {"account_id": account.pk, "limit": limit, "lease": lease}
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, values)
        taken = {key: (token, untried) for key, token, untried in cursor.fetchall()}
    messages = Message.objects.filter(pk__in=taken).select_related("conversation").order_by("pk")
    return [Delivery(message, *taken[message.pk]) for message in messages]


def _settle(delivery: Delivery, **changes: Any) -> bool:
    """Write the outcome if the lease is still ours."""
    return _held(delivery).update(lease_token=None, lease_expires_at=None, **changes) == 1


def _held(delivery: Delivery) -> QuerySet[Message]:
    """The message, as long as the lease is ours."""
    return Message.objects.filter(pk=delivery.message.pk, status=MessageStatus.SENDING, lease_token=delivery.token)
