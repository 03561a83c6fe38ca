"""What the relay asks before it sends, and tells afterwards. Each runs in the caller's transaction, if any."""

from datetime import datetime

from followups.policy import Decision
from socialmedia.models import Message


def may_send(message: Message, *, now: datetime) -> Decision:
    """Ask the policy once more, just before the call. Messages that are not follow-ups may always go."""
    raise NotImplementedError


def on_sent(message: Message, *, now: datetime) -> None:
    """The message arrived: follow-up `executed`, a history row, and the member's `last_follow_up_sent`."""
    raise NotImplementedError


def on_failed(message: Message, *, reason: str, unreachable: bool, now: datetime) -> None:
    """The message was refused for good: follow-up `failed`; `unreachable` also marks the member until they write."""
    raise NotImplementedError


def on_suppressed(message: Message, *, decision: Decision, now: datetime) -> None:
    """The policy stopped the message at the relay: follow-up `skipped` with the gate as its reason."""
    raise NotImplementedError
