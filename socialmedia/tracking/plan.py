"""The plan of a post's checks: hours after a base, and the instants that follow. Pure, but for the default's row."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Final

from socialmedia.models import CheckBase, SystemSetting

NINE: Final = (1, 6, 12, 24, 48, 72, 168, 336, 720)
"""The seed's offsets: an hour to thirty days."""
LONGEST_HOURS: Final = 8760
MOST: Final = 50
SETTING: Final = "checkback_schedule_default"
_LONGEST_QUOTE: Final = 30


class BadOffsets(ValueError):
    """No checks can be planned by these offsets; the message names the one that is wrong."""


@dataclass(frozen=True)
class Plan:
    """When a post is checked."""

    offsets: tuple[float, ...]
    """Hours after the base; only those that are still to come."""
    base: str
    instants: tuple[datetime, ...]


def make(given: str | Sequence[object], *, base: str, posted_at: datetime | None, now: datetime) -> Plan:
    """Plan checks from the start of tracking, which is `now`, or from the publication of the post: then what is past
    already is left out.

    Raises:
        BadOffsets: an offset is wrong, none is still to come, or it is not known when the post was published.
    """
    offsets, counted_from = read_offsets(given), _instant(now)
    if read_base(base) == CheckBase.POSTING:
        if posted_at is None:
            raise BadOffsets("It is not known when the post was published: count from the start of tracking instead.")
        counted_from = min(_instant(posted_at), counted_from)
    to_come = [offset for offset in offsets if counted_from + timedelta(hours=offset) > now]
    if not to_come:
        raise BadOffsets(
            f"The post is older than {offsets[-1]:g} hours, the last offset: "
            "give a later one, or count from the start of tracking."
        )
    return Plan(tuple(to_come), base, tuple(counted_from + timedelta(hours=offset) for offset in to_come))


def read_offsets(given: str | Sequence[object]) -> tuple[float, ...]:
    """Read hours like "1,6,12", or a list of numbers. Raises BadOffsets."""
    pieces = given.split(",") if isinstance(given, str) else list(given)
    if isinstance(given, str) and not given.strip():
        pieces = []
    if not 1 <= len(pieces) <= MOST:
        raise BadOffsets(f"Give 1 to {MOST} offsets in hours, like 1,6,24; these are {len(pieces)}.")
    offsets = tuple(_hours(piece, place) for place, piece in enumerate(pieces, start=1))
    for place, (before, after) in enumerate(pairwise(offsets), start=2):
        if timedelta(hours=after) <= timedelta(hours=before):
            raise BadOffsets(f"Offset {place} ({after:g}) does not come after the one before it ({before:g}).")
    return offsets


def read_base(base: str) -> CheckBase:
    """Read from when offsets count. Raises BadOffsets."""
    if base not in CheckBase.values:
        raise BadOffsets(f"Offsets count from {' or '.join(CheckBase.values)}, not from {_quoted(base)}.")
    return CheckBase(base)


def default_offsets() -> tuple[float, ...]:
    """The offsets of posts that are given none: those of the settings row. Raises BadOffsets when that is broken."""
    row = SystemSetting.objects.filter(pk=SETTING).first()
    if row is None:
        return NINE
    entries = row.setting_value
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise BadOffsets(f'The setting {SETTING} is no list of entries like {{"offset_hours": 1, "name": "1 hour"}}.')
    try:
        return read_offsets([entry.get("offset_hours") for entry in entries])
    except BadOffsets as error:
        raise BadOffsets(f"The setting {SETTING} is wrong: {error}") from None


def as_texts(instants: Sequence[datetime]) -> list[str]:
    """The instants as `check_schedule` holds them: ISO 8601 in UTC. Raises ValueError for one without a time zone."""
    return [_instant(moment).isoformat() for moment in instants]


def from_texts(texts: Sequence[str]) -> list[datetime]:
    """Read what `as_texts` wrote. Raises ValueError for one without a time zone."""
    return [_instant(datetime.fromisoformat(text)) for text in texts]


def _hours(piece: object, place: int) -> float:
    if isinstance(piece, bool) or not isinstance(piece, str | int | float):
        raise BadOffsets(f"Offset {place} ({_quoted(piece)}) is no number of hours.")
    try:
        hours = float(piece)
    except (ValueError, OverflowError):
        hours = math.nan
    if math.isnan(hours):
        raise BadOffsets(f"Offset {place} ({_quoted(piece)}) is no number of hours.")
    if hours > LONGEST_HOURS:
        raise BadOffsets(f"Offset {place} ({_quoted(piece)}) is more than {LONGEST_HOURS} hours, a year.")
    if hours <= 0 or not timedelta(hours=hours):
        raise BadOffsets(f"Offset {place} ({_quoted(piece)}) is not more than 0 hours.")
    return int(hours) if hours.is_integer() else hours


def _instant(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError(f"The time {moment.isoformat()} needs a time zone, like 2026-05-01T12:00:00+02:00.")
    return moment.astimezone(UTC)


def _quoted(piece: object) -> str:
    words = str(piece).strip() if isinstance(piece, str | int | float) else repr(piece)
    return words if len(words) <= _LONGEST_QUOTE else f"{words[:_LONGEST_QUOTE]}..."
