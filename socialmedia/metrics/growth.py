"""Growth of counters: from the first value that is known to the last."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Known:
    """A value, and when it was measured."""

    at: datetime
    value: int


@dataclass(frozen=True)
class Growth:
    """From one value to a later one. Less than before is a negative number."""

    change: int
    per_hour: float
    """With two decimals. 0 when no time passed, as in the seed."""


def overall(values: Sequence[tuple[datetime, int | None]]) -> Growth | None:
    """From the first known value to the last, `values` in the order of time. None when no value is known."""
    known = _known(values)
    return _between(known[0], known[-1]) if known else None


def latest(values: Sequence[tuple[datetime, int | None]]) -> Growth | None:
    """From the known value before to the last one. None when fewer than two are known."""
    known = _known(values)
    return _between(known[-2], known[-1]) if len(known) > 1 else None


def _known(values: Sequence[tuple[datetime, int | None]]) -> list[Known]:
    """Values that the network hides are left out: they are no 0, and growth knows nothing of them."""
    return [Known(at, value) for at, value in values if value is not None]


def _between(first: Known, last: Known) -> Growth:
    change, hours = last.value - first.value, (last.at - first.at) / HOUR
    return Growth(change, round(change / hours, 2) if hours > 0 else 0.0)
