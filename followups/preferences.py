"""Preferences: how often, when and in which language a member wants to hear from us, and when not at all."""

import difflib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any, Final, TypedDict, Unpack
from zoneinfo import available_timezones

from django.db import transaction
from django.db.models import Case, F, Value, When
from django.db.models.functions import Least

from followups import cancelling, members
from followups.models import Absence, Trigger, UserProfile
from followups.models.profiles import MOST_INTERESTS

SHORTEST_HOURS: Final = 1
LONGEST_HOURS: Final = 8760
LESS_OFTEN_UP_TO: Final = 30 * 24
"""Hours. Asking for less often doubles the gap up to here; a longer one is left alone."""
LONGEST: Final = timedelta(days=366)
"""Of a pause, and of an absence."""
MOST_ABSENCES: Final = 50
LONGEST_NOTE: Final = 200
LONGEST_INTEREST: Final = 50
_LONGEST_LOCALE: Final = 16
_LOCALE: Final = re.compile(r"[a-z]{2,3}(-[a-z0-9]{2,8})*")


class BadPreference(ValueError):
    """One value cannot be kept. `field` names it; the message says how to mend it."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}")
        self.field = field
        self.problem = problem


@dataclass(frozen=True)
class Away:
    """A time for which a member says to be away."""

    starts_at: datetime
    ends_at: datetime
    note: str = ""


@dataclass(frozen=True)
class KnownAbsence(Away):
    """One that is stored."""

    id: int = 0


@dataclass(frozen=True)
class Preferences:
    """What a member has chosen. Topics change by `consent.change_topics`, everything else by `change`."""

    user_id: str
    opted_in: bool
    topics: tuple[str, ...]
    frequency_hours: int
    paused_until: datetime | None
    quiet_start: int | None
    quiet_end: int | None
    timezone: str
    """IANA; empty: the community's."""
    locale: str
    """Empty: the community's."""
    birthday_month: int | None
    birthday_day: int | None
    interests: tuple[str, ...]
    absences: tuple[KnownAbsence, ...]
    """Those that are not over, the next one first."""


class Wishes(TypedDict, total=False):
    """What can be changed; what is left out stays. None takes a value away."""

    frequency_hours: int
    less_often: bool
    """Twice the gap between two follow-ups, up to 30 days."""
    paused_until: datetime | None
    quiet_start: int | None
    quiet_end: int | None
    timezone: str
    locale: str
    birthday_month: int | None
    birthday_day: int | None
    interests: Sequence[str]
    """All of them: what is not named is forgotten."""
    add_absence: Away
    remove_absence: int


def of_member(user_id: str, *, now: datetime) -> Preferences:
    """Return what the member has chosen. Raises UserProfile.DoesNotExist."""
    profile = UserProfile.objects.get(pk=user_id)
    coming = profile.absences.filter(ends_at__gt=now).order_by("starts_at", "id")
    return Preferences(
        user_id=profile.pk,
        opted_in=profile.follow_ups_enabled,
        topics=tuple(profile.topics),
        frequency_hours=profile.follow_up_frequency_hours,
        paused_until=profile.paused_until if profile.paused_until and profile.paused_until > now else None,
        quiet_start=profile.quiet_start,
        quiet_end=profile.quiet_end,
        timezone=profile.timezone,
        locale=profile.locale,
        birthday_month=profile.birthday_month,
        birthday_day=profile.birthday_day,
        interests=tuple(profile.interests),
        absences=tuple(KnownAbsence(row.starts_at, row.ends_at, row.note, row.pk) for row in coming),
    )


