"""Figures as people read them at a shell: with signs, with words where there is no number, as curves."""

from collections.abc import Mapping, Sequence
from typing import Any

from jobs import terminal
from socialmedia import sparklines
from socialmedia.metrics.reading import Snapshot
from socialmedia.models import PostSnapshot
from socialmedia.providers.base import Metric


def count(value: int | None, *, without: str = terminal.NOTHING) -> str:
    """A number, or what is said without one."""
    return without if value is None else f"{value:,}"


def change(value: int | None) -> str:
    """A difference with its sign: +5, -3, 0."""
    if value is None:
        return terminal.NOTHING
    return f"{value:+,}" if value else "0"


def rate(value: float | None) -> str:
    """A change per hour, with its sign."""
    return terminal.NOTHING if value is None else f"{value:+,.2f}"


def of_snapshot(snapshot: PostSnapshot, metric: Metric) -> str:
    """A snapshot's counter; one that the network hides is said to be hidden."""
    value = getattr(snapshot, f"{metric}_count")
    return count(value, without=str(snapshot.metric_states.get(metric, terminal.NOTHING)))


def of_snapshots(snapshots: Sequence[Snapshot], metric: Metric) -> str:
    """The line of a few snapshots."""
    return sparklines.draw([getattr(snapshot, f"{metric}_count") for snapshot in snapshots])


def curve(points: Sequence[Mapping[str, Any]]) -> str:
    """The line of a curve as `metrics.analytics` gives it, up to where it is known."""
    return sparklines.draw([point["value"] for point in points]).rstrip()


def why_nothing(points: Sequence[Mapping[str, Any]]) -> str:
    """Why a counter has no number: the last reason that its curve knows."""
    reasons = [point["why"] for point in points if point["why"] in ("hidden", "unavailable")]
    return reasons[-1] if reasons else terminal.NOTHING
