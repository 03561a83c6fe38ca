"""Thinning the histories of MediaPoster's trackers, which measured every five minutes for ever (ORIGINS T-B1). Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from socialmedia.importing import plans

Counters = tuple[int | None, ...]


@dataclass(frozen=True)
class Measured:
    """One entry of a history."""

    at: datetime
    counters: Counters


def thin(history: Sequence[Measured], schedule: Sequence[datetime]) -> list[Measured]:
    """Return what a plan would have measured: the first entry, the first at or after each planned time, and the last.
    Of entries of one instant the first counts; a last one that says nothing new goes.
    """
    rising = sorted({one.at: one for one in reversed(history)}.values(), key=lambda one: one.at)
    if not rising:
        return []
    planned = {place for _, place in plans.first_after([one.at for one in rising], schedule)}
    kept = [rising[place] for place in sorted({0, *planned})]
    if rising[-1].counters != kept[-1].counters:
        kept.append(rising[-1])
    return kept
