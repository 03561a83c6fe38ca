"""May this follow-up go out now? A pure function of facts and `now`: no database, no clock, no settings."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

WEEK = timedelta(days=7)
SAME_TRIGGER_GAP = timedelta(hours=24)
_QUARTER = timedelta(minutes=15)
_LONGEST_SEARCH = timedelta(days=4)


class Verdict(StrEnum):
    """The three answers."""

    SEND = "send"
    HOLD = "hold"
    DROP = "drop"


class Gate(StrEnum):
    """What can stop a follow-up, in the order the gates are asked."""

    SWITCH = "switch"
    CAMPAIGN = "campaign"
    TOO_LATE = "too_late"
    PROFILE = "profile"
    CONSENT = "consent"
    TOPIC = "topic"
    REACHABLE = "reachable"
    ESCALATED = "escalated"
    PAUSED = "paused"
    ACTIVE = "active"
    GAP = "gap"
    WEEKLY_CAP = "weekly_cap"
    TRIGGER_CAP = "trigger_cap"
    QUIET_HOURS = "quiet_hours"
    HOLDOUT = "holdout"


@dataclass(frozen=True)
class Decision:
    """An answer with its reason. `until` is set for HOLD, `gate` for HOLD and DROP."""

    verdict: Verdict
    gate: Gate | None = None
    until: datetime | None = None
    reason: str = ""
    inputs: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Limits:
    """What the community has set."""

    enabled: bool = True
    inactivity_window: timedelta = timedelta(hours=48)
    re_engagement_window: timedelta = timedelta(days=30)
    min_between: timedelta = timedelta(hours=24)
    max_per_week: int = 2
    quiet_start: int = 21
    quiet_end: int = 9
    jitter: timedelta = timedelta()
    """The most that is added to the end of the quiet hours."""
    send_days: frozenset[int] = frozenset(range(7))
    """Days of the member's week, 0 Monday to 6 Sunday."""
    grace: timedelta = timedelta(hours=72)
    """How late a follow-up may be because nothing ran."""
    timezone: str = "UTC"

    def activity_window(self, trigger: str) -> timedelta | None:
        """How long a member must have been silent for this trigger; None where it follows from an act of theirs."""
        return {"inactivity": self.inactivity_window, "re_engagement": self.re_engagement_window}.get(trigger)


@dataclass(frozen=True)
class Sent:
    """A follow-up that went out, or is on its way and counts as if it had gone out."""

    at: datetime
    trigger: str


@dataclass(frozen=True)
class Facts:
    """What is known of one member when one trigger asks. The defaults are those of somebody we never met."""

    trigger: str
    limits: Limits = field(default_factory=Limits)
    has_profile: bool = False
    newest_receipt: str | None = None
    """State of the newest consent receipt."""
    follow_ups_enabled: bool | None = None
    unreachable_since: datetime | None = None
    left_at: datetime | None = None
    is_blocked: bool = False
    """Our staff have blocked the conversation with them."""
    last_interaction: datetime | None = None
    """Their latest message in any conversation or channel."""
    last_sent_at: datetime | None = None
    frequency: timedelta = timedelta(hours=48)
    timezone: str = ""
    user_id: str = ""
    topics: frozenset[str] = frozenset({"check_ins", "events", "re_engagement"})
    """What their consent covers."""
    quiet_start: int | None = None
    """Their own quiet hours, besides the community's: what lies in either is quiet."""
    quiet_end: int | None = None
    paused_until: datetime | None = None
    """They want no follow-up before this time, or said to be away until then."""
    unheard: timedelta = timedelta()
    """How much of the time since `last_interaction` nobody listened, or they had said to be away."""
    is_escalated: bool = False
    """They sounded very unhappy, and no person of the staff has dealt with it yet."""
    campaign_paused: str = ""
    """Why nothing of this trigger is sent now; empty: it is."""
    planned_for: datetime | None = None
    """When this follow-up was due at first."""
    is_held_out: bool = False
    """They are kept without messages of this trigger, to measure what those do."""
    sent: tuple[Sent, ...] = ()
    """At least everything of the last seven days, of every trigger."""


@dataclass(frozen=True)
class _Stop:
    """What a gate says when it does not let a follow-up pass. Without `until` it is a DROP."""

    gate: Gate
    reason: str
    inputs: dict[str, Any]
    until: datetime | None = None


