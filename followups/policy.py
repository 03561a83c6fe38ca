"""May this follow-up go out now? A pure function of facts and `now`: no database, no clock, no settings."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from enum import StrEnum
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from followups.assignment import fraction
from followups.quiet_hours import ALL_DAYS, SendTimes
from followups.topics import TOPIC_OF

WEEK = timedelta(days=7)
SAME_TRIGGER_GAP = timedelta(hours=24)
ASK_AGAIN = timedelta(hours=6)
"""When a follow-up of a paused campaign is asked about again."""
LONGEST_HOLD = timedelta(days=14)
BIRTHDAY_LASTS = timedelta(days=1)


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
    send_days: frozenset[int] = ALL_DAYS
    """Days of the member's week, 0 Monday to 6 Sunday."""
    grace: timedelta = timedelta(hours=72)
    """How late a follow-up may be because nothing ran."""
    timezone: str = "UTC"

    def activity_window(self, trigger: str) -> timedelta | None:
        """How long a member must have been silent for this trigger; None where it follows from an act of theirs."""
        return {"inactivity": self.inactivity_window, "re_engagement": self.re_engagement_window}.get(trigger)

    def longest_wait(self, trigger: str) -> timedelta:
        """How long after its due time a follow-up may come at all, whatever delayed it."""
        return BIRTHDAY_LASTS if trigger == "birthday" else max(LONGEST_HOLD, self.grace)


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
    quiet_after: timedelta | None = None
    """The silence that is unusual for them; None: too little is known, the community's window counts."""
    is_escalated: bool = False
    """They sounded very unhappy, and no person of the staff has dealt with it yet."""
    campaign_paused: str = ""
    """Why nothing of this trigger is sent now; empty: it is."""
    planned_for: datetime | None = None
    """When this follow-up was due at first."""
    held_until: datetime | None = None
    """When the last hold of this follow-up ended, if it was held."""
    is_held_out: bool = False
    """They are kept without messages of this trigger, to measure what those do."""
    sent: tuple[Sent, ...] = ()
    """At least everything of the last seven days, of every trigger."""

    @property
    def activity_window(self) -> timedelta | None:
        """How long they must have been silent; None where the trigger follows from an act of theirs."""
        window = self.limits.activity_window(self.trigger)
        if self.trigger == "inactivity" and window is not None and self.quiet_after is not None:
            return max(window, self.quiet_after)
        return window

    @cached_property
    def send_times(self) -> SendTimes:
        """When something may reach them."""
        windows = [(self.limits.quiet_start, self.limits.quiet_end)]
        if self.quiet_start is not None and self.quiet_end is not None:
            windows.append((self.quiet_start, self.quiet_end))
        return SendTimes(zone_for(self.timezone, self.limits.timezone), tuple(windows), self.limits.send_days)


@dataclass(frozen=True)
class _Stop:
    """What a gate says when it does not let a follow-up pass. Without `until` it is a DROP."""

    gate: Gate
    reason: str
    inputs: dict[str, Any]
    until: datetime | None = None


def decide(facts: Facts, *, now: datetime) -> Decision:
    """Ask the gates in their order; the first one that stops the follow-up decides.

    A HOLD ends at a time when something may reach the member, and not later than this follow-up may come at all:
    what could only come too late is dropped at once instead of pending for nothing. The verdict SEND means: now.
    """
    for gate in _GATES:
        stop = gate(facts, now)
        if stop is not None:
            return _answer(facts, stop)
    return Decision(Verdict.SEND, reason="Every condition is met.", inputs=_all_inputs(facts))


def _answer(facts: Facts, stop: _Stop) -> Decision:
    if stop.until is None:
        return Decision(Verdict.DROP, stop.gate, None, stop.reason, stop.inputs)
    if facts.send_times.are_none:
        return _answer(facts, _no_hour(facts))
    until, last = _opening(facts, stop.until), _last_moment(facts)
    if last is not None and until > last:
        return _answer(facts, _in_vain(facts, stop, last))
    return Decision(Verdict.HOLD, stop.gate, until, stop.reason, stop.inputs)


