"""Planning follow-ups, cancelling them, and the sweep over quiet members."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from followups.models import FollowUp
from followups.policy import Decision


class CannotPlan(ValueError):
    """The request makes no sense (unknown member, unknown trigger, a time out of range); the message says why."""


@dataclass(frozen=True)
class Plan:
    """What planning came to. `follow_up` is the new one, or the existing one when `created` is False because the
    same occasion is planned already, or None when the policy refused (`decision` says why).
    """

    follow_up: FollowUp | None
    created: bool
    decision: Decision


def plan(
    *,
    user_id: str,
    trigger: str,
    due_at: datetime | None = None,
    occasion: str = "",
    trigger_data: dict[str, Any] | None = None,
    conversation_id: str = "",
    now: datetime,
) -> Plan:
    """Plan one follow-up and its job in one transaction. `due_at` defaults to now plus the trigger's own delay.

    `occasion` makes the follow-up unique with member and trigger (a booking id, a day); by default the due day.

    Raises:
        CannotPlan: unknown member or trigger, naive or out-of-range time.
    """
    raise NotImplementedError


def plan_quiet_members(*, now: datetime, limit: int = 10_000) -> int:
    """Plan a check-in for every opted-in, reachable member who has been quiet for the configured time and whose
    silence has not been answered yet. One statement; its cost follows the number due. Returns how many.
    """
    raise NotImplementedError


def cancel_followup(follow_up_id: str, *, reason: str, now: datetime) -> bool:
    """Cancel a pending follow-up with its job and its queued message. False when it is no longer pending or its
    message is already on the wire; then nothing has changed.
    """
    raise NotImplementedError
