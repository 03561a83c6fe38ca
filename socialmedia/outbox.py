"""The one way out: queued messages, claimed by a relay, with an outcome that only the claim's holder can write."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from socialmedia.models import Account, Conversation, Message


class Permission(Protocol):
    """A live consent; only `followups.consent.require` makes one."""

    @property
    def receipt_id(self) -> int: ...


@dataclass(frozen=True)
class Delivery:
    """A claimed message. `token` is the right to record its outcome until the lease runs out."""

    message: Message
    token: UUID


def queue_automated(
    *, conversation: Conversation, text: str, permission: Permission, template: str = "", now: datetime
) -> Message:
    """Queue a message that nobody asked for at this moment. It rests on a consent; the database checks it again."""
    raise NotImplementedError


def queue_reply(*, conversation: Conversation, text: str, now: datetime) -> Message:
    """Queue an answer inside a conversation the member started (or a staff member's own message)."""
    raise NotImplementedError


def claim(*, account: Account, limit: int, lease: timedelta) -> list[Delivery]:
    """Take due queued messages of one account: `queued -> sending`. Skips rows others hold.

    Order is kept per conversation: only the oldest unsent message of a conversation can be claimed, and none
    while another one of it is being sent. Uses the database's clock.
    """
    raise NotImplementedError


def stranded(*, account: Account, limit: int, lease: timedelta) -> list[Delivery]:
    """Take over messages left `sending` by a relay that died (lease expired). Their outcome is not known yet."""
    raise NotImplementedError


def record_sent(delivery: Delivery, *, external_message_id: str, now: datetime) -> bool:
    """The network took it. False when the lease was lost."""
    raise NotImplementedError


def record_failed(delivery: Delivery, *, code: str, reason: str, now: datetime) -> bool:
    """The network refused it for good. False when the lease was lost."""
    raise NotImplementedError


def record_unknown(delivery: Delivery, *, reason: str, now: datetime) -> bool:
    """Nobody can tell whether it arrived: a person must look. False when the lease was lost."""
    raise NotImplementedError


def release(delivery: Delivery, *, next_attempt_at: datetime, reason: str = "") -> bool:
    """Back to the queue: it was certainly not sent. False when the lease was lost."""
    raise NotImplementedError


def suppress(delivery: Delivery, *, reason: str, now: datetime) -> bool:
    """Not sent, on purpose (consent withdrawn, policy). False when the lease was lost."""
    raise NotImplementedError


def suppress_queued(message_id: int, *, reason: str, now: datetime) -> bool:
    """Stop a message that no relay has taken yet. False when it is too late."""
    raise NotImplementedError
