"""Which buttons and menus stand below the cockpit: at most five rows, by page and by how things stand. Pure."""

from dataclasses import dataclass
from typing import Final

from bots.cockpit import presses, wording
from bots.cockpit.standing import Standing
from followups import consent
from followups.preferences import LESS_OFTEN_UP_TO

SNOOZES: Final = (1, 3, 7)
PAUSES: Final = (7, 30, 90)
"""Days."""
FREQUENCIES: Final = (24, 48, 72, 168, 336, 720)
"""Hours."""


@dataclass(frozen=True)
class Button:
    """A button. `style` is one of discord.py's."""

    custom_id: str
    label: str
    style: str = "secondary"


@dataclass(frozen=True)
class Option:
    """One entry of a menu."""

    value: str
    label: str
    is_chosen: bool = False


@dataclass(frozen=True)
class Menu:
    """A menu, which fills a row of its own."""

    custom_id: str
    placeholder: str
    options: tuple[Option, ...]
    least: int = 1
    most: int = 1


Row = tuple[Button | Menu, ...]


def rows(standing: Standing, page: str) -> list[Row]:
    """The rows of a page, from above."""
    if not standing.is_on:
        return [(Button(presses.turn_on(consent.WORDING_VERSION), wording.TURN_ON, "success"), *_always())]
    if page == presses.SETTINGS:
        return _settings(standing)
    if page == presses.LAST_WORD:
        back = Button(presses.page(presses.SETTINGS), wording.KEEP, "primary")
        return [(back, _stop())]
    return _home(standing)


def _home(standing: Standing) -> list[Row]:
    found: list[Row] = []
    upcoming = standing.next
    if upcoming is not None and not upcoming.is_written:
        custom_id = presses.snooze(upcoming.follow_up_id, due_at=upcoming.due_at)
        options = tuple(Option(str(days), wording.later(days)) for days in SNOOZES)
        found.append((Menu(custom_id, wording.SNOOZE, options),))
    pauses = tuple(Option(str(days), wording.pause_for(days)) for days in PAUSES)
    found.append((Menu(presses.PAUSE, wording.PAUSE, pauses),))
    quick: list[Button | Menu] = []
    if upcoming is not None:
        quick.append(Button(presses.skip(upcoming.follow_up_id), wording.SKIP, "primary"))
    if standing.paused_until is not None:
        quick.append(Button(presses.RESUME, wording.RESUME, "success"))
    if standing.frequency_hours < LESS_OFTEN_UP_TO:
        hours = min(max(standing.frequency_hours, standing.least_hours) * 2, LESS_OFTEN_UP_TO)
        quick.append(Button(presses.less_often(hours), wording.LESS_OFTEN))
    quick.append(Button(presses.page(presses.SETTINGS), wording.SETTINGS))
    found.append(tuple(quick))
    found.append((*_always(), _stop()))
    return [tuple(item for item in row if len(item.custom_id) <= presses.LONGEST) for row in found if _fits(row)]


def _fits(row: Row) -> bool:
    """A follow-up of somebody else's making may have an id too long for a button."""
    return any(len(item.custom_id) <= presses.LONGEST for item in row)


def _settings(standing: Standing) -> list[Row]:
    form = presses.form(quiet=standing.quiet, zone=standing.own_zone)
    return [
        (_topics(standing),),
        (_frequency(standing),),
        (_language(standing),),
        (
            Button(form, wording.QUIET_HOURS),
            Button(presses.page(presses.HOME), wording.BACK, "primary"),
            _stop(),
        ),
    ]


def _topics(standing: Standing) -> Menu:
    options = tuple(Option(key, label, key in standing.topics) for key, label in wording.TOPICS.items())
    return Menu(presses.TOPICS, wording.CHOOSE_TOPICS, options, least=0, most=len(options))


def _frequency(standing: Standing) -> Menu:
    sensible = {hours for hours in FREQUENCIES if hours >= standing.least_hours}
    hours = sorted({*sensible, standing.frequency_hours})
    options = tuple(Option(str(each), wording.at_most_every(each), each == standing.frequency_hours) for each in hours)
    return Menu(presses.OFTEN, wording.CHOOSE_FREQUENCY, options)


def _language(standing: Standing) -> Menu:
    own = {standing.locale} if standing.locale else set()
    codes = [*wording.LANGUAGES, *sorted(own - set(wording.LANGUAGES))]
    community = wording.community_language(standing.community_locale)
    options = (
        Option(presses.COMMUNITY, community, not standing.locale),
        *(Option(code, wording.language(code), code == standing.locale) for code in codes),
    )
    return Menu(presses.LANGUAGE, wording.CHOOSE_LANGUAGE, options)


def _always() -> Row:
    return (
        Button(presses.page(presses.HOME), wording.REFRESH),
        Button(presses.WHY, wording.WHY),
        Button(presses.MY_DATA, wording.MY_DATA),
    )


def _stop() -> Button:
    return Button(presses.STOP, wording.STOP, "danger")
