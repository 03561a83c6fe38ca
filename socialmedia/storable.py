"""Making what comes from a network fit its columns. Pure."""

import math
from collections.abc import Mapping
from typing import Any, Final

MOST: Final = 2**63 - 1
"""The largest number of a bigint."""
_MOST_SMALL: Final = 2**31 - 1
_DEEPEST: Final = 50


def text(value: str, longest: int = 100_000) -> str:
    """The text without NUL and half characters, and not endless."""
    return value[:longest].replace("\x00", "\ufffd").encode("utf-8", "replace").decode()


def count(value: int | None) -> int | None:
    """The count, or None where it is no possible one."""
    return value if value is not None and 0 <= value <= MOST else None


def small_count(value: int | None) -> int:
    """The count in a column of four bytes; 0 where it is not known."""
    return min(count(value) or 0, _MOST_SMALL)


def json(value: Any, depth: int = 0) -> Any:
    """What a provider said, as JSONB takes it."""
    if isinstance(value, str):
        return text(value)
    if depth > _DEEPEST:
        return None
    if isinstance(value, Mapping):
        return {text(str(key)): json(entry, depth + 1) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [json(entry, depth + 1) for entry in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
