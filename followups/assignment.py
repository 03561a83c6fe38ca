"""Stable chance: the same member always falls into the same place, on every host and after every restart. Pure."""

from collections.abc import Mapping
from hashlib import sha256
from math import log1p


def fraction(*parts: str) -> float:
    """Return a number from 0 up to, not including, 1: evenly spread, and always the same for the same parts."""
    digest = sha256("\x1f".join(parts).encode()).digest()
    return int.from_bytes(digest[:7]) / 2**56


def choose(weights: Mapping[str, int], *parts: str) -> str:
    """Return one of the names, each as often as its weight says. Raises ValueError when no weight is above 0.

    Each name draws a lot, and the best lot wins (weighted rendezvous hashing): a name that is added takes its share
    and nobody else moves, one that goes leaves its share to the others, and a weight that grows only takes.
    """
    drawn = {name: _lot(weight, name, *parts) for name, weight in weights.items() if weight > 0}
    if not drawn:
        raise ValueError("There is nothing to choose from: no weight is above 0.")
    return min(drawn, key=lambda name: (drawn[name], name))


def _lot(weight: int, *parts: str) -> float:
    """How long a member waits for this name, on average 1 / weight: the shortest wait wins as often as its weight."""
    return -log1p(-fraction("lot", *parts)) / weight
