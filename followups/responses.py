"""What a member's own message changes: activity, relationship, the answer to a follow-up, plans made moot."""

from dataclasses import dataclass
from datetime import datetime

from followups.models import UserProfile


@dataclass(frozen=True)
class Reaction:
    """What the message changed."""

    answered_follow_up: int | None
    """Id of the `follow_up_history` row it was attributed to."""
    cancelled: int
    """Pending follow-ups it made moot."""


def record_activity(profile: UserProfile, *, at: datetime, is_private: bool, now: datetime) -> Reaction:
    """Take in one new message of the member, written `at`. Call it once per message, in the transaction that
    stores the message. Only private messages answer a follow-up.
    """
    raise NotImplementedError