def decide(facts: Facts, *, now: datetime) -> Decision:
    """Ask the gates in their order; the first one that stops the follow-up decides.

    A HOLD never ends inside quiet hours. The verdict SEND means: now.
    """
    for gate in _GATES:
        stop = gate(facts, now)
        if stop is None:
            continue
        if stop.until is None:
            return Decision(Verdict.DROP, stop.gate, None, stop.reason, stop.inputs)
        until = _end_of_quiet(facts, stop.until)
        return Decision(Verdict.HOLD, stop.gate, until, stop.reason, stop.inputs)
    return Decision(Verdict.SEND, reason="Every condition is met.", inputs=_all_inputs(facts))


def find_zone(name: str) -> ZoneInfo | None:
    """Return the IANA zone of this name, or None when there is none."""
    try:
        return ZoneInfo(name)
    except (LookupError, ValueError, OSError):
        # Besides "not found": an empty or absolute path, a folder of the zone database, a name too long for a file.
        return None


def zone_for(name: str, fallback: str) -> tzinfo:
    """Return the member's zone, or the community's when theirs is empty or unknown."""
    return find_zone(name) or find_zone(fallback) or UTC


def is_quiet(at: datetime, *, zone: tzinfo, start: int, end: int) -> bool:
    """Whether the wall clock in `zone` shows an hour from `start` up to, not including, `end`.

    A `start` after `end` goes over midnight; equal ones mean that there are no quiet hours.
    """
    hour = at.astimezone(zone).hour
    if start <= end:
        return start <= hour < end
    return hour >= start or hour < end


def end_of_quiet(at: datetime, *, zone: tzinfo, start: int, end: int) -> datetime:
    """Return `at` outside quiet hours, else the first instant after it that is outside.

    Every zone's offset and every change of clocks lies on a quarter of an hour in UTC, so the wall clock's hour can
    only change there. Walking over them is right for skipped and repeated hours, where arithmetic on wall-clock
    times is not.
    """
    if not is_quiet(at, zone=zone, start=start, end=end):
        return at
    instant = _next_quarter(at.astimezone(UTC))
    limit = instant + _LONGEST_SEARCH
    while instant < limit and is_quiet(instant, zone=zone, start=start, end=end):
        instant += _QUARTER
    return instant


def _next_quarter(at: datetime) -> datetime:
    floor = at.replace(minute=at.minute - at.minute % 15, second=0, microsecond=0)
    return floor + _QUARTER


def _switch(facts: Facts, now: datetime) -> _Stop | None:
    if facts.limits.enabled:
        return None
    return _Stop(Gate.SWITCH, "Follow-ups are switched off for everybody (FOLLOW_UP_ENABLED).", {"enabled": False})


def _profile(facts: Facts, now: datetime) -> _Stop | None:
    if facts.has_profile:
        return None
    return _Stop(Gate.PROFILE, "Nobody with this id is known.", {"has_profile": False})


def _consent(facts: Facts, now: datetime) -> _Stop | None:
    if facts.newest_receipt == "granted" and facts.follow_ups_enabled is True:
        return None
    said = {
        None: "The member was never asked for consent",
        "refused": "The member has refused follow-ups",
        "withdrawn": "The member has opted out",
        "granted": "The member's follow-ups are disabled",
    }.get(facts.newest_receipt, "The member's consent is unclear")
    inputs = {"newest_receipt": facts.newest_receipt, "follow_ups_enabled": facts.follow_ups_enabled}
    return _Stop(Gate.CONSENT, f"{said}; only those who opted in get messages.", inputs)


def _reachable(facts: Facts, now: datetime) -> _Stop | None:
    inputs = {
        "unreachable_since": _iso(facts.unreachable_since),
        "left_at": _iso(facts.left_at),
        "is_blocked": facts.is_blocked,
    }
    if facts.left_at is not None:
        return _Stop(Gate.REACHABLE, f"The member left the community on {_day(facts.left_at)}.", inputs)
    if facts.unreachable_since is not None:
        reason = f"Messages to the member have been refused since {_day(facts.unreachable_since)}."
        return _Stop(Gate.REACHABLE, reason, inputs)
    if facts.is_blocked:
        return _Stop(Gate.REACHABLE, "The conversation with the member is blocked by staff.", inputs)
    return None


