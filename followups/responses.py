"""What a member's own message changes: activity, relationship, the answer to a follow-up, plans made moot."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db import connection, transaction
from django.db.models import Q

from followups import cancelling, conf, harm, members, readings
from followups.emotion import Reading
from followups.llm import drafting
from followups.models import FollowUp, FollowUpHistory, FollowUpStatus, Holdout, Trigger, UserProfile
from socialmedia import inbox
from socialmedia.models import ChannelActivity, Message, MessageStatus

MOOT_REASON = "member wrote"
TAKEN_BACK_REASON = "the member took back what it rests on"
ONE_SIGN: Final = timedelta(minutes=1)
"""Of many reactions one in this time is written down."""


@dataclass(frozen=True)
class Reaction:
    """What the message changed."""

    answered_follow_up: int | None
    """Id of the `follow_up_history` row it was attributed to."""
    cancelled: int
    """Pending follow-ups it made moot."""
    reading: Reading | None = None
    """How it sounded, if it was read."""


def record_activity(
    profile: UserProfile, *, at: datetime, is_private: bool, message: Message | None = None, now: datetime
) -> Reaction:
    """Take in one new message of the member, written `at`. Call it once per message, in the transaction that
    stores the message. Only private messages answer a follow-up, and `message`, the stored one, is read for its mood;
    a command, a stop word or an imported message is neither.

    Messages may arrive late and in any order: no time moves backwards, and one from before is no sign of life now.
    """
    at = min(at, now)
    with transaction.atomic():
        members.lock(profile.pk)
        _count(profile.pk, at=at)
        _note_return(profile.pk, at=at)
        tells = is_private and (message is None or readings.is_own_words(message))
        answered = _attribute(profile.pk, at=at) if tells else None
        cancelled = _cancel_moot(profile.pk, at=at, now=now)
        reading = None if message is None else readings.take_in(message, user_id=profile.pk, at=at, now=now)
        return Reaction(answered_follow_up=answered, cancelled=cancelled, reading=reading)


def record_reaction(*, external_message_id: str, user_id: str, now: datetime) -> bool:
    """Note the member's first reaction to a follow-up, by the network's id of its message. It is neither an answer nor
    a message. False when the message is no follow-up to them or has a reaction already.
    """
    sent = FollowUpHistory.objects.filter(user_id=user_id, follow_up__message__external_message_id=external_message_id)
    known = list(sent.values_list("pk", flat=True))
    return bool(FollowUpHistory.objects.filter(pk__in=known, reacted_at=None).update(reacted_at=now))


def note_edit(message: Message, *, user_id: str, now: datetime) -> Reading | None:
    """Take in that the member has changed a private message: its mood is read again, and what a model wrote with the
    old words in view is out of date. Needs the member's row locked.
    """
    drafting.outdate(user_id, now=now)
    return readings.take_in_edit(message, now=now)


def note_taken_back(message: Message, *, user_id: str, now: datetime) -> None:
    """Take in that a private message was deleted: nothing rests on its words any more, not even a follow-up that was
    written and has not gone out yet. That the member wrote, and answered, stays. Needs the member's row locked.
    """
    follow_ups = drafting.citing(message)
    for follow_up_id in follow_ups:
        cancelling.cancel(follow_up_id, reason=TAKEN_BACK_REASON, now=now)
    unsent = FollowUp.objects.filter(pk__in=follow_ups, status=FollowUpStatus.CANCELLED)
    texts = Message.objects.filter(pk__in=unsent.values("message_id"), status=MessageStatus.SUPPRESSED)
    texts.update(message_text=inbox.TAKEN_BACK)
    unsent.update(message_content=inbox.TAKEN_BACK)
    drafting.outdate(user_id, now=now)
    drafting.forget_words(message)
    readings.forget(message, now=now)


def note_sign_of_life(user_id: str, *, at: datetime) -> bool:
    """Note that a member did something that is no message, such as a reaction in a channel: it ends a silence and
    counts for nothing else. False for somebody whom we do not know, or have heard of within the last minute.
    """
    known = Q(last_interaction=None) | Q(last_interaction__lt=at - ONE_SIGN)
    if not UserProfile.objects.filter(known, pk=user_id).exists():
        return False
    _count(user_id, at=at, messages=0)
    return True


def attribute_earlier(sent: FollowUpHistory, *, now: datetime) -> None:
    """Give a follow-up that has just been recorded what came before its record, while the relay waited for Discord or
    the database, or until a person said that it had arrived: the answer, the return, the harm. Needs the member's row
    locked.
    """
    harm.note_earlier(sent)
    _note_earlier_return(sent)
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
    answer = next(filter(readings.is_own_words, answers.order_by("sent_at", "pk").iterator()), None)
    if answer is None:
        return
    # An older follow-up may have got it meanwhile.
    of_member.filter(sent_at__lt=sent.sent_at, response_time__gt=sent.sent_at, response_time__lte=until).update(
        response_received=False, response_time=None
    )
    FollowUpHistory.objects.filter(pk=sent.pk).update(response_received=True, response_time=answer.sent_at)
    readings.charge_answer(answer, user_id=sent.user_id, now=now)


def _count(user_id: str, *, at: datetime, messages: int = 1) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT followups_count_activity(%(member)s, %(messages)s, %(at)s, %(at)s)",
            {"member": user_id, "messages": messages, "at": at},
        )


def _note_return(user_id: str, *, at: datetime) -> None:
    """Note for what was sent, or kept back, within the window before `at` that the member has come back: their first
    message anywhere. By idx_follow_up_user_time and idx_holdouts_user_time.
    """
    since = at - conf.current().response_window
    is_first = Q(returned_at=None) | Q(returned_at__gt=at)
    sent = FollowUpHistory.objects.filter(is_first, user_id=user_id, sent_at__lt=at, sent_at__gte=since)
    sent.update(returned_at=at)
    kept_back = Holdout.objects.filter(is_first, user_id=user_id, held_at__lt=at, held_at__gte=since)
    kept_back.update(returned_at=at)


def _note_earlier_return(sent: FollowUpHistory) -> None:
    """Note the first message that came before the record of what was sent."""
    profile = UserProfile.objects.get(pk=sent.user_id)
    if profile.last_interaction is None or profile.last_interaction <= sent.sent_at:
        return
    until = sent.sent_at + conf.current().response_window
    private = Message.objects.filter(
        conversation__participant_id=sent.user_id, is_outgoing=False, sent_at__gt=sent.sent_at, sent_at__lte=until
    ).exclude(Q(metadata__has_key="command"))
    public = ChannelActivity.objects.filter(author_id=profile.account_id, sent_at__gt=sent.sent_at, sent_at__lte=until)
    firsts = [rows.order_by("sent_at").values_list("sent_at", flat=True).first() for rows in (private, public)]
    if times := [at for at in firsts if at is not None]:
        FollowUpHistory.objects.filter(pk=sent.pk).update(returned_at=min(times))


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