def _opening(facts: Facts, at: datetime) -> datetime:
    """Return `at` when something may reach the member then, else a time soon after that begins again.

    Not all at the same second: each member has an own place in `limits.jitter`, another one each day.
    """
    times = facts.send_times
    opening = times.opening(at)
    if opening == at:
        return at
    share = fraction(facts.user_id, opening.isoformat())
    return times.spread(opening, most=facts.limits.jitter, share=share)


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


def _switch(facts: Facts, now: datetime) -> _Stop | None:
    if facts.limits.enabled:
        return None
    return _Stop(Gate.SWITCH, "Follow-ups are switched off for everybody (FOLLOW_UP_ENABLED).", {"enabled": False})


def _campaign(facts: Facts, now: datetime) -> _Stop | None:
    if not facts.campaign_paused:
        return None
    reason = f"Follow-ups of this kind are paused for everybody: {facts.campaign_paused.rstrip('.')}."
    return _Stop(Gate.CAMPAIGN, reason, {"paused": True}, now + ASK_AGAIN)


def _too_late(facts: Facts, now: datetime) -> _Stop | None:
    """Two things make a follow-up late, and each has its limit.

    Nothing ran (the server was down, a worker was missing): at most `limits.grace` after the time when it was to be
    asked about, which is the due time or, once it was held, the end of the last hold. And the policy held it, as
    often as there was reason to: that and everything else together at most 14 days after the due time. A birthday
    greeting may be one day late for any cause.
    """
    last = _last_moment(facts)
    if facts.planned_for is None or last is None:
        return None
    asked_for = max(facts.planned_for, facts.held_until or facts.planned_for)
    last = min(last, asked_for + facts.limits.grace)
    if now <= last:
        return None
    reason = f"It was due on {_minute(facts.planned_for)} and could come until {_minute(last)} at the latest."
    inputs = {
        "planned_for": _iso(facts.planned_for),
        "held_until": _iso(facts.held_until),
        "grace_hours": _hours(facts.limits.grace),
    }
    return _Stop(Gate.TOO_LATE, reason, inputs)


def _last_moment(facts: Facts) -> datetime | None:
    """After this time the follow-up is of no use any more; None while it has no due time."""
    return None if facts.planned_for is None else facts.planned_for + facts.limits.longest_wait(facts.trigger)


def _in_vain(facts: Facts, stop: _Stop, last: datetime) -> _Stop:
    """Drop what a gate would hold for longer than it may wait."""
    reason = f"{stop.reason} Afterwards it would be too late: it may come until {_minute(last)}."
    inputs = {**stop.inputs, "held_by": stop.gate.value, "planned_for": _iso(facts.planned_for)}
    return _Stop(Gate.TOO_LATE, reason, inputs)


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


def _topic(facts: Facts, now: datetime) -> _Stop | None:
    topic = TOPIC_OF.get(facts.trigger)
    if topic in facts.topics:
        return None
    wanted = ", ".join(sorted(facts.topics)).replace("_", "-") or "nothing"
    reason = f"The member's topics are {wanted}; this message belongs to {(topic or 'none').replace('_', '-')}."
    return _Stop(Gate.TOPIC, reason, {"topic": topic, "topics": sorted(facts.topics)})


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
        return _Stop(
            Gate.REACHABLE, "The conversation with the member is blocked, or marked as spam, by staff.", inputs
        )
    return None


def _escalated(facts: Facts, now: datetime) -> _Stop | None:
    if facts.trigger != "emotion_based" or not facts.is_escalated:
        return None
    reason = "The member sounded very unhappy and nobody of the staff has settled it yet: a person should write."
    return _Stop(Gate.ESCALATED, reason, {"is_escalated": True})


def _paused(facts: Facts, now: datetime) -> _Stop | None:
    if facts.paused_until is None or facts.paused_until <= now:
        return None
    reason = f"The member wants no follow-up before {_minute(facts.paused_until)}, or is away until then."
    return _Stop(Gate.PAUSED, reason, {"paused_until": _iso(facts.paused_until)}, facts.paused_until)


