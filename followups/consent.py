"""Consent: opt-in, proven by receipts, fails closed."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db import transaction

from followups import cancelling, harm, members, stop_words
from followups import topics as topics_of
from followups.models import ConsentReceipt, ConsentState, Harm, UserProfile, every_topic
from socialmedia import outbox
from socialmedia.models import Message, MessageStatus

WORDINGS: Final = {
    "2026-11": (
        "Checkback may send you a private message now and then: when you have been quiet for a while, after an event "
        "you attended, or when you sounded unhappy. At most two a week, never at night. "
        "You can stop this at any time with /followup_settings off."
    ),
    "2026-11-22": (
        "Checkback may send you a private message now and then: check-ins (when you have been quiet for a while, "
        "sounded unhappy, have your birthday or set yourself a goal), after events you attended, and after a long "
        "silence. At most two a week, never at night. Tell your community's team if you want them less often, a pause, "
        "or one of these left out. You can stop all of it yourself at any time with /followup_settings off, "
        "or by writing `stop` to me."
    ),
    "2026-11-23": (
        "Checkback may send you a private message now and then: check-ins (when you have been quiet for a while, "
        "sounded unhappy, have your birthday or set yourself a goal), after events you attended, and after a long "
        "silence. At most two a week, never at night. With /followups you see what is planned, and choose topics, "
        "less often or a pause. You can stop all of it at any time with /followup_settings off, "
        "or by writing `stop` to me."
    ),
}
"""Every text that members were ever asked with. One that was in use never changes: exports show what was seen."""
WORDING_VERSION: Final = "2026-11-23"
WORDING: Final = WORDINGS[WORDING_VERSION]

WITHDRAWN = "consent withdrawn"
TOPIC_OFF = "topic turned off"


def asks_to_stop(text: str) -> bool:
    """Whether a member's private message says nothing but that they want no more messages, in any of our languages."""
    return stop_words.is_one(text)


class ConsentMissing(Exception):
    """There is no live consent of this member."""


class UnknownTopic(ValueError):
    """There is no such topic; the message says which there are."""


@dataclass(frozen=True)
class Consent:
    """Proof that the member has opted in. Only `require` makes one."""

    user_id: str
    receipt_id: int


@dataclass(frozen=True)
class Withdrawal:
    """What an opt-out, of everything or of some topics, came to."""

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
    *,
    user_id: str,
    source: str,
    evidence: str,
    actor: str,
    wording_version: str = WORDING_VERSION,
    topics: Iterable[str] | None = None,
) -> ConsentReceipt:
    """Record that the member opted in, to all topics or to some. Granting twice writes no second receipt: the first
    one is returned, with its topics; `change_topics` changes those.

    Raises:
        UserProfile.DoesNotExist: nobody with this id is known.
        UnknownTopic: there is no such topic, or none is named.
    """
    wanted = every_topic() if topics is None else _known(topics)
    if not wanted:
        raise UnknownTopic(f"A yes must name a topic at least: {', '.join(every_topic())}.")
    with transaction.atomic():
        profile = members.lock(user_id)
        newest = current(user_id)
        if newest is not None and newest.state == ConsentState.GRANTED and profile.follow_ups_enabled:
            return newest
        return _write(
            profile,
            state=ConsentState.GRANTED,
            topics=wanted,
            source=source,
            evidence=evidence,
            actor=actor,
            wording_version=wording_version,
        )


def change_topics(
    *, user_id: str, topics: Iterable[str], source: str, evidence: str, actor: str, now: datetime
) -> Withdrawal:
    """Record what the member wants to hear about from now on: a new receipt with exactly these topics. In the same
    transaction everything pending of a topic that is turned off is cancelled, with its job and its queued message.

    No topic at all is a withdrawal; the same ones as before write nothing.

    Raises:
        UserProfile.DoesNotExist: nobody with this id is known.
        UnknownTopic: there is no such topic.
        ConsentMissing: the member has not opted in, so there is nothing to choose from.
    """
    wanted = _known(topics)
    with transaction.atomic():
        profile = members.lock(user_id)
        require(user_id)
        newest = ConsentReceipt.objects.filter(user_id=user_id).latest("id")
        if not wanted:
            return withdraw(user_id=user_id, source=source, evidence=evidence, actor=actor, now=now)
        if wanted == _known(newest.topics):
            return Withdrawal(receipt=newest, cancelled_follow_ups=0)
        receipt = _write(
            profile,
            state=ConsentState.GRANTED,
            topics=wanted,
            source=source,
            evidence=evidence,
            actor=actor,
            wording_version=WORDING_VERSION,
        )
        return Withdrawal(receipt=receipt, cancelled_follow_ups=_cancel_unwanted(user_id, wanted, now=now))


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
            topics=[],
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


def _cancel_unwanted(user_id: str, wanted: list[str], *, now: datetime) -> int:
    unwanted = [trigger for trigger, topic in topics_of.TOPIC_OF.items() if topic not in wanted]
    return cancelling.cancel_pending(user_id, reason=TOPIC_OFF, now=now, triggers=unwanted)


def _known(topics: Iterable[str]) -> list[str]:
    """The topics in their own order, each once."""
    asked = {str(topic) for topic in topics}
    if unknown := sorted(asked.difference(every_topic())):
        raise UnknownTopic(f"{unknown[0]!r} is not a topic: use {', '.join(every_topic())}.")
    return [topic for topic in every_topic() if topic in asked]


def _write(profile: UserProfile, *, state: ConsentState, topics: list[str], **details: str) -> ConsentReceipt:
    """Add a receipt and set the member's switch and topics, which never change apart. Needs the member's row locked."""
    receipt = ConsentReceipt.objects.create(user=profile, state=state, topics=topics, **details)
    is_enabled = state == ConsentState.GRANTED
    UserProfile.objects.filter(pk=profile.pk).update(follow_ups_enabled=is_enabled, topics=topics)
    receipt.refresh_from_db()
    return receipt
