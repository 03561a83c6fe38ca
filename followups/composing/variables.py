"""The placeholders of follow-ups: which ones each trigger has, and their values for one member."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any, Final

from django.utils.dateparse import parse_datetime

from followups import assignment, conf, policy
from followups.composing import languages
from followups.composing.languages import Language
from followups.composing.untrusted import plain
from followups.models import Booking, BookingStatus, FollowUp, Goal, Trigger, UserProfile
from socialmedia import templates
from socialmedia.desk import reply_texts
from socialmedia.templates import Rules

LONGEST_MESSAGE: Final = 2000
"""Discord's limit for one message."""
LONGEST_NAME: Final = 40
LONGEST_DETAIL: Final = 100
LONGEST_GOAL: Final = 200
LONGEST_NOTE: Final = 500

EVERYWHERE: Final = {
    "name": "what to call the member",
    "days_inactive": "days since their last message, as a number",
    "time_period": "time since their last message in words, like two weeks",
    "interest": "one of the things they like",
}
OF_TRIGGER: Final[dict[str, dict[str, str]]] = {
    Trigger.INACTIVITY: {},
    Trigger.POST_EVENT: {
        "event": "the event's name",
        "event_date": "its date in words",
        "booking_id": "the booking system's id",
    },
    Trigger.RE_ENGAGEMENT: {
        "event": "the last event they came to",
        "event_date": "its date in words",
    },
    Trigger.EMOTION_BASED: {},
    Trigger.CUSTOM: {"custom_message": "a sentence that whoever planned it gave along"},
    Trigger.BIRTHDAY: {},
    Trigger.GOAL: {"goal": "what they want to reach, in their words"},
}


@dataclass(frozen=True)
class Known:
    """What is known for one message, in no language yet."""

    words: dict[str, str]
    """Values that read the same in every language."""
    silence: timedelta | None = None
    event_date: date | None = None
    """In the member's zone."""
    has_attended: bool = False

    def values(self, language: Language) -> dict[str, str]:
        """Return the placeholders that have a value, in one language's words."""
        found = dict(self.words)
        if self.silence is not None:
            found |= {"days_inactive": str(self.silence.days), "time_period": language.period(self.silence)}
        if self.event_date is not None:
            found["event_date"] = language.date(self.event_date)
        return {name: value for name, value in found.items() if value}


def of_trigger(trigger: str) -> dict[str, str]:
    """Return the placeholders of a trigger with what they mean; without one, those of staff's canned replies."""
    if not trigger:
        return dict(reply_texts.PLACEHOLDERS)
    return EVERYWHERE | OF_TRIGGER.get(trigger, {})


@cache
def rules(trigger: str) -> Rules:
    """Return what a template of this trigger may use. The way out always has its place behind the text."""
    way_out = max(len(languages.of(code).stop_line) for code in languages.codes())
    return Rules(
        variables=frozenset(of_trigger(trigger)),
        longest=LONGEST_MESSAGE - way_out - len("\n\n"),
        languages=languages.codes(),
    )


def own_text(trigger: str, data: Mapping[str, Any]) -> str:
    """Return the text that a member of staff wrote for a custom follow-up, if there is one."""
    text = data.get("text")
    return text.strip() if trigger == Trigger.CUSTOM and isinstance(text, str) else ""


def check_own_text(trigger: str, data: Mapping[str, Any]) -> None:
    """Raise `templates.BadTemplate` when staff's own text has a placeholder that nothing fills, or is too long."""
    if text := own_text(trigger, data):
        templates.check_text(text, rules(trigger))


def gather(profile: UserProfile, follow_up: FollowUp, *, now: datetime) -> Known:
    """Collect what is known as it is now, each value made plain. At most one query."""
    data, trigger, offered = follow_up.trigger_data, follow_up.trigger_type, of_trigger(follow_up.trigger_type)
    goal, has_attended = "", False
    event, event_at = str(data.get("event") or ""), follow_up.event_at or _time(data.get("event_at"))
    if trigger == Trigger.RE_ENGAGEMENT:
        came_to = last_event(profile.pk, before=now)
        has_attended = came_to is not None
        event, event_at = (came_to.name, came_to.event_at) if came_to else ("", None)
    elif trigger == Trigger.GOAL:
        goal = _open_goal(profile.pk) or str(data.get("goal") or "")
    words = {
        "name": plain(profile.name, longest=LONGEST_NAME),
        "interest": plain(str(data.get("interest") or _interest(profile, follow_up)), longest=LONGEST_DETAIL),
        "event": plain(event, longest=LONGEST_DETAIL),
        "booking_id": plain(str(data.get("booking_id") or ""), longest=LONGEST_DETAIL),
        "custom_message": plain(str(data.get("custom_message") or ""), longest=LONGEST_NOTE),
        "goal": plain(goal, longest=LONGEST_GOAL),
    }
    zone = policy.zone_for(profile.timezone, conf.current().timezone)
    has_date = "event_date" in offered and event_at is not None
    return Known(
        words={name: value for name, value in words.items() if value and name in offered},
        silence=max(now - profile.last_interaction, timedelta(0)) if profile.last_interaction else None,
        event_date=event_at.astimezone(zone).date() if has_date and event_at else None,
        has_attended=has_attended,
    )


def last_event(user_id: str, *, before: datetime) -> Booking | None:
    """Return the last event that the member came to: a booked one of the past. By idx_bookings_user_time."""
    booked = Booking.objects.filter(user_id=user_id, status=BookingStatus.BOOKED, event_at__lt=before)
    return booked.order_by("-event_at").first()


def _interest(profile: UserProfile, follow_up: FollowUp) -> str:
    """Return one of the member's interests: the same one for the same follow-up, another one another time."""
    if not profile.interests:
        return ""
    return assignment.choose(dict.fromkeys(profile.interests, 1), profile.pk, "interest", follow_up.pk)


def _open_goal(user_id: str) -> str:
    """What the goal says today: the plan's copy may be older than the member's last change."""
    return Goal.objects.filter(user_id=user_id, closed_at__isnull=True).values_list("text", flat=True).first() or ""


def _time(value: object) -> datetime | None:
    try:
        at = parse_datetime(str(value)) if value else None
    except ValueError:
        return None
    return at if at is not None and at.tzinfo is not None else None
