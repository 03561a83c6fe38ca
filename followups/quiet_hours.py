"""When a message may reach somebody: the open hours and days on their wall clock. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from functools import cached_property

ALL_DAYS = frozenset(range(7))
_QUARTER = timedelta(minutes=15)
_LONGEST_SEARCH = timedelta(days=16)
"""Two weeks and more: a zone may skip a whole day, and that day may be the only one of the week."""


@dataclass(frozen=True)
class SendTimes:
    """The hours and days of one member. What lies in any of the quiet windows is quiet: the stricter wins."""

    zone: tzinfo
    windows: tuple[tuple[int, int], ...]
    """Quiet from the first hour up to, not including, the second."""
    days: frozenset[int] = ALL_DAYS
    """Days on which something may be sent: 0 Monday to 6 Sunday."""

    @cached_property
    def hours(self) -> frozenset[int]:
        """The hours of the day outside every window."""
        return frozenset(
            hour for hour in range(24) if not any(lies_within(hour, start, end) for start, end in self.windows)
        )

    @property
    def are_none(self) -> bool:
        """Whether there is no such hour in any week."""
        return not (self.hours and self.days)

    def is_open(self, at: datetime) -> bool:
        """Whether a message may go at this instant."""
        local = at.astimezone(self.zone)
        return local.hour in self.hours and local.weekday() in self.days

    def opening(self, at: datetime) -> datetime:
        """Return `at` when it is open, else the first open instant after it. Needs some open hour (`are_none`).

        Every zone's offset and every change of clocks lies on a quarter of an hour in UTC, so hour and day of the
        wall clock can only change there. Walking over them is right for skipped and repeated hours, where
        arithmetic on wall-clock times is not.
        """
        if self.is_open(at):
            return at
        found = (instant for instant in _quarters_after(at, _LONGEST_SEARCH) if self.is_open(instant))
        return next(found, at + _LONGEST_SEARCH)

    def spread(self, opening: datetime, *, most: timedelta, share: float) -> datetime:
        """Return `opening` and a share (0 up to, not including, 1) of the time `most` after it, or of the time until
        it closes again when that is shorter: what was open stays open. Whole seconds.
        """
        closing = next((at for at in _quarters_after(opening, most) if not self.is_open(at)), opening + most)
        room = min(most, closing - opening)
        return opening + timedelta(seconds=int(room.total_seconds() * share))


def lies_within(hour: int, start: int, end: int) -> bool:
    """Whether an hour of the day, 0 to 23, lies in a window. It goes over midnight when `start` comes after `end`;
    equal ones mean that there is no window.
    """
    if start <= end:
        return start <= hour < end
    return hour >= start or hour < end


def _quarters_after(at: datetime, length: timedelta) -> Iterator[datetime]:
    """The full quarters of an hour after `at`, as long as they are no further away than `length`."""
    at = at.astimezone(UTC)
    instant = at.replace(minute=at.minute - at.minute % 15, second=0, microsecond=0) + _QUARTER
    while instant <= at + length:
        yield instant
        instant += _QUARTER
