"""Whom a campaign would reach now, step by step: matched, opted in, reachable, not paused, under the caps, by day."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import Count, DurationField, Exists, ExpressionWrapper, F, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Coalesce, Greatest

from followups import conf, policy
from followups.conf import FollowUpSettings
from followups.models import Absence, FollowUpHistory, Trigger, UserProfile
from followups.topics import TOPIC_OF
from socialmedia.models import Conversation

Members = QuerySet[UserProfile]
TRIGGERS: Final = (Trigger.INACTIVITY, Trigger.RE_ENGAGEMENT)
"""Those that look for their members themselves."""
MOST_UNANSWERED: Final = 2


@dataclass(frozen=True)
class Step:
    """How many members are left after a question."""

    name: str
    words: str
    members: int


@dataclass(frozen=True)
class _Question:
    words: str
    ask: Callable[[Members, str, FollowUpSettings, datetime], Members]


def funnel(trigger: str, *, now: datetime) -> list[Step]:
    """Return the steps in the order of the policy's gates, each with the members that pass it and all before it.

    One count for each step; the last two are one grouped count, because only so many clocks are in use.

    Raises:
        ValueError: the trigger does not look for its members itself.
    """
    steps = [Step(name, asked.words, after(trigger, name, now=now).count()) for name, asked in _QUESTIONS.items()]
    awake = _awake(after(trigger, "under_cap", now=now), conf.current(), now=now)
    return [*steps, Step("awake", "not in their quiet hours now", awake)]


def after(trigger: str, name: str, *, now: datetime) -> Members:
    """Return the members that pass this step and all before it.

    Raises:
        ValueError: an unknown step, or a trigger that does not look for its members itself.
    """
    if trigger not in TRIGGERS or name not in _QUESTIONS:
        raise ValueError(f"There is no step {name!r} of {trigger!r}.")
    settings, members = conf.current(), UserProfile.objects.all()
    for step, question in _QUESTIONS.items():
        members = question.ask(members, trigger, settings, now)
        if step == name:
            break
    return members


def _matched(members: Members, trigger: str, settings: FollowUpSettings, now: datetime) -> Members:
    if trigger == Trigger.RE_ENGAGEMENT:
        silent_since = members.annotate(silent_since=Greatest("last_interaction", "re_engagement_counts_from"))
        return silent_since.filter(
            last_interaction__isnull=False,
            silent_since__lte=now - settings.inactive_after,
            re_engagements_unanswered__lt=MOST_UNANSWERED,
        )
    is_open = Q(quiet_planned_for__isnull=True) | Q(quiet_planned_for__lt=F("last_interaction"))
    quiet = members.filter(
        is_open,
        last_interaction__lte=now - settings.default_delay,
        last_interaction__gt=now - settings.inactive_after,
    )
    if not settings.personal_rhythm:
        return quiet
    return quiet.filter(Q(quiet_due_at__isnull=True) | Q(quiet_due_at__lte=now))


def _opted_in(members: Members, trigger: str, settings: FollowUpSettings, now: datetime) -> Members:
    return members.filter(follow_ups_enabled=True, topics__contains=[TOPIC_OF[trigger]])


def _reachable(members: Members, trigger: str, settings: FollowUpSettings, now: datetime) -> Members:
    blocked = Conversation.objects.filter(participant_id=OuterRef("pk"), account__is_own=True, is_blocked=True)
    return members.filter(~Exists(blocked), unreachable_since=None, left_at=None)


def _not_paused(members: Members, trigger: str, settings: FollowUpSettings, now: datetime) -> Members:
    away = Absence.objects.filter(user=OuterRef("pk"), starts_at__lte=now, ends_at__gt=now)
    return members.filter(~Exists(away)).exclude(paused_until__gt=now)


def _under_cap(members: Members, trigger: str, settings: FollowUpSettings, now: datetime) -> Members:
    lately = FollowUpHistory.objects.filter(user=OuterRef("pk"), sent_at__gt=now - policy.WEEK).order_by()
    sent = lately.values("user").annotate(n=Count("pk")).values("n")
    own = ExpressionWrapper(F("follow_up_frequency_hours") * Value(timedelta(hours=1)), output_field=DurationField())
    gap = Greatest(own, Value(settings.min_between))
    counted: Any = members.annotate(sent_lately=Coalesce(sent, 0), next_at=F("last_follow_up_sent") + gap)
    may_follow = Q(next_at__isnull=True) | Q(next_at__lte=now)
    rows: Members = counted.filter(may_follow, sent_lately__lt=settings.max_per_week)
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
    "matched": _Question("quiet for long enough", _matched),
    "opted_in": _Question("opted in, for this topic", _opted_in),
    "reachable": _Question("reachable", _reachable),
    "not_paused": _Question("not paused or away", _not_paused),
    "under_cap": _Question("under the limits of frequency", _under_cap),
}
STEPS: Final = {name: question.words for name, question in _QUESTIONS.items()}
"""The steps behind which members can be listed, in their order and in words."""