def change(*, user_id: str, now: datetime, **wishes: Unpack[Wishes]) -> Preferences:
    """Change what is named, all of it or nothing, and return what holds then. Nothing is cancelled by a pause: the
    policy holds what falls into it. A follow-up for a birthday that is no longer that day is cancelled.

    Raises:
        BadPreference: a value cannot be kept; nothing has changed.
        UserProfile.DoesNotExist: nobody with this id is known.
    """
    asked: dict[str, Any] = {**wishes}
    columns = _columns(asked, now=now)
    away = _absence(asked["add_absence"], now=now) if "add_absence" in asked else None
    with transaction.atomic():
        profile = members.lock(user_id)
        if columns:
            UserProfile.objects.filter(pk=user_id).update(**columns)
        if away is not None:
            _add(profile, away, now=now)
        if "remove_absence" in asked:
            _remove(profile, asked["remove_absence"])
        if _moves_birthday(profile, columns):
            cancelling.cancel_pending(user_id, reason="birthday changed", now=now, triggers=[Trigger.BIRTHDAY])
        return of_member(user_id, now=now)


def _columns(asked: Mapping[str, Any], *, now: datetime) -> dict[str, Any]:
    """The profile's columns with the checked values."""
    if unknown := sorted(set(asked) - set(Wishes.__annotations__)):
        raise BadPreference(unknown[0], f"is no preference: use {', '.join(Wishes.__annotations__)}.")
    columns: dict[str, Any] = {}
    if "frequency_hours" in asked:
        columns["follow_up_frequency_hours"] = _hours(asked["frequency_hours"])
    if asked.get("less_often"):
        if columns:
            raise BadPreference("less_often", "goes without frequency_hours: name one of the two.")
        columns["follow_up_frequency_hours"] = _DOUBLED
    if "paused_until" in asked:
        columns["paused_until"] = _pause(asked["paused_until"], now=now)
    columns |= _pair(asked, "quiet_start", "quiet_end", _check_quiet_hours)
    columns |= _pair(asked, "birthday_month", "birthday_day", _check_birthday)
    if "timezone" in asked:
        columns["timezone"] = _zone(asked["timezone"])
    if "locale" in asked:
        columns["locale"] = _locale(asked["locale"])
    if "interests" in asked:
        columns["interests"] = _interests(asked["interests"])
    return columns


_HOURS = "follow_up_frequency_hours"
_DOUBLED: Final = Case(
    When(follow_up_frequency_hours__gte=LESS_OFTEN_UP_TO, then=F(_HOURS)),
    default=Least(F(_HOURS) * 2, Value(LESS_OFTEN_UP_TO)),
)


