"""The languages that follow-ups are written in: one file each in `texts/`, with the words of dates and the way out.

Ours, not Django's or humanize's: Django's catalogues write Portuguese months large, and humanize's German has the
wrong case after every preposition ("vor 3 Tage"). A language more is a file more.
"""

import tomllib
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Final

DEFAULT: Final = "en"
_FILES: Final = Path(__file__).parent / "texts"


@dataclass(frozen=True)
class Language:
    """One language's words."""

    code: str
    stop_line: str
    date_form: str
    first_day: str
    months: tuple[str, ...]
    since: dict[str, Any]
    """How long ago, as it stands after "for" or "since" in this language."""
    texts: dict[str, dict[str, str]]
    """The shipped templates: key, tone, text."""

    def date(self, day: date) -> str:
        """Write a date in full."""
        number = self.first_day if day.day == 1 else str(day.day)
        return self.date_form.format(day=number, month=self.months[day.month - 1], year=day.year)

    def period(self, length: timedelta) -> str:
        """Write a length of time roughly, in words."""
        days = length.days
        if days < 1:
            return str(self.since["hours"])
        if days < 7:
            return str(self.since["days"][days - 1])
        if days < 28:
            return str(self.since["weeks"][min(round(days / 7), 3) - 1])
        if days < 350:
            return str(self.since["months"][min(max(round(days / 30.4), 1), 11) - 1])
        return str(self.since["years"] if days > 365 else self.since["months"][-1])


def codes() -> frozenset[str]:
    """Return the languages there are."""
    return frozenset(_all())


def of(locale: str) -> Language:
    """Return the language of a locale: pt-br is pt, and what we do not know is English."""
    return _all().get(locale.lower().replace("_", "-").partition("-")[0]) or _all()[DEFAULT]


def chain(locale: str, community: str) -> list[str]:
    """Return the locales to look for a text in, best first: the member's own, the community's, English."""
    wanted = [one.lower().replace("_", "-") for one in (locale, community) if one]
    both = [form for one in wanted for form in (one, one.partition("-")[0])]
    return list(dict.fromkeys([*both, DEFAULT]))


def first(locales: list[str]) -> Language:
    """Return the best language among locales of which some may be unknown."""
    return next(of(locale) for locale in [*locales, DEFAULT] if locale.partition("-")[0] in codes())


@cache
def _all() -> dict[str, Language]:
    found = {}
    for file in sorted(_FILES.glob("*.toml")):
        words = tomllib.loads(file.read_text(encoding="utf-8"))
        found[file.stem] = Language(
            code=file.stem,
            stop_line=words["stop_line"],
            date_form=words["date"],
            first_day=words.get("first_day", "1"),
            months=tuple(words["months"]),
            since=words["since"],
            texts=words["texts"],
        )
    return found