def _active(facts: Facts, now: datetime) -> _Stop | None:
    """Their own message ends the occasion, so that is a DROP. A silence that is only not long enough yet, because
    for a part of it nobody listened, grows by itself: a HOLD.
    """
    window, last = facts.activity_window, facts.last_interaction
    if window is None or last is None or last + window + facts.unheard <= now:
        return None
    inputs = {"last_interaction": _iso(last), "window_hours": _hours(window)}
    if last + window > now:
        reason = f"The member wrote on {_minute(last)}, less than {_length(window)} ago."
        return _Stop(Gate.ACTIVE, reason, inputs)
    reason = (
        f"The member wrote on {_minute(last)}; without the {_length(facts.unheard)} in which nobody listened, or they "
        f"were away, that is less than {_length(window)} of silence."
    )
    inputs["unheard_hours"] = _hours(facts.unheard)
    return _Stop(Gate.ACTIVE, reason, inputs, last + window + facts.unheard)


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
    number = f"{len(counted)} follow-up{'' if len(counted) == 1 else 's'}"
    reason = f"The member got {number} in the last seven days; the limit is {cap}."
    return _Stop(Gate.WEEKLY_CAP, reason, {"sent": [_iso(at) for at in counted], "max_per_week": cap}, until)


def _trigger_cap(facts: Facts, now: datetime) -> _Stop | None:
    last = max((sent.at for sent in facts.sent if sent.trigger == facts.trigger), default=None)
    if last is None or last + SAME_TRIGGER_GAP <= now:
        return None
    reason = f"A follow-up of the same kind went out on {_minute(last)}, less than 24 hours ago."
    return _Stop(Gate.TRIGGER_CAP, reason, {"same_trigger_sent_at": _iso(last)}, last + SAME_TRIGGER_GAP)


def _quiet_hours(facts: Facts, now: datetime) -> _Stop | None:
    times = facts.send_times
    if times.are_none:
        return _no_hour(facts)
    if times.is_open(now):
        return None
    local = now.astimezone(times.zone)
    if local.hour in times.hours:
        reason = f"Nothing is sent on a {local:%A}, which it is for the member ({times.zone})."
    else:
        hours = " and between ".join(f"{start}:00 and {end}:00" for start, end in times.windows if start != end)
        reason = f"No messages between {hours} in the member's time ({times.zone})."
    return _Stop(Gate.QUIET_HOURS, reason, _quiet_inputs(facts), until=now)  # from now on, as soon as it is open


def _no_hour(facts: Facts) -> _Stop:
    reason = "The community's quiet hours and the member's own leave no hour of the day for a message."
    if not facts.limits.send_days:
        reason = "There is no day of the week on which messages may be sent (FOLLOW_UP_SEND_DAYS)."
    return _Stop(Gate.QUIET_HOURS, reason, _quiet_inputs(facts))


def _quiet_inputs(facts: Facts) -> dict[str, Any]:
    limits = facts.limits
    inputs: dict[str, Any] = {
        "zone": str(facts.send_times.zone),
        "quiet_start": limits.quiet_start,
        "quiet_end": limits.quiet_end,
    }
    if facts.quiet_start is not None:
        inputs |= {"own_quiet_start": facts.quiet_start, "own_quiet_end": facts.quiet_end}
    if limits.send_days != ALL_DAYS:
        inputs["send_days"] = sorted(limits.send_days)
    return inputs


def _holdout(facts: Facts, now: datetime) -> _Stop | None:
    if not facts.is_held_out:
        return None
    reason = "The member is one of those who are kept without such messages, to see what they do."
    return _Stop(Gate.HOLDOUT, reason, {"is_held_out": True})


_GATES = (
    _switch,
    _campaign,
    _too_late,
    _profile,
    _consent,
    _topic,
    _reachable,
    _escalated,
    _paused,
    _active,
    _gap,
    _weekly_cap,
    _trigger_cap,
    _quiet_hours,
    _holdout,
)


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
        "zone": str(facts.send_times.zone),
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
