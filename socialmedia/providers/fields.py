"""Single fields of an answer that nobody can rely on: what is missing, misspelt or absurd counts as not said. Pure."""

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

Raw = Mapping[str, Any]

MOST: Final = 10**15
"""No counter of any post is higher; what claims to be is no counter."""
_EARLIEST: Final = datetime(2010, 1, 1, tzinfo=UTC).timestamp()
_LATEST: Final = datetime(2100, 1, 1, tzinfo=UTC).timestamp()
_LONGEST_URL: Final = 2_048
_LONGEST_NUMBER: Final = 20
_DEEPEST: Final = 50


def storable(value: Any, *, depth: int = _DEEPEST) -> Any:
    """The same JSON as PostgreSQL takes it: no NUL, no half characters, no number that is none, no endless nesting."""
    if depth == 0:
        return None
    if isinstance(value, str):
        return value.replace("\x00", "\ufffd").encode("utf-8", "replace").decode()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {storable(str(name)): storable(inner, depth=depth - 1) for name, inner in value.items()}
    if isinstance(value, list):
        return [storable(inner, depth=depth - 1) for inner in value]
    return value


def pick(raw: Raw, *names: str) -> Any:
    """The first of these fields that says something. `follower_count` is also found as `followerCount`."""
    for name in names:
        for spelling in (name, _camel(name)):
            if raw.get(spelling) not in (None, ""):
                return raw[spelling]
    return None


def part(raw: Raw, *names: str) -> Raw:
    """A part of an answer that is an object itself; empty when it is not."""
    found = pick(raw, *names)
    return found if isinstance(found, Mapping) else {}


def count(value: Any) -> int | None:
    """A counter, as a number or its text; None unless it is one. Never 0 for what is missing."""
    number = _whole(value)
    return number if number is not None and 0 <= number <= MOST else None


def instant(value: Any) -> datetime | None:
    """A time in seconds since 1970; None for 0 and for times in which there was no such network."""
    seconds = _whole(value)
    return datetime.fromtimestamp(seconds, UTC) if seconds and _EARLIEST <= seconds < _LATEST else None


def text(value: Any, *, longest: int | None = None) -> str:
    """Words, or a number as its text; empty for anything else."""
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        return ""
    return str(value)[:longest]


def key(value: Any) -> str:
    """An id or a handle, which are never cut; empty when there is none that could be one."""
    found = text(value).strip()
    return found if found != "0" and len(found) <= 255 else ""


def url(value: Any) -> str:
    """The address of a picture or page; empty for what is none."""
    found = text(value).strip()
    return found if found.startswith(("https://", "http://")) and len(found) <= _LONGEST_URL else ""


def flag(value: Any) -> bool:
    """Whether it says yes."""
    return value is True or value == 1 or (isinstance(value, str) and value.lower() in ("1", "true"))


def _whole(value: Any) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        digits = value.strip()
        return int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= _LONGEST_NUMBER else None
    if isinstance(value, float):
        return int(value) if math.isfinite(value) and value.is_integer() else None
    return value if isinstance(value, int) else None


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(word.capitalize() for word in rest)
