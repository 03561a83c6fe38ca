"""Who has gone quiet: the sweeps that plan check-ins, and re-engagements for those who have been away for long.

Silence is time in which somebody listened and the member had not said to be away. Up to REENGAGEMENT_INACTIVE_DAYS of
it are the check-in's business, more are the re-engagement's.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from django.db import connection, transaction
from django.db.models import Case, F, When
from django.db.models.functions import Greatest

from followups import conf, rhythm
from followups.models import MOST_UNANSWERED, Campaign, FollowUp, Trigger, UserProfile
from socialmedia import listening

BATCH: Final = 10_000
_SQL: Final = Path(__file__).parent / "sql"
BY_INDEX: Final = "SET LOCAL enable_seqscan = off"
"""A table that is empty when the statement is planned is full when it ends: never read one whole for each member."""
_PLAN_DUE: Final = (_SQL / "plan_due_v1.sql").read_text()
PLAN_QUIET: Final = (_SQL / "due_quiet_members_v1.sql").read_text() + _PLAN_DUE
PLAN_RE_ENGAGEMENTS: Final = (_SQL / "due_re_engagements_v1.sql").read_text() + _PLAN_DUE
_REASON: Final = "The member opted in and has {} (%s); the other limits are asked when the message is due."
"""For PostgreSQL's format(), which puts in the silence in words."""


@dataclass(frozen=True)
class Heard:
    """A silence from before `away_since` is the re-engagement's business. In the gaps nobody listened."""

    away_since: datetime
    gaps: tuple[listening.Deaf, ...]


def plan_quiet_members(*, now: datetime, limit: int = BATCH) -> int:
    """Plan a check-in for every opted-in, reachable member whose silence is long enough, unusual for them and not
    answered yet. One statement; its cost follows the number due. Returns how many.
    """
    if not _may_plan(Trigger.INACTIVITY):
        return 0
    return _run(PLAN_QUIET, quiet_values(now=now, limit=limit))


def plan_re_engagements(*, now: datetime, limit: int = BATCH) -> int:
    """Plan a re-engagement, due now, for every opted-in, reachable member who has been away for long. Not again within
    the cool-off, and not after two that they did not answer. One statement. Returns how many.
    """
    if not _may_plan(Trigger.RE_ENGAGEMENT):
        return 0
    return _run(PLAN_RE_ENGAGEMENTS, away_values(now=now, limit=limit))


def plan_all(*, now: datetime, limit: int = BATCH) -> bool:
    """Run one batch of each sweep. False when nobody is left."""
    if not conf.current().personal_rhythm:
        while rhythm.ignore() > 0:
            pass
    counts = plan_quiet_members(now=now, limit=limit), plan_re_engagements(now=now, limit=limit)
    return max(counts) >= limit


def note_re_engaged(user_id: str, *, at: datetime) -> None:
    """A re-engagement reached the member, or was held out, `at`; unless they have written since, it counts as not
    answered yet. Needs the member's row locked.
    """
    UserProfile.objects.filter(pk=user_id).update(
        re_engagement_counts_from=Greatest(F("re_engagement_counts_from"), next_counts_from(now=at)),
        re_engagements_unanswered=Case(
            When(last_interaction__gt=at, then=F("re_engagements_unanswered")),
            default=F("re_engagements_unanswered") + 1,
        ),
    )


def reopen(follow_up: FollowUp) -> None:
    """The silence is not answered after all: its follow-up was taken back before it went out. Needs the member's row
    locked.
    """
    if follow_up.trigger_type in {Trigger.INACTIVITY, Trigger.RE_ENGAGEMENT}:
        member = UserProfile.objects.filter(pk=follow_up.user_id)
        member.update(quiet_planned_for=None)
        if follow_up.trigger_type == Trigger.RE_ENGAGEMENT:
            # Due at once, and not counted from the last message again: that one's plan may have been sent long ago.
            counts_from = follow_up.scheduled_at - conf.current().inactive_after
            member.update(re_engagement_counts_from=counts_from)


def next_counts_from(*, now: datetime) -> datetime:
    """From when a silence counts after a re-engagement `now`, so that the next one is due after the cool-off."""
    settings = conf.current()
    return now + settings.cool_off - settings.inactive_after


def heard(settings: conf.FollowUpSettings, *, now: datetime) -> Heard:
    """When somebody listened, as far as a silence is judged by it."""
    away_since = listening.before(settings.inactive_after, now=now)
    # Older gaps lie before any silence that is judged to the day: a longer one is long enough anyway.
    return Heard(away_since, tuple(listening.gaps(since=away_since - rhythm.LONGEST, until=now)))


def quiet_values(*, now: datetime, limit: int) -> dict[str, Any]:
    """What the statement of the check-ins asks for."""
    settings = conf.current()
    return {
        **_shared_values(settings, settings.default_delay, now=now, limit=limit),
        "quiet_since": listening.before(settings.default_delay, now=now),
        "counts_from": None,
        "trigger": Trigger.INACTIVITY,
        "reason": _REASON.format("gone quiet"),
    }


def away_values(*, now: datetime, limit: int) -> dict[str, Any]:
    """What the statement of the re-engagements asks for."""
    settings = conf.current()
    return {
        **_shared_values(settings, settings.inactive_after, now=now, limit=limit),
        "counts_from": next_counts_from(now=now),
        "most_unanswered": MOST_UNANSWERED,
        "trigger": Trigger.RE_ENGAGEMENT,
        "reason": _REASON.format("been away for long"),
    }


def _shared_values(settings: conf.FollowUpSettings, window: timedelta, *, now: datetime, limit: int) -> dict[str, Any]:
    known = heard(settings, now=now)
    return {
        "now": now,
        "limit": limit,
        "window": window,
        "away_since": known.away_since,
        "gaps_begin": [gap.began_at for gap in known.gaps],
        "gaps_end": [gap.ended_at for gap in known.gaps],
        "enough_gaps": rhythm.ENOUGH_GAPS,
        "by_rhythm": settings.personal_rhythm,
    }


def _may_plan(trigger: Trigger) -> bool:
    settings = conf.current()
    if not settings.enabled or settings.max_per_week == 0:
        return False
    return not Campaign.objects.filter(pk=trigger, paused_at__isnull=False).exists()


def _run(statement: str, values: dict[str, Any]) -> int:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(BY_INDEX)
        cursor.execute(statement, values)
        return int(cursor.fetchone()[0])
