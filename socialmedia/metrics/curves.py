"""Curves: what a post's counter was at which age, known, estimated between two neighbors, or not known at all."""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from statistics import median

NEAR_HOURS = 0.25
NEAR_SHARE = 0.05
"""A check this close to an age was made at it: a quarter of an hour, and 5 % of what is longer than five hours."""


class Kind(StrEnum):
    """How a value is known."""

    MEASURED = "measured"
    INTERPOLATED = "interpolated"
    GAP = "gap"


class Why(StrEnum):
    """Why there is no value."""

    HIDDEN = "hidden"
    UNAVAILABLE = "unavailable"
    BEFORE = "before the first"
    AFTER = "after the last"
    FEW = "too few posts"


@dataclass(frozen=True)
class Sample:
    """One snapshot's value of one counter."""

    hours: float
    """After the start of the curve."""
    value: int | None
    why: Why = Why.UNAVAILABLE
    """Why there is no value; says nothing when there is one."""
    covers: int = 1
    """How many planned checks it stands for: with more than one, those before it were missed."""


@dataclass(frozen=True)
class Point:
    """What a curve has at one age. `value` is None exactly where `kind` is a gap."""

    hours: float
    value: int | None
    kind: Kind
    why: Why | None = None
    missed: bool = False
    """Planned checks were missed on the way here since the sample before: draw it dashed."""


def curve(samples: Iterable[Sample], offsets: Iterable[float]) -> list[Point]:
    """What the counter was at these ages. The samples may come in any order, one for each instant."""
    ordered = sorted(samples, key=lambda sample: sample.hours)
    return [at(ordered, hours) for hours in offsets]


def at(samples: Sequence[Sample], hours: float) -> Point:
    """What the counter was at one age; `samples` in the order of time.

    Nothing is extrapolated, and a sample without a value is never bridged: nobody knows what was there.
    """
    near = _nearest(samples, hours)
    if near is not None:
        return Point(hours, near.value, Kind.MEASURED, missed=near.covers > 1)
    place = bisect_left(samples, hours, key=lambda sample: sample.hours)
    if place == len(samples):
        return _gap(hours, samples[-1] if samples else None, Why.AFTER)
    if place == 0:
        return _gap(hours, samples[0], Why.BEFORE)
    return _between(samples[place - 1], samples[place], hours)


def median_curve(curves: Sequence[Sequence[Point]], ages: Sequence[float], *, least: int = 1) -> list[Point]:
    """The middle of several curves at the same ages; a gap where fewer than `least` of them have a value."""
    return [_median(hours, [points[place] for points in curves], least) for place, hours in enumerate(ages)]


def _nearest(samples: Sequence[Sample], hours: float) -> Sample | None:
    """The known sample that was taken at this age, more or less. Of two as near, the earlier."""
    reach = max(NEAR_HOURS, NEAR_SHARE * hours)
    first = bisect_left(samples, hours - reach, key=lambda sample: sample.hours)
    close = []
    for sample in samples[first:]:
        if sample.hours > hours + reach:
            break
        if sample.value is not None:
            close.append(sample)
    return min(close, key=lambda sample: (abs(sample.hours - hours), sample.hours), default=None)


def _between(before: Sample, after: Sample, hours: float) -> Point:
    if before.value is None or after.value is None:
        blind = after if after.value is None else before
        return Point(hours, None, Kind.GAP, blind.why)
    share = (hours - before.hours) / (after.hours - before.hours)
    value = before.value + round((after.value - before.value) * Fraction(share))  # exact: never beyond a neighbor
    return Point(hours, value, Kind.INTERPOLATED, missed=after.covers > 1)


def _gap(hours: float, edge: Sample | None, why: Why) -> Point:
    """Beyond the edge. When the edge itself shows nothing, that is the better reason."""
    if edge is not None and edge.value is None:
        why = edge.why
    return Point(hours, None, Kind.GAP, why)


def _median(hours: float, points: Sequence[Point], least: int) -> Point:
    known = [point for point in points if point.value is not None]
    if len(known) < max(least, 1):
        return Point(hours, None, Kind.GAP, Why.FEW)
    kind = Kind.MEASURED if all(point.kind is Kind.MEASURED for point in known) else Kind.INTERPOLATED
    return Point(hours, round(median(point.value or 0 for point in known)), kind)
