"""What a member's own message changes: activity, relationship, the answer to a follow-up, plans made moot."""

from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction
from django.db.models import Q

from followups import cancelling, conf, members
from followups.models import FollowUpHistory, Trigger, UserProfile
from socialmedia.models import Message

MOOT_REASON = "member wrote"


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

    Messages may arrive late and in any order: no time moves backwards, and one from before is no sign of life now.
    """
    at = min(at, now)
    with transaction.atomic():
        members.lock(profile.pk)
        _count(profile.pk, at=at)
        answered = _attribute(profile.pk, at=at) if is_private else None
        return Reaction(answered_follow_up=answered, cancelled=_cancel_moot(profile.pk, at=at, now=now))


def attribute_earlier(sent: FollowUpHistory) -> None:
    """Give a follow-up that has just been recorded the answer which came before its record: while the relay waited for
    Discord or the database, or until a person said that it had arrived. Needs the member's row locked.
    """
    of_member = FollowUpHistory.objects.filter(user_id=sent.user_id)
    until = sent.sent_at + conf.current().response_window
    following = of_member.filter(sent_at__gt=sent.sent_at).order_by("sent_at").first()
    if following is not None:
        until = min(until, following.sent_at)
    answers = Message.objects.filter(
        conversation__participant_id=sent.user_id,
        is_outgoing=False,
        sent_at__gt=sent.sent_at,
        sent_at__lte=until,
    ).exclude(Q(metadata__has_key="command") | Q(metadata__has_key="imported"))
    answer = answers.order_by("sent_at", "pk").first()
    if answer is None:
        return
    # An older follow-up may have got it meanwhile.
    of_member.filter(sent_at__lt=sent.sent_at, response_time__gt=sent.sent_at, response_time__lte=until).update(
        response_received=False, response_time=None
    )
    FollowUpHistory.objects.filter(pk=sent.pk).update(response_received=True, response_time=answer.sent_at)


def _count(user_id: str, *, at: datetime) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT followups_count_activity(%(member)s, 1, %(at)s, %(at)s)", {"member": user_id, "at": at})


def _attribute(user_id: str, *, at: datetime) -> int | None:
    """Attribute the message to the latest follow-up sent before it, if nobody has answered that one yet."""
    window = conf.current().response_window
    latest = FollowUpHistory.objects.filter(user_id=user_id, sent_at__lt=at).order_by("-sent_at", "-pk").first()
    if latest is None or at - latest.sent_at > window:
        return None
    answered = FollowUpHistory.objects.filter(pk=latest.pk, response_received=False).update(
        response_received=True, response_time=at
    )
    return latest.pk if answered else None


def _cancel_moot(user_id: str, *, at: datetime, now: datetime) -> int:
    """Cancel the plans that rest on a silence which this message ends."""
    limits = conf.current().limits()
    moot = [
        trigger
        for trigger in (Trigger.INACTIVITY.value, Trigger.RE_ENGAGEMENT.value)
        if (window := limits.activity_window(trigger)) is not None and at + window > now
    ]
    if not moot:
        return 0
    return cancelling.cancel_pending(user_id, reason=MOOT_REASON, now=now, triggers=moot)
