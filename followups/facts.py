"""Collecting from the database what the policy decides by."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet, Subquery

from followups import conf, policy
from followups.models import ConsentReceipt, FollowUp, FollowUpHistory, FollowUpStatus, UserProfile
from followups.policy import Facts, Limits, Sent
from socialmedia.models import Conversation, MessageStatus

_NEVER_LEFT = (MessageStatus.SUPPRESSED, MessageStatus.FAILED)
_ON_ITS_WAY = (MessageStatus.QUEUED, MessageStatus.SENDING)


def gather(user_id: str, trigger: str, *, now: datetime, asked_about: FollowUp | None = None) -> Facts:
    """Collect the facts about one member in three queries.

    Follow-ups that are written but not yet delivered count as sent now, except the one asked about. Who is about to
    write one must hold the member's row (`members.lock`): then two candidates never both see the last free place.
    """
    limits = conf.current().limits()
    member = annotated(UserProfile.objects.filter(pk=user_id)).first()
    if member is None:
        return Facts(trigger=trigger, limits=limits)
    sent = [*_sent(user_id, now=now, asked_about=asked_about), *_under_way(user_id, now=now, asked_about=asked_about)]
    return of_member(member, trigger=trigger, limits=limits, sent=sent)


def annotated(members: QuerySet[UserProfile]) -> QuerySet[Any]:
    """Bring along what `of_member` needs from other tables."""
    newest = ConsentReceipt.objects.filter(user=OuterRef("pk")).order_by("-id").values("state")[:1]
    blocked = Conversation.objects.filter(participant_id=OuterRef("pk"), account__is_own=True, is_blocked=True)
    rows: QuerySet[Any] = members.annotate(newest_receipt=Subquery(newest), is_blocked=Exists(blocked))
    return rows


def of_member(member: Any, *, trigger: str, limits: Limits, sent: Iterable[Sent]) -> Facts:
    """Make the facts from a row of `annotated` and what was sent to the member in the last seven days."""
    return Facts(
        trigger=trigger,
        limits=limits,
        has_profile=True,
        newest_receipt=member.newest_receipt,
        follow_ups_enabled=member.follow_ups_enabled,
        unreachable_since=member.unreachable_since,
        left_at=member.left_at,
        is_blocked=member.is_blocked,
        last_interaction=member.last_interaction,
        last_sent_at=member.last_follow_up_sent,
        frequency=timedelta(hours=member.follow_up_frequency_hours),
        timezone=member.timezone,
        sent=tuple(sorted(sent, key=lambda entry: entry.at)),
    )


def _sent(user_id: str, *, now: datetime, asked_about: FollowUp | None) -> list[Sent]:
    """What reached the member in the last seven days. The type is kept in both places: plans may be pruned."""
    rows = FollowUpHistory.objects.filter(user_id=user_id, sent_at__gt=now - policy.WEEK)
    if asked_about is not None:
        rows = rows.exclude(follow_up_id=asked_about.pk)
    return [
        Sent(at, planned or (context or {}).get("trigger_type", ""))
        for at, planned, context in rows.values_list("sent_at", "follow_up__trigger_type", "context_data")
    ]


def _under_way(user_id: str, *, now: datetime, asked_about: FollowUp | None) -> list[Sent]:
    """Written follow-ups whose delivery is not recorded. One that may have arrived counts from its attempt on."""
    rows = FollowUp.objects.filter(user_id=user_id, status=FollowUpStatus.PENDING, message__isnull=False)
    rows = _before(rows.exclude(message__status__in=_NEVER_LEFT), asked_about)
    values = rows.values_list("trigger_type", "message__status", "message__first_attempt_at", "message__sent_at")
    return [
        Sent(now if status in _ON_ITS_WAY else attempted_at or queued_at, trigger)
        for trigger, status, attempted_at, queued_at in values
    ]


def _before(rows: QuerySet[FollowUp], asked_about: FollowUp | None) -> QuerySet[FollowUp]:
    """Leave out the one asked about, and what was written after it: two must not wait for each other."""
    if asked_about is None:
        return rows
    if asked_about.message_id is not None:
        return rows.filter(message_id__lt=asked_about.message_id)
    return rows.exclude(pk=asked_about.pk)
