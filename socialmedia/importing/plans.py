"""What MediaPoster says of a post's check-backs, in a state that is legal here. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, tzinfo
from typing import Any

from socialmedia.importing import values
from socialmedia.importing.values import Row
from socialmedia.models import CheckBase, TrackingState

BY = "import_mediaposter"
MEASURED_PLATFORM = "tiktok"
_HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Plan:
    """A post's check-backs. Without `started_at` it is not tracked."""

    state: TrackingState = TrackingState.UNTRACKED
    started_at: datetime | None = None
    schedule: Sequence[datetime] = ()
    checks_completed: int = 0
    next_check_at: datetime | None = None
    changed: str = ""
    """What had to be changed; empty: nothing."""

    def columns(self, *, now: datetime) -> dict[str, Any]:
        """Return the columns of a post that say so."""
        is_tracked = self.state != TrackingState.UNTRACKED
        is_stopped = self.state == TrackingState.STOPPED
        return {
            "tracking_state": self.state,
            "tracking_started_at": self.started_at,
            "tracking_complete": self.state == TrackingState.COMPLETE,
            "tracking_round": int(is_tracked),
            "check_schedule": [one.isoformat() for one in self.schedule],
            "check_offsets": self.offsets,
            "check_base": CheckBase.TRACKING_START,
            "checks_completed": self.checks_completed,
            "next_check_at": self.next_check_at,
            "stopped_at": now if is_stopped else None,
            "stopped_by": BY if is_stopped else "",
        }

    @property
    def offsets(self) -> list[float]:
        """The hours after the start, of those that come after it. MediaPoster read two clocks: to 36 seconds."""
        if self.started_at is None:
            return []
        hours = [round((one - self.started_at) / _HOUR, 2) for one in self.schedule]
        return [int(hour) if hour.is_integer() else hour for hour in hours if hour > 0]


def read(row: Row, *, zone: tzinfo) -> Plan:
    """Return the legal state that is nearest to what a row of `social_media_posts` says."""
    schedule = values.instants(row.get("check_schedule"), zone)
    times = values.times(row, zone, "tracking_started_at", "next_check_at", "created_at")
    done = row.get("checks_completed") or 0
    is_complete = bool(row.get("tracking_complete"))
    next_at = times.get("next_check_at")
    if not (schedule or schedule is None or next_at or done or is_complete or "tracking_started_at" in times):
        return Plan()
    plan = _cleaned(schedule, next_at, done)
    started_at = times.get("tracking_started_at") or _likely_start(times.get("created_at"), plan.schedule)
    if started_at is None:
        return Plan(changed="check-backs without any time were dropped")
    plan = replace(plan, started_at=started_at)
    if "tracking_started_at" not in times and not plan.changed:
        plan = replace(plan, changed="start of tracking guessed")
    if is_complete or (plan.schedule and plan.checks_completed >= len(plan.schedule)):
        return replace(plan, state=TrackingState.COMPLETE)
    return _going_on(plan, next_at, row)


def trim(plan: Plan, *, measured_until: datetime, is_complete: bool, is_resumed: bool, now: datetime) -> Plan:
    """Return the state of a plan whose own progress is not to be believed (ORIGINS T-B1): what it measured counts.
    It is complete once its times are over, whatever it says, and otherwise waits for somebody to resume it.
    """
    behind = sum(one <= measured_until for one in plan.schedule)
    passed = sum(one <= now for one in plan.schedule)
    if is_complete or passed == len(plan.schedule):
        return replace(plan, state=TrackingState.COMPLETE, checks_completed=len(plan.schedule), next_check_at=None)
    if is_resumed:
        next_at = plan.schedule[passed]
        return replace(plan, state=TrackingState.ACTIVE, checks_completed=passed, next_check_at=next_at)
    return replace(plan, state=TrackingState.STOPPED, checks_completed=behind, next_check_at=None)


def first_after(instants: Sequence[datetime], schedule: Sequence[datetime]) -> Iterator[tuple[int, int]]:
    """Yield (entry, place): at which place of the rising instants the first one at or after each entry is. Entries
    that nothing follows are left out.
    """
    place = 0
    for entry, planned_at in enumerate(schedule):
        while place < len(instants) and instants[place] < planned_at:
            place += 1
        if place == len(instants):
            return
        yield entry, place


def _cleaned(schedule: list[datetime] | None, next_at: datetime | None, done: int) -> Plan:
    """The schedule in rising order, and a count of checks that is a place in it."""
    changed = "" if schedule is not None else "unreadable schedule dropped"
    rising = sorted(set(schedule or []))
    if schedule and rising != schedule:
        changed = "schedule put in order"
    if not rising and next_at:
        rising, done, changed = [next_at], 0, changed or "next check made the whole schedule"
    kept = min(max(done, 0), len(rising))
    if kept != done:
        changed = changed or "number of checks brought within the schedule"
    return Plan(schedule=tuple(rising), checks_completed=kept, changed=changed)


def _likely_start(created_at: datetime | None, schedule: Sequence[datetime]) -> datetime | None:
    first = schedule[0] if schedule else None
    if created_at and first:
        return min(created_at, first)
    return created_at or first


def _going_on(plan: Plan, next_at: datetime | None, row: Row) -> Plan:
    """The state of a plan that is not at its end."""
    if row.get("deleted_at"):
        return replace(plan, state=TrackingState.UNAVAILABLE, changed=plan.changed or "deleted post not checked")
    stopped = replace(plan, state=TrackingState.STOPPED)
    if not plan.schedule:
        return replace(stopped, changed=plan.changed or "stopped: it has no schedule")
    if row.get("platform") != MEASURED_PLATFORM:
        return replace(stopped, changed="stopped: only TikTok is measured here")
    if next_at is None:
        plan = replace(plan, changed=plan.changed or "next check taken from the schedule")
    next_at = next_at or plan.schedule[plan.checks_completed]
    return replace(plan, state=TrackingState.ACTIVE, next_check_at=next_at)
