"""Reading what a member wrote into the form for quiet hours. Pure."""

import re
from typing import Final

from followups.preferences import BadPreference

_HOUR: Final = re.compile(r"(\d{1,2})(?:[:.h]?00|h| ?(?:uhr|o'clock))? ?(am|pm|a\.m\.|p\.m\.)?", re.IGNORECASE)


def quiet_hours(start: str, end: str) -> tuple[int, int] | None:
    """The hours from and until, or None when both are empty.

    Raises:
        BadPreference: one of them is empty, or no full hour of the day.
    """
    if not start.strip() and not end.strip():
        return None
    if not start.strip() or not end.strip():
        raise BadPreference("quiet_hours", "quiet hours need both a beginning and an end, or neither.")
    return hour(start), hour(end)


def hour(text: str) -> int:
    """An hour as people write it: 22, 22:00, 10 pm."""
    found = _HOUR.fullmatch(text.strip())
    if found is None:
        raise _no_hour(text)
    number, half = int(found[1]), (found[2] or "").lower().replace(".", "")
    if half and not 1 <= number <= 12:
        raise _no_hour(text)
    if half:
        number = number % 12 + (12 if half == "pm" else 0)
    elif number == 24:
        number = 0
    if number > 23:
        raise _no_hour(text)
    return number


def _no_hour(text: str) -> BadPreference:
    return BadPreference("quiet_hours", f"{text.strip()[:20]!r} is no full hour of the day: write one from 0 to 23.")
