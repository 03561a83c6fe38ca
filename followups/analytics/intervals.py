"""How sure a share is, and a difference of two shares. Pure.

Newcombe, Statistics in Medicine 17 (1998): 857 for one share (Wilson's interval), 873 for two (his method 10).
"""

from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Interval:
    """Where the true value likely lies."""

    low: float
    high: float

    @property
    def has_zero(self) -> bool:
        """Whether the true value may be 0: then no difference can be seen."""
        return self.low <= 0 <= self.high


@dataclass(frozen=True)
class Share:
    """So many of so many."""

    hits: int
    of: int

    @property
    def value(self) -> float | None:
        """The share, from 0 to 1; None of nothing."""
        return self.hits / self.of if self.of else None

    def interval(self, *, confidence: float = CONFIDENCE) -> Interval | None:
        """Wilson's interval: right for few and for extreme shares, where the usual one is not. None of nothing."""
        if not self.of:
            return None
        z, share = _z(confidence), self.hits / self.of
        center = share + z * z / (2 * self.of)
        reach = z * sqrt(share * (1 - share) / self.of + z * z / (4 * self.of**2))
        scale = 1 + z * z / self.of
        # The ends are exact where rounding would miss them by a hair.
        low = (center - reach) / scale if self.hits else 0.0
        high = (center + reach) / scale if self.hits < self.of else 1.0
        return Interval(low, high)


def difference(first: Share, second: Share, *, confidence: float = CONFIDENCE) -> Interval | None:
    """Newcombe's interval for the first share minus the second. None when either is of nothing."""
    one, two = first.interval(confidence=confidence), second.interval(confidence=confidence)
    if one is None or two is None:
        return None
    p, q = first.hits / first.of, second.hits / second.of
    return Interval(
        p - q - sqrt((p - one.low) ** 2 + (two.high - q) ** 2),
        p - q + sqrt((one.high - p) ** 2 + (q - two.low) ** 2),
    )


def _z(confidence: float) -> float:
    return NormalDist().inv_cdf((1 + confidence) / 2)
