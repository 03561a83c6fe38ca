"""Goals: what a member wants to reach and to be asked about. One open at a time."""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from followups import cancelling, planning, triggers
from followups.models import Goal
from followups.planning import CannotPlan, Plan

LONGEST_TEXT = 200


@dataclass(frozen=True)
class GoalSet:
    """The new goal, and what planning its check-in came to: a member who has not opted in gets none."""

    goal: Goal
    plan: Plan


def set_goal(*, user_id: str, text: str, check_in_at: datetime, now: datetime) -> GoalSet:
    """Note the member's goal and plan to ask about it at `check_in_at`. The one that was open is closed with its
    follow-up.

    Raises:
        CannotPlan: unknown member, a text that is not 1 to 200 printable characters, or a time that is naive, not
            ahead, or too far ahead. Nothing is stored then.
    """
    words = text.strip()
    if not 0 < len(words) <= LONGEST_TEXT or not words.isprintable():
        raise CannotPlan(f"A goal has 1 to {LONGEST_TEXT} printable characters, on one line.")
    at = planning.check_instant(check_in_at, "time of the check-in")
    if at <= now:
        raise CannotPlan(f"The check-in must lie ahead, but {at.isoformat()} is past.")
    with transaction.atomic():
        planning.lock_member(user_id)
        _close(user_id, reason="the member has set another goal", now=now)
        goal = Goal.objects.create(user_id=user_id, text=words, check_in_at=at)
        return GoalSet(goal, _plan(goal, now=now))


def close(*, user_id: str, now: datetime) -> bool:
    """Close the member's open goal, reached or dropped, with its follow-up. False when none is open.

    Raises CannotPlan for an unknown member.
    """
    with transaction.atomic():
        planning.lock_member(user_id)
        return _close(user_id, reason="the member has closed the goal", now=now)


def plan_missing(user_id: str, *, now: datetime) -> bool:
    """Plan the check-in that the open goal lacks, for a member who just opted in. False when it has one, is past, or
    a person has cancelled it.

    Raises CannotPlan for an unknown member.
    """
    with transaction.atomic():
        planning.lock_member(user_id)
        goal = Goal.objects.filter(user_id=user_id, closed_at=None, check_in_at__gt=now).first()
        return goal is not None and planning.is_missing(goal.follow_up_id) and _plan(goal, now=now).created


def _plan(goal: Goal, *, now: datetime) -> Plan:
    plan = triggers.schedule_goal_checkin(goal, now=now)
    if plan.created and plan.follow_up is not None:
        goal.follow_up_id = plan.follow_up.pk
        goal.save(update_fields=["follow_up_id"])
    return plan


def _close(user_id: str, *, reason: str, now: datetime) -> bool:
    goal = Goal.objects.filter(user_id=user_id, closed_at=None).first()
    if goal is None:
        return False
    Goal.objects.filter(pk=goal.pk).update(closed_at=now)
    cancelling.cancel(goal.follow_up_id, reason=reason, now=now)
    return True
