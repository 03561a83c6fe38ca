"""Consent: opt-in, proven by receipts, fails closed."""

from dataclasses import dataclass
from datetime import datetime

from followups.models import ConsentReceipt

WORDING_VERSION = "2026-11"
WORDING = (
    "Checkback may send you a private message now and then: when you have been quiet for a while, after an event "
    "you attended, or when you sounded unhappy. At most two a week, never at night. "
    "You can stop this at any time with /followup_settings off."
)


class ConsentMissing(Exception):
    """There is no live consent of this member."""


@dataclass(frozen=True)
class Consent:
    """Proof that the member has opted in. Only `require` makes one."""

    user_id: str
    receipt_id: int


@dataclass(frozen=True)
class Withdrawal:
    """What an opt-out stopped."""

    receipt: ConsentReceipt
    cancelled_follow_ups: int


def current(user_id: str) -> ConsentReceipt | None:
    """The newest receipt, or None when the member was never asked."""
    raise NotImplementedError


def require(user_id: str) -> Consent:
    """Return the live consent. Raises ConsentMissing when it was never given, refused or withdrawn."""
    raise NotImplementedError


def grant(
    *, user_id: str, source: str, evidence: str, actor: str, wording_version: str = WORDING_VERSION
) -> ConsentReceipt:
    """Record that the member opted in. Granting twice writes no second receipt: the first one is returned.

    Raises:
        UserProfile.DoesNotExist: nobody with this id is known.
    """
    raise NotImplementedError


def withdraw(*, user_id: str, source: str, evidence: str, actor: str, now: datetime) -> Withdrawal:
    """Record that the member opted out, and in the same transaction cancel every pending follow-up, its job and
    its queued message. Withdrawing without a live consent records a refusal.
    """
    raise NotImplementedError
