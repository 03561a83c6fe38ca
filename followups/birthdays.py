"""Birthdays: whose is today in their own zone, and when their greeting is due."""

import calendar
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from django.db.models import Q, QuerySet

from followups import conf, policy
from followups.models import FollowUp, Topic, Trigger, UserProfile

GREETED_AT = time(10)
"""On the member's own clock."""
AT_ONCE = 1_000
_AHEAD, _BEHIND = timedelta(hours=14), timedelta(hours=-12)
"""The zones farthest from UTC."""


@dataclass(frozen=True)
class Birthday:
    """A day of the member's own calendar. `due_at` is ten o'clock, or now if that is past; it ends with `ends_at`."""

    day: date
    due_at: datetime
    ends_at: datetime


def of_today(*, now: datetime) -> Iterator[str]:
    """Yield the members whose birthday it is on their own clock, who want check-ins and have no greeting planned yet,
    cancelled ones included. By idx_profiles_birthday: the cost follows the birthdays, not the members.
    """
    fallback = conf.current().timezone
    for day in days_somewhere(now):
        last, rows = "", _born_on(day)
        while batch := list(rows.filter(pk__gt=last).order_by("pk").values_list("pk", "timezone")[:AT_ONCE]):
            last = batch[-1][0]
            today = [who for who, zone in batch if now.astimezone(policy.zone_for(zone, fallback)).date() == day]
            greeted = {user_id for user_id, _ in greetings(today, [day.year])}
            yield from (user_id for user_id in today if user_id not in greeted)


def today_of(month: int | None, day: int | None, *, zone: tzinfo, now: datetime) -> Birthday | None:
    """Return the birthday, if it is today in that zone. One on February 29 comes on the 28th in other years."""
    today = now.astimezone(zone).date()
    if (month, day) not in born_on(today):
        return None
    return _on(today, zone=zone, now=now)


def coming(month: int, day: int, *, zone: tzinfo, since: datetime, until: datetime) -> Iterator[Birthday]:
    """Yield the birthdays from `since` on whose greetings are due before `until`; one that is today is due at once."""
    first = since.astimezone(zone).date()
    for year in range(first.year, until.year + 2):
        on = date(year, month, min(day, calendar.monthrange(year, month)[1]))
        if on < first or (month, day) not in born_on(on):
            continue
        birthday = _on(on, zone=zone, now=since)
        if birthday.due_at < until:
            yield birthday


def _on(day: date, *, zone: tzinfo, now: datetime) -> Birthday:
    ten = datetime.combine(day, GREETED_AT, zone).astimezone(UTC)
    ends_at = datetime.combine(day + timedelta(days=1), time(), zone).astimezone(UTC)
    return Birthday(day, max(ten, now), ends_at)


def days_somewhere(now: datetime) -> list[date]:
    """The two or three dates that it is now somewhere on Earth."""
    first, last = ((now.astimezone(UTC) + offset).date() for offset in (_BEHIND, _AHEAD))
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


def born_on(day: date) -> list[tuple[int, int]]:
    """The birthdays, month and day, that are celebrated on this day."""
    born = [(day.month, day.day)]
    if born == [(2, 28)] and not calendar.isleap(day.year):
        born.append((2, 29))
    return born


def _born_on(day: date) -> QuerySet[UserProfile]:
    birthdays = Q()
    for month, number in born_on(day):
        birthdays |= Q(birthday_month=month, birthday_day=number)
    return UserProfile.objects.filter(
        birthdays,
        birthday_month__isnull=False,
        follow_ups_enabled=True,
        unreachable_since__isnull=True,
        left_at__isnull=True,
        topics__contains=[Topic.CHECK_INS],
    )


def greetings(members: Sequence[str], years: Sequence[int]) -> set[tuple[str, int]]:
    """Whose greetings of these years are or were planned. A query of its own: as a NOT EXISTS it may be planned as a
    join that reads every follow-up there is.
    """
    rows = FollowUp.objects.filter(user_id__in=members, trigger_type=Trigger.BIRTHDAY, trigger_data__year__in=years)
    return set(rows.values_list("user_id", "trigger_data__year"))