def _is_whole(value: object, low: int, high: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def _hours(value: object) -> object:
    if not _is_whole(value, SHORTEST_HOURS, LONGEST_HOURS):
        raise BadPreference(
            "frequency_hours", f"{value!r} is no whole number of hours from {SHORTEST_HOURS} to {LONGEST_HOURS}."
        )
    return value


def _pause(until: datetime | None, *, now: datetime) -> datetime | None:
    if until is None:
        return None
    _check_aware("paused_until", until)
    if not now < until <= now + LONGEST:
        raise BadPreference("paused_until", f"choose a time in the future, at most {LONGEST.days} days ahead.")
    return until


def _check_aware(field: str, at: object) -> None:
    if not isinstance(at, datetime) or at.utcoffset() is None:
        raise BadPreference(field, "needs a time with its zone, like 2026-05-01T12:00:00+02:00.")


def _pair(asked: Mapping[str, Any], one: str, other: str, check: Callable[[Any, Any], None]) -> dict[str, Any]:
    """Two values that mean something only together: both, or neither."""
    if one not in asked and other not in asked:
        return {}
    first, second = asked.get(one), asked.get(other)
    if one not in asked or other not in asked or (first is None) is not (second is None):
        raise BadPreference(one if first is None else other, f"goes with {one} and {other}: name both, or both empty.")
    if first is not None:
        check(first, second)
    return {one: first, other: second}


def _check_quiet_hours(start: object, end: object) -> None:
    for field, hour in (("quiet_start", start), ("quiet_end", end)):
        if not _is_whole(hour, 0, 23):
            raise BadPreference(field, f"{hour!r} is no whole hour of the day, 0 to 23.")


def _check_birthday(month: object, day: object) -> None:
    if not _is_whole(month, 1, 12):
        raise BadPreference("birthday_month", f"{month!r} is no month, 1 to 12.")
    try:
        date(2000, month, day)  # type: ignore[arg-type]  # a leap year: February 29 is a birthday
    except (TypeError, ValueError, OverflowError):
        raise BadPreference("birthday_day", f"{day!r} is no day of month {month}.") from None


def _moves_birthday(profile: UserProfile, columns: Mapping[str, Any]) -> bool:
    if "birthday_month" not in columns or profile.birthday_month is None:
        return False
    return (profile.birthday_month, profile.birthday_day) != (columns["birthday_month"], columns["birthday_day"])


def _interests(named: object) -> list[str]:
    """Each once, in the order named."""
    if isinstance(named, str) or not isinstance(named, Sequence):
        raise BadPreference("interests", "is a list of words, like rowing and board games.")
    found = {" ".join(str(interest).split()).casefold(): " ".join(str(interest).split()) for interest in named}
    if len(found) > MOST_INTERESTS:
        raise BadPreference("interests", f"name at most {MOST_INTERESTS}.")
    for interest in found.values():
        if not 0 < len(interest) <= LONGEST_INTEREST or not interest.isprintable():
            raise BadPreference("interests", f"each has 1 to {LONGEST_INTEREST} printable characters.")
    return list(found.values())


def _zone(name: object) -> str:
    if name == "" or (isinstance(name, str) and name in _zones()):
        return str(name)
    by_small_letters = {zone.casefold(): zone for zone in _zones()}
    wanted = str(name).strip().replace(" ", "_").casefold()[:64]
    near = difflib.get_close_matches(wanted, by_small_letters, n=1, cutoff=0.6)
    hint = f"did you mean {by_small_letters[near[0]]}?" if near else "use a name like Europe/Berlin."
    raise BadPreference("timezone", f"{str(name)[:64]!r} is no time zone; {hint}")


@cache
def _zones() -> frozenset[str]:
    return frozenset(zone for zone in available_timezones() if len(zone) <= 64 and zone != "localtime")


def _locale(name: object) -> str:
    tag = name.strip().replace("_", "-").lower() if isinstance(name, str) else None
    if tag is None or len(tag) > _LONGEST_LOCALE or (tag and not _LOCALE.fullmatch(tag)):
        raise BadPreference("locale", f"{str(name)[:64]!r} is no language tag: use one like de or pt-br.")
    return tag


def _absence(away: Away, *, now: datetime) -> Away:
    for at in (away.starts_at, away.ends_at):
        _check_aware("add_absence", at)
    if not away.starts_at < away.ends_at <= away.starts_at + LONGEST:
        raise BadPreference("add_absence", f"must end after it starts, at most {LONGEST.days} days later.")
    if not now < away.ends_at or away.starts_at > now + LONGEST:
        raise BadPreference("add_absence", f"must end in the future and start within {LONGEST.days} days.")
    if len(away.note) > LONGEST_NOTE or "\x00" in away.note:
        raise BadPreference("add_absence", f"its note has at most {LONGEST_NOTE} characters, none of them NUL.")
    return away


def _add(profile: UserProfile, away: Away, *, now: datetime) -> None:
    """Store it; saying the same twice stores it once."""
    if profile.absences.filter(ends_at__gt=now).count() >= MOST_ABSENCES:
        raise BadPreference("add_absence", f"{MOST_ABSENCES} absences are stored already: remove one first.")
    Absence.objects.get_or_create(
        user=profile, starts_at=away.starts_at, ends_at=away.ends_at, defaults={"note": away.note}
    )


def _remove(profile: UserProfile, absence_id: int) -> None:
    known = profile.absences.filter(pk=absence_id) if _is_whole(absence_id, 1, 2**63 - 1) else None
    if known is None or not known.delete()[0]:
        raise BadPreference("remove_absence", f"there is no absence {absence_id!r} of this member.")
