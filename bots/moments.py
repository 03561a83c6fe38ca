"""Reading when something shall be: "in 2 weeks", "tomorrow", "2026-12-24 18:00", as people write it."""

import calendar
import re
from datetime import UTC, datetime, time, timedelta, tzinfo
from typing import Final

AT: Final = time(10)
"""A day without an hour means ten o'clock."""
_NUMBERS: Final = {"a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6}
_SPAN: Final = rf"(?:in\s+)?(?P<number>\d{{1,5}}|{'|'.join(_NUMBERS)})\s*(?P<unit>hour|day|week|month)s?"
_DATE: Final = r"(?:(?:on|by|until)\s+)?(?P<date>\d{4}-\d{1,2}-\d{1,2})(?:(?:\s+|t|\s+at\s+)(?P<clock>\d{1,2}:\d{2}))?"
_WORD: Final = r"(?P<word>tomorrow|next\s+week|next\s+month)"
_WHEN: Final = re.compile(rf"(?:{_SPAN}|{_DATE}|{_WORD})\.?", re.IGNORECASE)
_AT_THE_END: Final = re.compile(rf"^(?P<text>.*?)[\s,;:–-]*\b(?P<when>{_WHEN.pattern})\s*$", re.IGNORECASE | re.DOTALL)
_LONGEST_WHEN: Final = 60
_WORDS: Final = {"tomorrow": (1, "day"), "next week": (1, "week"), "next month": (1, "month")}


class NotATime(ValueError):
    """Nobody can tell which time is meant; the message is a kind sentence."""

    def __init__(self, words: str) -> None:
        shown = " ".join(words.split()).replace("`", "'")[:60]
        super().__init__(
            f"I can't tell when `{shown}` is. Write a time like `in 2 weeks`, `in 10 days`, `tomorrow`, `2026-12-24` "
            "or `2026-12-24 18:00`."
        )


def read(words: str, *, zone: tzinfo, now: datetime) -> datetime:
    """Return the moment in UTC; dates and hours are those of `zone`. A bare number means days.

    Raises NotATime.
    """
    plain = words.strip().strip("\"'`")
    found = _WHEN.fullmatch(f"{plain} days" if re.fullmatch(r"\d{1,5}", plain) else plain)
    if found is None:
        raise NotATime(words)
    try:
        return _moment(found, zone=zone, now=now).astimezone(UTC)
    except (ValueError, OverflowError):  # no such day, no such hour, outside of the calendar
        raise NotATime(words) from None


def split(words: str) -> tuple[str, str]:
    """Part what is wanted from the time at its end: "run 5 km in 2 weeks". Without one, the time is empty."""
    whole = words.strip()
    # A time is short. To look for one in a long text takes seconds, in which nothing else runs in this process.
    start = max(0, len(whole) - _LONGEST_WHEN)
    found = _AT_THE_END.match(whole[start:])
    if found is None:
        return whole, ""
    return f"{whole[:start]}{found['text']}".strip(), found["when"]


def _moment(found: re.Match[str], *, zone: tzinfo, now: datetime) -> datetime:
    if found["date"]:
        year, month, day = (int(part) for part in found["date"].split("-"))
        hour, minute = (int(part) for part in found["clock"].split(":")) if found["clock"] else (AT.hour, AT.minute)
        return datetime(year, month, day, hour, minute, tzinfo=zone)
    if found["word"]:
        return _later(*_WORDS[" ".join(found["word"].lower().split())], zone=zone, now=now)
    number = _NUMBERS.get(found["number"].lower()) or int(found["number"])
    return _later(number, found["unit"].lower(), zone=zone, now=now)


def _later(number: int, unit: str, *, zone: tzinfo, now: datetime) -> datetime:
    """So many hours from now, or at this time of the member's day so many days, weeks or months later."""
    if unit == "hour":
        return now + timedelta(hours=number)
    local = now.astimezone(zone)
    if unit != "month":
        return local + timedelta(days=number * (7 if unit == "week" else 1))
    years, month = divmod(local.month - 1 + number, 12)
    last = calendar.monthrange(local.year + years, month + 1)[1]
    return local.replace(year=local.year + years, month=month + 1, day=min(local.day, last))
