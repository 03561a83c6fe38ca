"""Stable chance: the same member always falls into the same place, on every host and after every restart. Pure."""

from collections.abc import Mapping
from hashlib import sha256


def fraction(*parts: str) -> float:
    """Return a number from 0 up to, not including, 1: evenly spread, and always the same for the same parts."""
    digest = sha256("\x1f".join(parts).encode()).digest()
    return int.from_bytes(digest[:7]) / 2**56


def choose(weights: Mapping[str, int], *parts: str) -> str:
    """Return one of the names, each as often as its weight says. Raises ValueError when no weight is above 0."""
    total = sum(weights.values())
    if total <= 0:
        raise ValueError("There is nothing to choose from: no weight is above 0.")
    place = fraction(*parts) * total
    for name in sorted(weights):
        place -= weights[name]
        if place < 0:
            return name
    raise AssertionError("a fraction below 1 falls into one of the places")
