"""Settings as they would be: a copy with some of them changed, for forecasts."""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any, Final

from django.conf import settings

from followups import conf, policy
from followups.conf import FollowUpSettings

HOURS, DAYS = (1, 8760), (1, 3650)
RANGES: Final[dict[str, tuple[int, int]]] = {
    "FOLLOW_UP_DEFAULT_DELAY_HOURS": HOURS,
    "REENGAGEMENT_INACTIVE_DAYS": DAYS,
    "FOLLOW_UP_MAX_PER_USER_PER_WEEK": (0, 100),
    "FOLLOW_UP_MIN_HOURS_BETWEEN": (0, 8760),
    "FOLLOW_UP_QUIET_HOURS_START": (0, 23),
    "FOLLOW_UP_QUIET_HOURS_END": (0, 23),
    "FOLLOW_UP_JITTER_MINUTES": (0, 240),
    "FOLLOW_UP_GRACE_HOURS": HOURS,
    "FOLLOW_UP_HOLDOUT_PERCENT": (0, 50),
    "REENGAGEMENT_COOL_OFF_DAYS": DAYS,
}
"""Whole numbers, with the least and the most; as in config/settings.py."""
SWITCHES: Final = frozenset({"FOLLOW_UP_ENABLED", "FOLLOW_UP_PERSONAL_RHYTHM"})
NAMES: Final = sorted([*RANGES, *SWITCHES, "SCHEDULER_TIMEZONE"])


class BadSetting(ValueError):
    """A setting that a forecast cannot change, or a value that it cannot have."""


class _Changed:
    """Answers with the changes first, then with the real settings."""

    def __init__(self, changes: Mapping[str, Any]) -> None:
        self._changes = changes

    def __getattr__(self, name: str) -> Any:
        return self._changes[name] if name in self._changes else getattr(settings, name)


def changed(changes: Mapping[str, Any]) -> FollowUpSettings:
    """Return today's settings with these changes; values are text, as in the environment, or of the right type.

    Raises:
        BadSetting: an unknown name, or a value out of range.
    """
    return conf.of(_Changed({name: _value(name, value) for name, value in changes.items()}))


def _value(name: str, value: object) -> object:
    if name in RANGES:
        return _whole(name, value, *RANGES[name])
    if name in SWITCHES:
        return _switch(name, value)
    if name == "SCHEDULER_TIMEZONE":
        return _zone(name, value)
    close = get_close_matches(name, NAMES, n=1)
    hint = f" Did you mean {close[0]}?" if close else ""
    raise BadSetting(f"{name} is no setting that a forecast can change.{hint} There are: {', '.join(NAMES)}.")


def _whole(name: str, value: object, low: int, high: int) -> int:
    try:
        number = int(str(value))
    except ValueError:
        raise BadSetting(f"{name}={value!r} is not a whole number ({low} to {high}).") from None
    if not low <= number <= high:
        raise BadSetting(f"{name}={number} is outside {low} to {high}.")
    return number


def _switch(name: str, value: object) -> bool:
    known: dict[str, bool] = {"true": True, "false": False}
    if str(value).lower() not in known:
        raise BadSetting(f"{name}={value!r} is not a switch: write true or false.")
    return known[str(value).lower()]


def _zone(name: str, value: object) -> str:
    if policy.find_zone(str(value)) is None:
        raise BadSetting(f"{name}={value!r} is not a known time zone: write an IANA name like 'Europe/Berlin'.")
    return str(value)
