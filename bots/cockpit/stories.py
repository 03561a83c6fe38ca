"""Why did, or didn't, a message come? The member's last decisions of the ledger, in their own words."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from bots.cockpit import reading, wording
from followups import facts, policy
from followups.models import FollowUp, FollowUpStatus, PolicyDecision, Trigger, UserProfile
from followups.planning import BY_HAND
from followups.policy import Verdict

SKIPPED: Final = f"{BY_HAND} the member"
"""The reason of a follow-up that its member has skipped."""
_READ: Final = 40
"""A follow-up that was planned, held, written and sent has four rows or so."""
_TOLD: Final = 6


@dataclass(frozen=True)
class Story:
    """What became of one follow-up, or of the wish to plan one."""

    at: datetime
    kind: str
    words: str


def why(user_id: str, *, now: datetime) -> str:
    """The answer to "Why?": what would be said now, and what was decided lately. In eight queries."""
    if not UserProfile.objects.filter(pk=user_id).exists():
        return wording.STRANGER
    told = [f"• <t:{int(story.at.timestamp())}:d> {story.kind}: {story.words}." for story in _stories(user_id)]
    past = "\n".join(told) or "Nothing has been decided about you so far."
    return f"{_now(user_id, now=now)}\n\n**Lately:**\n{past}"


def my_data(user_id: str, *, now: datetime) -> str:
    """Where to see, take along or delete what is stored."""
    return wording.MY_DATA_IS


def _now(user_id: str, *, now: datetime) -> str:
    """What stands against a check-in at this moment, which is what most people ask about."""
    known = facts.gather(user_id, Trigger.INACTIVITY, now=now)
    decision = policy.decide(replace(known, planned_for=None), now=now)
    if decision.gate is None:
        stop = reading.pause_of_all()
    else:
        stop = reading.obstacle(str(decision.gate), decision.inputs, until=decision.until, is_final=False)
    if stop is None:
        return "**Right now** nothing stands against a check-in, should there be a reason for one."
    return f"**Right now** no check-in would come, because {wording.because(stop)}."


def _stories(user_id: str) -> list[Story]:
    """The newest word on each follow-up, newest first."""
    newest: dict[str, PolicyDecision] = {}
    for row in PolicyDecision.objects.filter(user_id=user_id).order_by("-id")[:_READ]:
        newest.setdefault(row.follow_up_id or f"decision {row.pk}", row)
    rows = list(newest.values())[:_TOLD]
    plans = FollowUp.objects.in_bulk([row.follow_up_id for row in rows if row.follow_up_id])
    return [_story(row, plans.get(row.follow_up_id)) for row in rows]


def _story(row: PolicyDecision, follow_up: FollowUp | None) -> Story:
    kind = wording.KINDS.get(row.trigger_type, "A message")
    return Story(row.decided_at, kind, _words(row, follow_up))


def _words(row: PolicyDecision, follow_up: FollowUp | None) -> str:
    if follow_up is not None and follow_up.status == FollowUpStatus.CANCELLED:
        return "you skipped it" if follow_up.reason == SKIPPED else "it was cancelled"
    if follow_up is not None and follow_up.status == FollowUpStatus.EXECUTED:
        return "it was sent, because nothing spoke against it"
    if follow_up is not None and follow_up.status == FollowUpStatus.FAILED:
        return "it could not be sent"
    stop = reading.obstacle(row.gate, row.inputs, until=row.held_until, is_final=row.verdict == Verdict.DROP)
    if stop.is_final:
        return f"it did not come, because {wording.because(stop)}"
    if row.verdict == Verdict.HOLD:
        until = f" until {wording.moment(stop.until)}" if stop.until else ""
        return f"it was held{until}, because {wording.because(stop)}"
    return "it is planned"
