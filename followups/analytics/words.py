"""The figures in plain words. Pure."""

from datetime import timedelta

import humanize

from followups.analytics.intervals import Interval, Share

ENOUGH = 20
"""Fewer than these are chance, not a result: of 20 with 6 answers, the true share lies between 15 and 52 %."""
NOT_ENOUGH = "not enough data yet"


def percent(value: float | None) -> str:
    """As in "30 %"."""
    return "–" if value is None else f"{round(value * 100)} %"


def share(of: Share, what: str) -> str:
    """As in "12 of 40 answered (30 %, likely 18-45 %)"."""
    likely = of.interval()
    if likely is None or of.of < ENOUGH:
        return f"{of.hits:,} of {of.of:,} {what}: {NOT_ENOUGH}"
    reach = f"{round(likely.low * 100)}-{percent(likely.high)}"
    return f"{of.hits:,} of {of.of:,} {what} ({percent(of.value)}, likely {reach})"


def answers(answered: Share, *, young: int, young_answered: int) -> str:
    """The share of answers, and what is too young to judge."""
    if not answered.of and not young:
        return "Nothing was sent."
    sentences = [share(answered, "answered")] if answered.of else []
    if young:
        more = " more" if answered.of else ""
        verb = "is" if young == 1 else "are"
        sentences.append(f"{young:,}{more} {verb} too young to judge ({young_answered:,} answered so far)")
    return "; ".join(sentences)


def points(interval: Interval) -> str:
    """The likely difference in points of a percent: "3 to 21", or, over 0, "5 fewer to 12 more"."""
    low, high = round(interval.low * 100), round(interval.high * 100)
    if interval.has_zero:
        return f"{abs(low)} fewer to {high} more"
    ends = sorted((abs(low), abs(high)))
    return f"{ends[0]} to {ends[1]}"


def gap(first: Share, second: Share, interval: Interval) -> str:
    """The difference of two shares, as in "12 points more (likely 3 to 21)"."""
    apart = round(100 * ((first.value or 0) - (second.value or 0)))
    direction = "more" if interval.low > 0 else "fewer"
    return f"{abs(apart)} point{'' if abs(apart) == 1 else 's'} {direction} (likely {points(interval)})"


def length(value: timedelta | None) -> str:
    """As in "3 hours"."""
    return "–" if value is None else humanize.naturaldelta(value)
