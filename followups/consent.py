"""Consent: opt-in, proven by receipts, fails closed."""

import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from followups import cancelling, harm, members
from followups.models import ConsentReceipt, ConsentState, Harm, UserProfile
from socialmedia import outbox
from socialmedia.models import Message, MessageStatus

WORDING_VERSION = "2026-11"
WORDING = (
    "Checkback may send you a private message now and then: when you have been quiet for a while, after an event "
    "you attended, or when you sounded unhappy. At most two a week, never at night. "
    "You can stop this at any time with /followup_settings off."
)


WITHDRAWN = "consent withdrawn"


# The whole message, not a word in it. The command counts as it is written: pasted or typed without picking it from
# Discord's list, it arrives as ordinary words, and it is what our own messages tell people to use.
_STOP = re.compile(
    r"[\W_]*(?:please\W+)?(?:stop|unsubscribe|opt\W?out|followup_settings\W+(?:action\W+)?(?:off|disable|stop))"
    r"(?:\W+please)?[\W_]*"
)


def asks_to_stop(text: str) -> bool:
    """Whether a member's private message says nothing but that they want no more messages."""
    return _STOP.fullmatch(unicodedata.normalize("NFKC", text).casefold()) is not None


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
    return ConsentReceipt.objects.filter(user_id=user_id).order_by("-id").first()


def require(user_id: str) -> Consent:
    """Return the live consent. Raises ConsentMissing when it was never given, refused or withdrawn."""
    receipt = ConsentReceipt.objects.filter(user_id=user_id).select_related("user").order_by("-id").first()
    if receipt is None or receipt.state != ConsentState.GRANTED or receipt.user.follow_ups_enabled is not True:
        raise ConsentMissing(f"Member {user_id} has no live consent.")
    return Consent(user_id=user_id, receipt_id=receipt.pk)


def grant(
    *, user_id: str, source: str, evidence: str, actor: str, wording_version: str = WORDING_VERSION
) -> ConsentReceipt:
    """Record that the member opted in. Granting twice writes no second receipt: the first one is returned.

    Raises:
        UserProfile.DoesNotExist: nobody with this id is known.
    """
    with transaction.atomic():
        profile = members.lock(user_id)
        newest = current(user_id)
        if newest is not None and newest.state == ConsentState.GRANTED and profile.follow_ups_enabled:
            return newest
        return _write(
            profile,
            state=ConsentState.GRANTED,
            source=source,
            evidence=evidence,
            actor=actor,
            wording_version=wording_version,
        )


def withdraw(*, user_id: str, source: str, evidence: str, actor: str, now: datetime) -> Withdrawal:
    """Record that the member opted out, and in the same transaction cancel every pending follow-up, its job and
    its queued message. Withdrawing without a live consent records a refusal.

    A message that is on the wire at this moment cannot be called back; the relay asks the policy before it sends.

    Raises:
        UserProfile.DoesNotExist: nobody with this id is known.
    """
    with transaction.atomic():
        profile = members.lock(user_id)
        newest = current(user_id)
        was_live = newest is not None and newest.state == ConsentState.GRANTED
        receipt = _write(
            profile,
            state=ConsentState.WITHDRAWN if was_live else ConsentState.REFUSED,
            source=source,
            evidence=evidence,
            actor=actor,
            wording_version=WORDING_VERSION,
        )
        cancelled = cancelling.cancel_pending(user_id, reason=WITHDRAWN, now=now)
        _suppress_queued(user_id, now=now)
        if was_live:
            harm.note(user_id, Harm.OPT_OUT, at=now)
        return Withdrawal(receipt=receipt, cancelled_follow_ups=cancelled)


def _suppress_queued(user_id: str, *, now: datetime) -> None:
    """Stop the other automated messages, which no follow-up wrote. Answers to the member still go out."""
    queued = Message.objects.filter(
        conversation__participant_id=user_id, is_outgoing=True, is_automated=True, status=MessageStatus.QUEUED
    )
    for message_id in queued.order_by("pk").values_list("pk", flat=True):
        outbox.suppress_queued(message_id, reason=WITHDRAWN, now=now)


def _write(profile: UserProfile, *, state: ConsentState, **details: str) -> ConsentReceipt:
    """Add a receipt and set the member's switch, which never change apart. Needs the member's row locked."""
    receipt = ConsentReceipt.objects.create(user=profile, state=state, **details)
    UserProfile.objects.filter(pk=profile.pk).update(follow_ups_enabled=state == ConsentState.GRANTED)
    receipt.refresh_from_db()
    return receipt
