"""Curves in one line of text."""

from collections.abc import Sequence
from typing import Final

_BLOCKS: Final = "▁▂▃▄▅▆▇█"


def draw(values: Sequence[float | None]) -> str:
    """One block for each value, from the lowest to the highest; a space where there is none."""
    known = [value for value in values if value is not None]
    low, high = min(known, default=0), max(known, default=0)
    return "".join(" " if value is None else _block(value, low, high) for value in values)


def _block(value: float, low: float, high: float) -> str:
    if high == low:
        return _BLOCKS[0]
    return _BLOCKS[round((value - low) / (high - low) * (len(_BLOCKS) - 1))]
