"""How far a post has come at an instant: an S over its age, with less going on at night."""

from datetime import UTC, datetime, timedelta
from math import pi, sin
from typing import Final

_BUSIEST: Final = 19  # o'clock, UTC
_SWING: Final = 0.7  # below 1: even at night something goes on, so that nothing ever falls
_HOUR: Final = timedelta(hours=1)


def reached(posted_at: datetime, at: datetime, *, half_after: float = 18.0, steepness: float = 1.3) -> float:
    """Which share of its end a post has reached, from 0 to 1. Half of it after so many hours, give or take a night."""
    age = lively_hours(posted_at, at)
    if age <= 0:
        return 0.0
    grown: float = (age / half_after) ** steepness
    return grown / (grown + 1)


def lively_hours(posted_at: datetime, at: datetime) -> float:
    """The hours between, where one in the evening counts for more than one at night."""
    hours = (at - posted_at) / _HOUR
    return hours + _SWING * 24 / (2 * pi) * (_phase(at) - _phase(posted_at))


def when(posted_at: datetime, share: float) -> datetime:
    """When a post has reached a share of its end, to the second: the other way round. The share is below 1."""
    seconds = 3600
    while reached(posted_at, posted_at + timedelta(seconds=seconds)) < share:
        seconds *= 2
    before = 0
    while seconds - before > 1:
        middle = (before + seconds) // 2
        if reached(posted_at, posted_at + timedelta(seconds=middle)) < share:
            before = middle
        else:
            seconds = middle
    return posted_at + timedelta(seconds=seconds)


def _phase(at: datetime) -> float:
    clock = at.astimezone(UTC)
    return sin(2 * pi * (clock.hour + clock.minute / 60 + clock.second / 3600 - _BUSIEST) / 24)
