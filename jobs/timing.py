"""When recurring work is planned: cron or a fixed rhythm, in UTC, as Django-Q fires it. Pure: no database, no clock."""

import re
import zoneinfo
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice, takewhile

from croniter import croniter
from croniter.croniter import CroniterBadDateError
from django_q.models import Schedule
from django_q.utils import add_months as _add_months

MINUTE = timedelta(minutes=1)
LONGEST_STEP = 32_767 * MINUTE
"""What the schedule's column can hold: nearly 23 days."""
LONGEST_CRON = 100
SOME_TIME = datetime(2000, 1, 1, tzinfo=UTC)
STEPS = {
    Schedule.HOURLY: timedelta(hours=1),
    Schedule.DAILY: timedelta(days=1),
    Schedule.WEEKLY: timedelta(weeks=1),
    Schedule.BIWEEKLY: timedelta(weeks=2),
}
MONTHS = {Schedule.MONTHLY: 1, Schedule.BIMONTHLY: 2, Schedule.QUARTERLY: 3, Schedule.YEARLY: 12}
SHORTEST_MONTH = 28
DAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_AT_RANDOM = re.compile(r"(?<![a-z])[rh](?![a-z])", re.IGNORECASE)


class BadTiming(ValueError):
    """This is no time at which work can come again; the message says what to mend."""


class UnknownZone(ValueError):
    """No time zone has this name."""


