"""Numbers that look like chance and always come out the same."""

from hashlib import blake2b


def share(*parts: object) -> float:
    """A number from 0 up to, not including, 1 that follows from the parts."""
    digest = blake2b("\x1f".join(map(str, parts)).encode(errors="surrogatepass"), digest_size=6).digest()
    return int.from_bytes(digest, "big") / 2**48


def between(low: float, high: float, *parts: object) -> float:
    """A number from `low` to `high` that follows from the parts."""
    return low + (high - low) * share(*parts)


def whole(below: int, *parts: object) -> int:
    """A whole number from 0 to `below` - 1 that follows from the parts."""
    return int(share(*parts) * below)
