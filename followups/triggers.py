"""What makes a follow-up: each of the seed documents' occasions, as one call that says what came of it.

Every function that plans returns a Plan: the new follow-up, or the one that the occasion has already and why, or why
the policy refused. A request that makes no sense raises CannotPlan, and nothing is stored.
"""

from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypedDict

from django.db.models.functions import Left

from followups import birthdays, conf, occasions, planning, policy
from followups.health import health_check
from followups.models import FollowUp, FollowUpStatus, Goal, Trigger, UserProfile
from followups.planning import CannotPlan, Plan, cancel_followup, reschedule_followup

LONGEST_DELAY: Final = timedelta(hours=8760)
LONGEST_TEXT: Final = 1_500
MOST_LISTED: Final = 500
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_PREVIEW: Final = 100

__all__ = [
    "CannotPlan",
    "Plan",
    "cancel_followup",
    "check_delay",
    "get_scheduled_followups",
    "health_check",
    "reschedule_followup",
    "schedule_birthday_greeting",
    "schedule_custom_followup",
    "schedule_emotion_checkin",
    "schedule_goal_checkin",
    "schedule_post_event_followup",
    "schedule_reengagement",
]


class Listed(TypedDict):
    """A follow-up in the seed's words."""

    id: str
    conversation_id: str
    user_id: str
    trigger_type: str
    scheduled_at: datetime
    status: str
    template_id: str
    message_preview: str
    """The first 100 characters; empty until it is written, when it is due."""


def schedule_post_event_followup(
    conversation_id: str,
    user_id: str,
    event_date: datetime,
    booking_id: str | None = None,
    followup_delay: timedelta | None = None,
    *,
    name: str = "",
    now: datetime,
) -> Plan:
    """Plan a follow-up `followup_delay` (FOLLOWUP_DELAY_HOURS) after an event. `name` is the event in words.

    Events at most FOLLOW_UP_SAME_EVENT_HOURS apart are one: it has the follow-up of the first. An event of the past is
    welcome as long as its follow-up would have been due a day ago at most; then it is due now.

    Raises CannotPlan.
    """
    event_at = planning.check_event_time(event_date, now=now)
    delay = conf.current().event_delay if followup_delay is None else check_delay(followup_delay)
    return planning.plan(
        user_id=user_id,
        trigger=Trigger.POST_EVENT,
        due_at=due_after(event_at, delay, now=now),
        trigger_data=about_event(event_at, booking_id=booking_id or "", delay=delay, name=name),
        conversation_id=conversation_id,
        now=now,
    )


def due_after(event_at: datetime, delay: timedelta, *, now: datetime) -> datetime:
    """When the follow-up of an event is due (UTC). Raises CannotPlan for an event that is over for too long."""
    due = event_at + delay
    if due < now - planning.LATEST:
        raise CannotPlan(
            f"The event of {event_at.isoformat()} is over for too long: its follow-up would have been due on "
            f"{due:%Y-%m-%d %H:%M} UTC, more than {planning.LATEST.days} day ago."
        )
    return due


def about_event(event_at: datetime, *, booking_id: str, delay: timedelta, name: str) -> dict[str, Any]:
    """What a follow-up keeps of its event."""
    knew = {
        "event_at": occasions.instant(event_at),
        "event": name,
        "booking_id": booking_id,
        "followup_delay_hours": delay / timedelta(hours=1),
    }
    return {key: value for key, value in knew.items() if value != ""}


