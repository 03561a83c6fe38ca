"""Collecting from the database what the policy decides by."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.contrib.postgres.fields import DateTimeRangeField
from django.db.models import (
    Case,
    CharField,
    DateTimeField,
    Exists,
    F,
    Func,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
    When,
)
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Coalesce, Greatest, NullIf

from followups import conf, policy
from followups.models import (
    Absence,
    Campaign,
    ConsentReceipt,
    FlagKind,
    FollowUp,
    FollowUpHistory,
    FollowUpStatus,
    PolicyDecision,
    StaffFlag,
    UserProfile,
)
from followups.policy import Facts, Limits, Sent, Verdict
from jobs.models import ScheduledJob
from socialmedia import listening
from socialmedia.models import Conversation, MessageStatus

Span = tuple[datetime, datetime]

_NEVER_LEFT = (MessageStatus.SUPPRESSED, MessageStatus.FAILED)
_ON_ITS_WAY = (MessageStatus.QUEUED, MessageStatus.SENDING)


def gather(user_id: str, trigger: str, *, now: datetime, asked_about: FollowUp | None = None) -> Facts:
    """Collect the facts about one member in four queries at most.

    Follow-ups that are written but not yet delivered count as sent now, except the one asked about. Who is about to
    write one must hold the member's row (`members.lock`): then two candidates never both see the last free place.
    """
    settings = conf.current()
    rows = annotated(UserProfile.objects.filter(pk=user_id), trigger=trigger)
    member = _with_times(rows, asked_about).first()
    if member is None:
        return Facts(trigger=trigger, limits=settings.limits(), user_id=user_id)
    return of_member(
        member,
        trigger=trigger,
        settings=settings,
        sent=_sent(user_id, now=now, asked_about=asked_about),
        gaps=gaps_in_silence([member], trigger, settings.limits(), now=now),
        now=now,
    )


def annotated(members: QuerySet[UserProfile], *, trigger: str) -> QuerySet[Any]:
    """Bring along what `of_member` needs from other tables."""
    newest = ConsentReceipt.objects.filter(user=OuterRef("pk")).order_by("-id")
    shut = Q(is_blocked=True) | Q(is_spam=True)
    blocked = Conversation.objects.filter(shut, participant_id=OuterRef("pk"), account__is_own=True)
    escalated = StaffFlag.objects.filter(user=OuterRef("pk"), kind=FlagKind.ESCALATION, settled_at=None)
    paused = Campaign.objects.filter(pk=trigger, paused_at__isnull=False)
    absences = Absence.objects.filter(user=OuterRef("pk"))
    span = Func("starts_at", "ends_at", function="tstzrange", output_field=DateTimeRangeField())
    rows: QuerySet[Any] = members.annotate(
        newest_receipt=Subquery(newest.values("state")[:1]),
        newest_topics=Subquery(newest.values("topics")[:1]),
        is_blocked=Exists(blocked),
        is_escalated=Exists(escalated),
        campaign_paused=Subquery(paused.values("pause_reason")[:1]),
        said_absences=ArraySubquery(absences.order_by("starts_at").values_list(span)),
    )
    return rows


def gaps_in_silence(members: Sequence[Any], trigger: str, limits: Limits, *, now: datetime) -> list[Span]:
    """The times in which nobody listened, in two queries for any number of members; none where silence counts for
    nothing.
    """
    window = limits.activity_window(trigger)
    last = min((member.last_interaction for member in members if member.last_interaction is not None), default=None)
    if window is None or last is None:
        return []
    return [(gap.began_at, gap.ended_at) for gap in listening.gaps(since=last, until=now)]


def of_member(
    member: Any,
    *,
    trigger: str,
    settings: conf.FollowUpSettings,
    sent: Iterable[Sent],
    gaps: Sequence[Span],
    now: datetime,
) -> Facts:
    """Make the facts from a row of `annotated`, what was sent to the member in the last seven days, and
    `gaps_in_silence`.
    """
    absences = [(span.lower, span.upper) for span in member.said_absences]
    return Facts(
        trigger=trigger,
        limits=settings.limits(),
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
        user_id=member.user_id,
        topics=frozenset(member.topics) & frozenset(member.newest_topics or ()),
        quiet_start=member.quiet_start,
        quiet_end=member.quiet_end,
        paused_until=_paused_until(member.paused_until, absences, now=now),
        unheard=covered([*gaps, *absences], since=member.last_interaction, until=now),
        quiet_after=member.quiet_after if settings.personal_rhythm else None,
        is_escalated=member.is_escalated,
        campaign_paused=member.campaign_paused or "",
        planned_for=getattr(member, "planned_for", None),
        held_until=getattr(member, "held_until", None),
        sent=tuple(sorted(sent, key=lambda entry: entry.at)),
    )


def _with_times(rows: QuerySet[Any], asked_about: FollowUp | None) -> QuerySet[Any]:
    """Bring along when the follow-up was due, or its job was moved to by a person, and until when it was held."""
    if asked_about is None:
        return rows
    moved_to = ScheduledJob.objects.filter(job_id=asked_about.job_id).values("scheduled_time")[:1]
    holds = PolicyDecision.objects.filter(follow_up_id=asked_about.pk, verdict=Verdict.HOLD.value)
    due = Value(asked_about.scheduled_at, DateTimeField())
    timed: QuerySet[Any] = rows.annotate(
        planned_for=Greatest(Subquery(moved_to), due),  # of a job that is deleted, PostgreSQL's passes over the NULL
        held_until=Subquery(holds.order_by("-id").values("held_until")[:1]),
    )
    return timed


def _paused_until(until: datetime | None, absences: Sequence[Span], *, now: datetime) -> datetime | None:
    """The end of their pause or of the absence they are in, whichever is later; None when neither reaches `now`."""
    ends = [end for start, end in absences if start <= now < end]
    if until is not None and until > now:
        ends.append(until)
    return max(ends, default=None)


def covered(spans: Iterable[Span], *, since: datetime | None, until: datetime) -> timedelta:
    """How much of the time between the two lies in any of the spans; what lies in several counts once."""
    if since is None:
        return timedelta()
    total, reached = timedelta(), since
    for start, end in sorted(spans):
        part = min(end, until) - max(start, reached)
        if part > timedelta():
            total, reached = total + part, min(end, until)
    return total


def _sent(user_id: str, *, now: datetime, asked_about: FollowUp | None) -> list[Sent]:
    """What reached the member in the last seven days, and what is written and may reach them, in one query."""
    arrived = FollowUpHistory.objects.filter(user_id=user_id, sent_at__gt=now - policy.WEEK)
    if asked_about is not None:
        arrived = arrived.exclude(follow_up_id=asked_about.pk)
    # Rows from before the column was there name their trigger in the plan, or in what was kept when it was pruned.
    of_old = KeyTextTransform("trigger_type", "context_data")
    own = NullIf(F("trigger_type"), Value(""))
    trigger = Coalesce(own, "follow_up__trigger_type", of_old, Value(""), output_field=CharField())
    both = arrived.order_by().annotate(at=F("sent_at"), kind=trigger).values_list("at", "kind")
    under_way = _under_way(user_id, now=now, asked_about=asked_about).values_list("at", "kind")
    return [Sent(at, kind) for at, kind in both.union(under_way, all=True)]


def _under_way(user_id: str, *, now: datetime, asked_about: FollowUp | None) -> QuerySet[Any]:
    """Written follow-ups whose delivery is not recorded. One that may have arrived counts from its attempt on."""
    rows = FollowUp.objects.filter(user_id=user_id, status=FollowUpStatus.PENDING, message__isnull=False)
    rows = _before(rows.exclude(message__status__in=_NEVER_LEFT), asked_about)
    at = Case(
        When(message__status__in=_ON_ITS_WAY, then=Value(now, DateTimeField())),
        default=Coalesce("message__first_attempt_at", "message__sent_at"),
    )
    return rows.order_by().annotate(at=at, kind=F("trigger_type"))


def _before(rows: QuerySet[FollowUp], asked_about: FollowUp | None) -> QuerySet[FollowUp]:
    """Leave out the one asked about, and what was written after it: two must not wait for each other."""
    if asked_about is None:
        return rows
    if asked_about.message_id is not None:
        return rows.filter(message_id__lt=asked_about.message_id)
    return rows.exclude(pk=asked_about.pk)
