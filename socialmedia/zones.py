"""In which zone an account lives, and when its day begins and ends."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from socialmedia import conf
from socialmedia.models import Account


@dataclass(frozen=True)
class Day:
    """A day of the calendar in some zone: 23 or 25 hours long when the clocks change."""

    date: date
    start: datetime
    end: datetime
    """The next day's start."""


def of(account: Account) -> ZoneInfo:
    """Return the account's zone. One that nobody knows is the community's: forms refuse it, imports may bring it."""
    return named(account.timezone)


def named(name: str) -> ZoneInfo:
    """Return a zone by its name; the community's for none and for an unknown one."""
    try:
        return ZoneInfo(name or conf.default_zone())
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo(conf.default_zone())


def day_of(moment: datetime, zone: ZoneInfo) -> Day:
    """Return the day that it is in a zone at a moment."""
    today = moment.astimezone(zone).date()
    return Day(today, _midnight(today, zone), _midnight(today + timedelta(days=1), zone))


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    """When a day begins: where its midnight is skipped, at the first moment after it; where it comes twice, the first
    time.
    """
    return datetime.combine(day, time.min, zone).astimezone(UTC)