def schedule_reengagement(
    user_id: str, last_activity: datetime, inactive_threshold: timedelta | None = None, *, now: datetime
) -> Plan:
    """Plan a message for somebody who has been away for `inactive_threshold` (REENGAGEMENT_INACTIVE_DAYS).

    Due at the end of that time, and at once when it is past. One for each silence, and one pending at a time.

    Raises CannotPlan.
    """
    last = planning.check_instant(last_activity, "last activity")
    if last > now:
        raise CannotPlan(f"The last activity, {last.isoformat()}, lies ahead: nobody is away yet.")
    threshold = conf.current().inactive_after if inactive_threshold is None else check_delay(inactive_threshold)
    return planning.plan(
        user_id=user_id,
        trigger=Trigger.RE_ENGAGEMENT,
        due_at=now + max(threshold - (now - last), timedelta()),
        occasion=str((last - _EPOCH) // timedelta(microseconds=1)),
        trigger_data={"last_activity": last.isoformat(), "inactive_days": threshold / timedelta(days=1)},
        now=now,
    )


def schedule_emotion_checkin(
    *, user_id: str, average: float, conversation_id: str = "", message_id: int | None = None, now: datetime
) -> Plan:
    """Plan a check-in for a member whose last messages sounded unhappy (`average` of their scores, 0 to 1)."""
    return planning.plan(
        user_id=user_id,
        trigger=Trigger.EMOTION_BASED,
        trigger_data={"average": round(average, 3), "message_id": message_id},
        conversation_id=conversation_id,
        now=now,
    )


def schedule_custom_followup(
    user_id: str,
    due_at: datetime | None = None,
    text: str = "",
    *,
    occasion: str = "",
    conversation_id: str = "",
    now: datetime,
) -> Plan:
    """Plan one by hand, with words of your own or the template's. Without `occasion` one a day.

    Raises CannotPlan.
    """
    if len(text) > LONGEST_TEXT or not text.replace("\n", "").replace("\t", "").isprintable():
        raise CannotPlan(f"The text must have at most {LONGEST_TEXT} characters, all of them readable.")
    return planning.plan(
        user_id=user_id,
        trigger=Trigger.CUSTOM,
        due_at=due_at,
        occasion=occasion,
        trigger_data={"text": text} if text.strip() else {},
        conversation_id=conversation_id,
        now=now,
    )


def schedule_birthday_greeting(user_id: str, *, now: datetime) -> Plan:
    """Plan today's birthday greeting: at ten on the member's clock, or now if that is past. One a year, and never on
    another day: what would have to wait until tomorrow is not planned.

    Raises CannotPlan, also when it is not their birthday.
    """
    member = None if "\x00" in user_id else UserProfile.objects.filter(pk=user_id).first()
    if member is None:
        raise CannotPlan(f"Nobody with the id {user_id!r} is known.")
    zone = policy.zone_for(member.timezone, conf.current().timezone)
    birthday = birthdays.today_of(member.birthday_month, member.birthday_day, zone=zone, now=now)
    if birthday is None:
        raise CannotPlan(f"It is not the birthday of the member {user_id} today ({zone}).")
    return planning.plan(
        user_id=user_id,
        trigger=Trigger.BIRTHDAY,
        due_at=birthday.due_at,
        occasion=str(birthday.day.year),
        trigger_data={"year": birthday.day.year},
        not_after=birthday.ends_at,
        now=now,
    )


def schedule_goal_checkin(goal: Goal, *, now: datetime) -> Plan:
    """Plan the question how a goal is going, at the time that its member has named. Raises CannotPlan."""
    return planning.plan(
        user_id=goal.user_id,
        trigger=Trigger.GOAL,
        due_at=goal.check_in_at,
        occasion=str(goal.pk),
        trigger_data={"goal": goal.text},
        now=now,
    )


def check_delay(delay: timedelta) -> timedelta:
    """Return the delay. Raises CannotPlan for nothing, for less, and for more than a year."""
    if timedelta() < delay <= LONGEST_DELAY:
        return delay
    hours = delay / timedelta(hours=1)
    raise CannotPlan(f"A delay of {hours:g} hours makes no sense: choose more than 0 and at most 8760 (a year).")


def get_scheduled_followups(user_id: str | None = None, status: str | None = None, limit: int = 50) -> list[Listed]:
    """List follow-ups, the latest due first, of every status unless one is named.

    Raises ValueError for an unknown status, or a limit outside 1 to 500.
    """
    if status is not None and status not in FollowUpStatus.values:
        raise ValueError(f"{status!r} is not a status: use one of {', '.join(FollowUpStatus.values)}.")
    if not 1 <= limit <= MOST_LISTED:
        raise ValueError(f"limit is a whole number from 1 to {MOST_LISTED}, not {limit}.")
    rows = FollowUp.objects.annotate(message_preview=Left("message_content", _PREVIEW))
    if user_id is not None:
        rows = rows.filter(user_id=user_id)
    if status is not None:
        rows = rows.filter(status=status)
    found: list[Listed] = list(rows.order_by("-scheduled_at", "id").values(*Listed.__annotations__)[:limit])
    return found
