"""Settings that staff edit while everything runs: what they may be, how they are read, and how they are changed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from socialmedia.models import ActionType, SystemSetting
from socialmedia.tracking import plan
from socialmedia.tracking.plan import BadOffsets

RATE_LIMITS: Final = "automation_rate_limits"
CHECK_SCHEDULE: Final = plan.SETTING

LIMITED: Final = tuple(kind for kind in ActionType if kind != ActionType.OPEN_DM)
"""What the row can limit. Openings of private channels have settings of their own: Discord, not staff, limits them."""

DEFAULTS: Final[Mapping[str, Any]] = {
    RATE_LIMITS: {
        "like": {"daily": 100, "hourly": 20},
        "comment": {"daily": 20, "hourly": 5},
        "follow": {"daily": 50, "hourly": 10},
        "unfollow": {"daily": 50, "hourly": 10},
        "message": {"daily": 20, "hourly": 5},
        "search": {"daily": 200, "hourly": 50},
    },
    CHECK_SCHEDULE: [
        {"offset_hours": 1, "name": "1 hour"},
        {"offset_hours": 6, "name": "6 hours"},
        {"offset_hours": 12, "name": "12 hours"},
        {"offset_hours": 24, "name": "1 day"},
        {"offset_hours": 48, "name": "2 days"},
        {"offset_hours": 72, "name": "3 days"},
        {"offset_hours": 168, "name": "7 days"},
        {"offset_hours": 336, "name": "14 days"},
        {"offset_hours": 720, "name": "30 days"},
    ],
}
"""What a row holds when Checkback is new, and what counts while it is missing."""

MOST_ALLOWED: Final = 1_000_000
LONGEST_NAME: Final = 100


class BadSetting(ValueError):
    """A setting cannot have this value; the sentence says what is wrong with it."""


class BrokenSetting(Exception):
    """A stored setting makes no sense, so somebody wrote it past the console. Nothing is done by it."""


@dataclass(frozen=True)
class Allowance:
    """How often something may be done. None: as often as one likes."""

    hourly: int | None = None
    daily: int | None = None


@dataclass(frozen=True)
class CheckOffset:
    """A planned look at a post, so many hours after the beginning."""

    hours: float
    name: str


def rate_limits() -> dict[str, Allowance]:
    """Return the limit of each kind of action. A kind that the row does not name has none, like `view`.

    Raises:
        BrokenSetting: the row makes no sense. Then nothing is allowed, rather than everything.
    """
    limits: dict[str, Allowance] = read(RATE_LIMITS)
    return limits


def check_offsets() -> tuple[CheckOffset, ...]:
    """Return when a post is looked at again, unless it has its own plan.

    Raises:
        BrokenSetting: the row makes no sense.
    """
    offsets: tuple[CheckOffset, ...] = read(CHECK_SCHEDULE)
    return offsets


def read(key: str) -> Any:
    """Return a setting, parsed; the default while its row is missing.

    Raises:
        BrokenSetting: the row makes no sense.
    """
    row = SystemSetting.objects.filter(pk=key).first()
    try:
        return parse(key, row.setting_value if row else DEFAULTS[key])
    except BadSetting as error:
        sentence = f"The setting {key} is broken: {error} Mend it in the console, under Settings."
        raise BrokenSetting(sentence) from None


def change(key: str, value: object, *, by: str, now: datetime, seen: datetime | None = None) -> None:
    """Write a setting. It counts from the next action on, everywhere. `seen` is when the value that somebody saw before
    was written: another one is not overwritten.

    Raises:
        BadSetting: it cannot have this value, or is another one by now. Nothing was changed.
    """
    parse(key, value)
    changes = {"setting_value": value, "updated_at": now, "updated_by": by[:150]}
    if seen is None:
        SystemSetting.objects.update_or_create(setting_key=key, defaults=changes)
    elif not SystemSetting.objects.filter(pk=key, updated_at=seen).update(**changes):
        raise BadSetting("Somebody else changed it meanwhile. Look at it again first.")


def ensure() -> None:
    """Write the rows that are missing, so that they can be edited."""
    present = set(SystemSetting.objects.values_list("pk", flat=True))
    missing = [SystemSetting(setting_key=key, setting_value=DEFAULTS[key]) for key in DEFAULTS if key not in present]
    SystemSetting.objects.bulk_create(missing, ignore_conflicts=True)


def parse(key: str, value: object) -> Any:
    """Make sense of a setting's value.

    Raises:
        BadSetting: it makes none.
    """
    if key == RATE_LIMITS:
        return _parse_limits(value)
    if key == CHECK_SCHEDULE:
        return _parse_offsets(value)
    raise BadSetting(f"There is no setting {key!r}: the settings are {', '.join(DEFAULTS)}.")


def remarks(limits: Mapping[str, Allowance]) -> list[str]:
    """Say what is allowed, but hardly meant."""
    return [
        f"{ActionType(kind).label}: the hourly limit of {allowed.hourly} is never reached, the daily one is less."
        for kind, allowed in limits.items()
        if allowed.hourly is not None and allowed.daily is not None and allowed.hourly > allowed.daily
    ]


def offset_name(hours: float) -> str:
    """Name an offset as people do."""
    count, unit = (hours / 24, "day") if hours >= 24 and hours % 24 == 0 else (hours, "hour")
    return f"{count:g} {unit}{'' if count == 1 else 's'}"


def _parse_limits(value: object) -> dict[str, Allowance]:
    if not isinstance(value, Mapping):
        raise BadSetting("Limits are an object with the actions' names, like {'like': {'daily': 100, 'hourly': 20}}.")
    if not value:
        raise BadSetting("At least one action has a limit.")
    return {_kind(kind): _parse_allowance(kind, entry) for kind, entry in value.items()}


def _kind(name: object) -> str:
    if name not in LIMITED:
        raise BadSetting(f"There is no action {name!r}: the actions are {', '.join(LIMITED)}.")
    return str(name)


def _parse_allowance(kind: str, entry: object) -> Allowance:
    if not isinstance(entry, Mapping):
        raise BadSetting(f"The limit of {kind} is an object with 'hourly' and 'daily', not {entry!r}.")
    if strange := sorted(str(name) for name in entry if name not in {"hourly", "daily"}):
        raise BadSetting(f"A limit is 'hourly' or 'daily'; that of {kind} names {strange[0]!r}.")
    return Allowance(**{span: _parse_most(kind, span, entry.get(span)) for span in ("hourly", "daily")})


def _parse_most(kind: str, span: str, most: object) -> int | None:
    if most is None:
        return None
    if not isinstance(most, int) or isinstance(most, bool) or not 0 <= most <= MOST_ALLOWED:
        raise BadSetting(f"The {span} limit of {kind} is a whole number from 0 to {MOST_ALLOWED:,}, not {most!r}.")
    return most


def _parse_offsets(value: object) -> tuple[CheckOffset, ...]:
    if not isinstance(value, list):
        raise BadSetting("The plan is a list of checks, like {'offset_hours': 1, 'name': '1 hour'}.")
    names = [_name(number, entry) for number, entry in enumerate(value, start=1)]
    try:
        hours = plan.read_offsets([entry["offset_hours"] for entry in value])
    except BadOffsets as error:
        raise BadSetting(str(error)) from None
    return tuple(CheckOffset(*each) for each in zip(hours, names, strict=True))


def _name(number: int, entry: object) -> str:
    if not isinstance(entry, Mapping) or set(entry) != {"offset_hours", "name"}:
        raise BadSetting(f"Check {number} has 'offset_hours' and 'name', and nothing else.")
    name = entry["name"]
    if not isinstance(name, str) or not 0 < len(name.strip()) <= LONGEST_NAME:
        raise BadSetting(f"Check {number} has a name of 1 to {LONGEST_NAME} characters, not {name!r}.")
    return name.strip()
