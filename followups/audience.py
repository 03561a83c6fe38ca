"""Whom a campaign would reach now, step by step: matched, opted in, reachable, not paused, under the caps, by day."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from django.contrib.postgres.fields import ArrayField
from django.db.models import (
    BooleanField,
    Case,
    Count,
    DateTimeField,
    DurationField,
    Exists,
    ExpressionWrapper,
    F,
    Func,
    OuterRef,
    Q,
    QuerySet,
    Value,
    When,
)
from django.db.models.functions import Coalesce, Greatest

from followups import conf, policy, silence
from followups.conf import FollowUpSettings
from followups.models import MOST_UNANSWERED, Absence, FollowUp, FollowUpHistory, FollowUpStatus, Trigger, UserProfile
from followups.topics import TOPIC_OF
from socialmedia.models import Conversation, MessageStatus

Members = QuerySet[UserProfile]
TRIGGERS: Final = (Trigger.INACTIVITY, Trigger.RE_ENGAGEMENT)
"""Those that look for their members themselves."""
_EXCUSED: Final = (Path(__file__).parent / "sql" / "excused_v1.sql").read_text()


@dataclass(frozen=True)
class Step:
    """How many members are left after a question."""

    name: str
    words: str
    members: int


@dataclass(frozen=True)
class _Asked:
    """What every question goes by."""

    trigger: str
    settings: FollowUpSettings
    heard: silence.Heard
    now: datetime


@dataclass(frozen=True)
class _Question:
    words: str
    ask: Callable[[Members, _Asked], Members]


def funnel(trigger: str, *, now: datetime) -> list[Step]:
    """Return the steps in the order of the policy's gates, each with the members that pass it and all before it.

    One count for each step; the last two are one grouped count, because only so many clocks are in use.

    Raises:
        ValueError: the trigger does not look for its members itself.
    """
    asked = _asked(trigger, now=now)
    steps = [Step(name, question.words, _after(asked, name).count()) for name, question in _QUESTIONS.items()]
    awake = _awake(_after(asked, "under_cap"), asked.settings, now=now)
    return [*steps, Step("awake", "not in their quiet hours now", awake)]


def after(trigger: str, name: str, *, now: datetime) -> Members:
    """Return the members that pass this step and all before it.

    Raises:
        ValueError: an unknown step, or a trigger that does not look for its members itself.
    """
    if name not in _QUESTIONS:
        raise ValueError(f"There is no step {name!r}.")
    return _after(_asked(trigger, now=now), name)


def _asked(trigger: str, *, now: datetime) -> _Asked:
    if trigger not in TRIGGERS:
        raise ValueError(f"There is no step of {trigger!r}: it does not look for its members itself.")
    settings = conf.current()
    return _Asked(trigger, settings, silence.heard(settings, now=now), now)


def _after(asked: _Asked, name: str) -> Members:
    members = UserProfile.objects.all()
    for step, question in _QUESTIONS.items():
        members = question.ask(members, asked)
        if step == name:
            break
    return members


def _matched(members: Members, asked: _Asked) -> Members:
    """As the sweeps ask, except for what the next steps ask."""
    planned = FollowUp.objects.filter(user=OuterRef("pk"), status=FollowUpStatus.PENDING, trigger_type__in=TRIGGERS)
    ask = _away if asked.trigger == Trigger.RE_ENGAGEMENT else _quiet
    # Not as a plain condition: after a sweep, with statistics from before, it became a join that took a minute.
    is_planned = When(Exists(planned.exclude(message__status=MessageStatus.UNKNOWN)), then=Value(False))
    return ask(members, asked).filter(Case(is_planned, default=Value(True), output_field=BooleanField()))


def _quiet(members: Members, asked: _Asked) -> Members:
    is_open = Q(quiet_planned_for__isnull=True) | Q(quiet_planned_for__lt=F("last_interaction"))
    rows = members.filter(is_open, last_interaction__gt=asked.heard.away_since)
    return _silent(rows, F("last_interaction"), asked.settings.default_delay, asked)


def _away(members: Members, asked: _Asked) -> Members:
    since = Greatest("last_interaction", "re_engagement_counts_from")
    rows = members.annotate(since=since).filter(
        last_interaction__isnull=False,
        since__lte=asked.heard.away_since,
        re_engagements_unanswered__lt=MOST_UNANSWERED,
    )
    return _silent(rows, since, asked.settings.inactive_after, asked)


def _silent(members: Members, since: Any, window: timedelta, asked: _Asked) -> Members:
    """Those silent for the window and for their own rhythm, without what nobody heard and what they said."""
    ends: Any = ExpressionWrapper(since + Value(window), output_field=DateTimeField())
    if asked.settings.personal_rhythm:
        ends = Greatest(ends, "quiet_due_at")
    rows: Any = members.alias(silent_at=ends).filter(silent_at__lte=asked.now)
    counted = ExpressionWrapper(ends + _excused(since, asked), output_field=DateTimeField())
    # Nearly everybody is long enough silent whatever the downtimes took, and was never away: those are not added up.
    deaf = sum((gap.ended_at - gap.began_at for gap in asked.heard.gaps), timedelta())
    ever_away = Exists(Absence.objects.filter(user=OuterRef("pk")))
    is_clear = Q(silent_at__lte=asked.now - deaf) & ~ever_away
    found: Members = rows.alias(counted_at=counted).filter(is_clear | Q(counted_at__lte=asked.now))
    return found


def _excused(since: Any, asked: _Asked) -> Func:
    times = ArrayField(DateTimeField())
    return Func(
        F("user_id"),
        since,
        Value(asked.now, DateTimeField()),
        Value([gap.began_at for gap in asked.heard.gaps], times),
        Value([gap.ended_at for gap in asked.heard.gaps], times),
        template=_EXCUSED,
        output_field=DurationField(),
    )


def _opted_in(members: Members, asked: _Asked) -> Members:
    return members.filter(follow_ups_enabled=True, topics__contains=[TOPIC_OF[asked.trigger]])


def _reachable(members: Members, asked: _Asked) -> Members:
    shut = Q(is_blocked=True) | Q(is_spam=True)
    blocked = Conversation.objects.filter(shut, participant_id=OuterRef("pk"), account__is_own=True)
    return members.filter(~Exists(blocked), unreachable_since=None, left_at=None)


def _not_paused(members: Members, asked: _Asked) -> Members:
    away = Absence.objects.filter(user=OuterRef("pk"), starts_at__lte=asked.now, ends_at__gt=asked.now)
    return members.filter(~Exists(away)).exclude(paused_until__gt=asked.now)


def _under_cap(members: Members, asked: _Asked) -> Members:
    lately = FollowUpHistory.objects.filter(user=OuterRef("pk"), sent_at__gt=asked.now - policy.WEEK).order_by()
    sent = lately.values("user").annotate(n=Count("pk")).values("n")
    own = ExpressionWrapper(F("follow_up_frequency_hours") * Value(timedelta(hours=1)), output_field=DurationField())
    gap = Greatest(own, Value(asked.settings.min_between))
    counted: Any = members.annotate(sent_lately=Coalesce(sent, 0), next_at=F("last_follow_up_sent") + gap)
    may_follow = Q(next_at__isnull=True) | Q(next_at__lte=asked.now)
    rows: Members = counted.filter(may_follow, sent_lately__lt=asked.settings.max_per_week)
    return rows


def _awake(members: Members, settings: FollowUpSettings, *, now: datetime) -> int:
    """How many are outside quiet hours, by asking the policy once for each clock in use."""
    clocks = members.order_by().values("timezone", "quiet_start", "quiet_end").annotate(n=Count("pk"))
    return sum(clock["n"] for clock in clocks if _is_awake(clock, settings, now=now))


def _is_awake(clock: Mapping[str, Any], settings: FollowUpSettings, *, now: datetime) -> bool:
    facts = policy.Facts(
        trigger=Trigger.CUSTOM,
        limits=settings.limits(),
        has_profile=True,
        newest_receipt="granted",
        follow_ups_enabled=True,
        timezone=clock["timezone"],
        quiet_start=clock["quiet_start"],
        quiet_end=clock["quiet_end"],
    )
    return policy.decide(facts, now=now).gate is not policy.Gate.QUIET_HOURS


_QUESTIONS: Final[dict[str, _Question]] = {
    "matched": _Question("quiet for long enough, and nothing planned", _matched),
    "opted_in": _Question("opted in, for this topic", _opted_in),
    "reachable": _Question("reachable", _reachable),
    "not_paused": _Question("not paused or away", _not_paused),
    "under_cap": _Question("under the limits of frequency", _under_cap),
}
STEPS: Final = {name: question.words for name, question in _QUESTIONS.items()}
"""The steps behind which members can be listed, in their order and in words."""