@dataclass(frozen=True)
class Timing:
    """The rhythm of one schedule."""

    kind: str
    """Django-Q's letters for it."""
    anchor: datetime
    """One of its times. The others of a fixed rhythm are counted from it."""
    minutes: int = 1
    cron: str = ""

    @classmethod
    def of(cls, schedule: Schedule, *, otherwise: datetime) -> "Timing":
        """Read a schedule's; `otherwise` stands in for the next time of one that has none."""
        anchor = schedule.next_run or otherwise
        return cls(schedule.schedule_type, anchor, schedule.minutes or 1, schedule.cron or "")

    def following(self, moment: datetime, count: int) -> list[datetime]:
        """Return the next planned times, later than `moment`."""
        return list(islice(self._from(moment), count))

    def between(self, start: datetime, end: datetime, *, limit: int) -> list[datetime]:
        """Return the planned times from `start` to `end`, both included; the latest `limit` when there are more."""
        latest = islice(takewhile(lambda moment: moment >= start, self._back_from(end)), limit)
        return list(latest)[::-1]

    def words(self) -> str:
        """Say it, as in "every 5 minutes" or "daily at 03:17 UTC"."""
        if self.kind == Schedule.CRON:
            return cron_words(self.cron)
        if self.kind == Schedule.MINUTES:
            return every_words(self.minutes)
        at = f"{self.anchor:%H:%M} UTC"
        weekday = f"{self.anchor:%A}"
        return {
            Schedule.ONCE: f"once, on {self.anchor:%Y-%m-%d} at {at}",
            Schedule.HOURLY: f"hourly at minute {self.anchor.minute}",
            Schedule.DAILY: f"daily at {at}",
            Schedule.WEEKLY: f"every {weekday} at {at}",
            Schedule.BIWEEKLY: f"every second {weekday} at {at}",
            Schedule.MONTHLY: f"monthly on day {self.anchor.day} at {at}",
            Schedule.BIMONTHLY: f"every 2 months on day {self.anchor.day} at {at}",
            Schedule.QUARTERLY: f"every 3 months on day {self.anchor.day} at {at}",
            Schedule.YEARLY: f"yearly on {self.anchor:%B} {self.anchor.day} at {at}",
        }.get(self.kind, f"in a way of its own ({self.kind}), which nobody here can tell")

    @property
    def _step(self) -> timedelta | None:
        """None for a kind that somebody wrote into the table."""
        return self.minutes * MINUTE if self.kind == Schedule.MINUTES else STEPS.get(self.kind)

    def _from(self, moment: datetime) -> Iterator[datetime]:
        """Planned times later than `moment`, ascending."""
        moment = moment.astimezone(UTC)
        if self.kind == Schedule.CRON:
            try:
                yield from croniter(self.cron, moment).all_next(datetime)  # type: ignore[no-untyped-call]
            except (ValueError, KeyError):  # it never comes, or somebody wrote it into the table
                return
        elif self.kind == Schedule.ONCE:
            yield from [self.anchor] if self.anchor > moment else []
        elif self.kind in MONTHS:
            found = self.anchor
            while True:
                if found > moment:
                    yield found
                found = add_months(found, MONTHS[self.kind])
        elif self._step is not None:
            found = self.anchor + ((moment - self.anchor) // self._step + 1) * self._step
            while True:
                yield found
                found += self._step

    def _back_from(self, moment: datetime) -> Iterator[datetime]:
        """Planned times up to `moment`, itself included, descending."""
        moment = moment.astimezone(UTC)
        if self.kind == Schedule.CRON:
            # A microsecond later, since croniter leaves out the instant where it begins.
            try:
                after = croniter(self.cron, moment + timedelta(microseconds=1))
                yield from after.all_prev(datetime)  # type: ignore[no-untyped-call]
            except (ValueError, KeyError):  # it never comes, or somebody wrote it into the table
                return
        elif self.kind == Schedule.ONCE:
            yield from [self.anchor] if self.anchor <= moment else []
        elif self.kind in MONTHS:
            found = self.anchor
            while found <= moment:
                found = add_months(found, MONTHS[self.kind])
            while True:
                if found <= moment:
                    yield found
                found = add_months(found, -MONTHS[self.kind])
        elif self._step is not None:
            found = self.anchor + (moment - self.anchor) // self._step * self._step
            while True:
                yield found
                found -= self._step


def check_every(every: timedelta) -> None:
    """Raise BadTiming for a rhythm that Django-Q cannot keep."""
    if not MINUTE <= every <= LONGEST_STEP or every % MINUTE:
        raise BadTiming(f"`every` is a whole number of minutes, from 1 to {LONGEST_STEP // MINUTE:,}.")


def check_cron(text: str) -> None:
    """Raise BadTiming for a cron text that is none, or that never comes.

    Django-Q takes the latter, and then no schedule at all is served: its whole round fails on it.
    """
    if len(text) > LONGEST_CRON:
        raise BadTiming(f"A cron text has at most {LONGEST_CRON} characters.")
    if len(text.split()) != 5:
        raise BadTiming(f"{text!r} is no cron text: write five fields, like `17 3 * * *` for daily at 03:17 UTC.")
    if _AT_RANDOM.search(text):
        raise BadTiming(f"{text!r} would run at random times, which nobody could tell in advance: write numbers.")
    try:
        # Any instant serves: croniter looks fifty years ahead, and every date comes again within them.
        croniter(text, SOME_TIME).get_next(datetime)  # type: ignore[no-untyped-call]
    except CroniterBadDateError:
        raise BadTiming(f"{text!r} never comes: there is no such date.") from None
    except (ValueError, KeyError) as error:
        raise BadTiming(f"{text!r} is no cron text: {error}.") from None


def add_months(moment: datetime, months: int) -> datetime:
    """Count months as Django-Q does: the last day of a shorter one stands in for a day that it lacks."""
    found: datetime = _add_months(moment, months)  # type: ignore[no-untyped-call]
    return found


def every_words(minutes: int) -> str:
    """Say a number of minutes as a rhythm."""
    for size, one, many in ((1440, "day", "days"), (60, "hour", "hours"), (1, "minute", "minutes")):
        if minutes % size == 0:
            count = minutes // size
            return f"every {one}" if count == 1 else f"every {count} {many}"
    raise AssertionError(minutes)


def cron_words(text: str) -> str:
    """Say a cron text, if it has one of the usual shapes; else repeat it."""
    fallback = f"by cron {text} (UTC)"
    fields = text.split()
    if len(fields) != 5 or fields[3] != "*":
        return fallback
    minute, hour, day, _, weekday = fields
    if (hour, day, weekday) == ("*", "*", "*"):
        return _within_hour(minute) or fallback
    if not (_is_number(minute) and _is_number(hour)):
        return fallback
    at = f"at {int(hour):02}:{int(minute):02} UTC"
    if (day, weekday) == ("*", "*"):
        return f"daily {at}"
    if day == "*" and weekday in {"1-5", "mon-fri"}:
        return f"Monday to Friday {at}"
    if day == "*" and _is_number(weekday) and int(weekday) < len(DAYS):
        return f"every {DAYS[int(weekday)]} {at}"
    if weekday == "*" and _is_number(day):
        shorter = ", passing over shorter months" if int(day) > SHORTEST_MONTH else ""
        return f"monthly on day {int(day)} {at}{shorter}"
    return fallback


def _within_hour(minute: str) -> str | None:
    if _is_number(minute):
        return f"hourly at minute {int(minute)}"
    if minute == "*":
        return every_words(1)
    step = minute.removeprefix("*/")
    # Cron begins anew with each hour: */7 is no even rhythm.
    if step != minute and _is_number(step) and int(step) and 60 % int(step) == 0:
        return every_words(int(step))
    return None


def _is_number(field: str) -> bool:
    return field.isascii() and field.isdigit()


def find_zone(name: str) -> zoneinfo.ZoneInfo:
    """Return a time zone. Raises UnknownZone."""
    if name not in zoneinfo.available_timezones():
        raise UnknownZone(f"{name!r} is not a known time zone: write an IANA name like 'Europe/Berlin' or 'UTC'.")
    return zoneinfo.ZoneInfo(name)


def in_zone(moment: datetime, zone: zoneinfo.ZoneInfo) -> str:
    """Show an instant on the wall clock of a zone, with the offset: one hour of each autumn comes twice."""
    there = moment.astimezone(zone)
    offset = f"{there:%z}"
    return f"{there:%a %Y-%m-%d %H:%M} {there:%Z} ({offset[:3]}:{offset[3:5]})"