def _active(facts: Facts, now: datetime) -> _Stop | None:
    window = facts.limits.activity_window(facts.trigger)
    last = facts.last_interaction
    if window is None or last is None or last + window <= now:
        return None
    reason = f"The member wrote on {_minute(last)}, less than {_length(window)} ago."
    return _Stop(Gate.ACTIVE, reason, {"last_interaction": _iso(last), "window_hours": _hours(window)})


def _gap(facts: Facts, now: datetime) -> _Stop | None:
    last = _latest_sent(facts)
    gap = max(facts.frequency, facts.limits.min_between)
    if last is None or last + gap <= now:
        return None
    reason = f"The last follow-up went out on {_minute(last)}; the next one may follow {_length(gap)} later."
    return _Stop(Gate.GAP, reason, {"last_sent_at": _iso(last), "gap_hours": _hours(gap)}, last + gap)


def _weekly_cap(facts: Facts, now: datetime) -> _Stop | None:
    cap = facts.limits.max_per_week
    if cap == 0:
        reason = "The weekly limit is 0 (FOLLOW_UP_MAX_PER_USER_PER_WEEK), so nobody gets follow-ups."
        return _Stop(Gate.WEEKLY_CAP, reason, {"max_per_week": 0})
    counted = sorted(sent.at for sent in facts.sent if sent.at + WEEK > now)
    if len(counted) < cap:
        return None
    # So many must leave the window that one fewer than the cap remains; usually that is the oldest one.
    until = counted[len(counted) - cap] + WEEK
    reason = f"The member got {len(counted)} follow-ups in the last seven days; the limit is {cap}."
    return _Stop(Gate.WEEKLY_CAP, reason, {"sent": [_iso(at) for at in counted], "max_per_week": cap}, until)


def _trigger_cap(facts: Facts, now: datetime) -> _Stop | None:
    last = max((sent.at for sent in facts.sent if sent.trigger == facts.trigger), default=None)
    if last is None or last + SAME_TRIGGER_GAP <= now:
        return None
    reason = f"A follow-up of the same kind went out on {_minute(last)}, less than 24 hours ago."
    return _Stop(Gate.TRIGGER_CAP, reason, {"same_trigger_sent_at": _iso(last)}, last + SAME_TRIGGER_GAP)


def _quiet_hours(facts: Facts, now: datetime) -> _Stop | None:
    until = _end_of_quiet(facts, now)
    if until == now:
        return None
    zone, limits = _zone(facts), facts.limits
    reason = f"No messages between {limits.quiet_start}:00 and {limits.quiet_end}:00 in the member's time ({zone})."
    inputs = {"zone": str(zone), "quiet_start": limits.quiet_start, "quiet_end": limits.quiet_end}
    return _Stop(Gate.QUIET_HOURS, reason, inputs, until)


def _holdout(facts: Facts, now: datetime) -> _Stop | None:
    if facts.is_held_out:
        reason = "The member is one of those kept without messages of this kind, to measure what they do."
        return _Stop(Gate.HOLDOUT, reason, {"is_held_out": True})
    return None


_GATES = (_switch, _profile, _consent, _reachable, _active, _gap, _weekly_cap, _trigger_cap, _quiet_hours, _holdout)


def _zone(facts: Facts) -> tzinfo:
    return zone_for(facts.timezone, facts.limits.timezone)


def _end_of_quiet(facts: Facts, at: datetime) -> datetime:
    return end_of_quiet(at, zone=_zone(facts), start=facts.limits.quiet_start, end=facts.limits.quiet_end)


def _latest_sent(facts: Facts) -> datetime | None:
    times = [sent.at for sent in facts.sent]
    if facts.last_sent_at is not None:
        times.append(facts.last_sent_at)
    return max(times, default=None)


def _all_inputs(facts: Facts) -> dict[str, Any]:
    return {
        "newest_receipt": facts.newest_receipt,
        "last_interaction": _iso(facts.last_interaction),
        "last_sent_at": _iso(_latest_sent(facts)),
        "sent": [_iso(sent.at) for sent in facts.sent],
        "zone": str(_zone(facts)),
    }


def _iso(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()


def _day(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d}"


def _minute(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _hours(length: timedelta) -> float:
    return length / timedelta(hours=1)


def _length(length: timedelta) -> str:
    hours = _hours(length)
    if hours >= 72 and hours % 24 == 0:
        return f"{hours / 24:g} days"
    return f"{hours:g} hour" + ("" if hours == 1 else "s")
