"""What a press means: custom ids that carry it, written and read. Pure.

An id outlives the program that wrote it: whatever can be read wrongly later is named in it - the follow-up, the time
at which the member saw it, the wording they read, the hours they were offered - and never "the next one" or "twice".
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

PREFIX: Final = "followups:"
LONGEST: Final = 100
"""Discord's limit for a custom id."""
FORM: Final = f"{PREFIX}quiet"
"""The id of the form for quiet hours and time zone."""
QUIET_START, QUIET_END, ZONE = "quiet_start", "quiet_end", "zone"
HOME, SETTINGS, LAST_WORD = "home", "settings", "last_word"
"""The pages; `last_word` asks whether everything shall stop."""


@dataclass(frozen=True)
class Press:
    """A button, a choice in a menu, or a form that was sent."""

    kind: str
    argument: str = ""
    values: tuple[str, ...] = ()

    @property
    def number(self) -> int | None:
        """The first value as a number; None when it is none."""
        return int(self.values[0]) if self.values and self.values[0].isdecimal() and len(self.values[0]) < 7 else None


def read(custom_id: str, values: Sequence[str] = ()) -> Press:
    """Read an id, also one of an earlier or later version of the bot: then the kind is one that nobody knows."""
    kind, _, argument = custom_id.removeprefix(PREFIX).partition(":")
    return Press(kind, argument, tuple(values))


def page(name: str) -> str:
    """Show a page."""
    return f"{PREFIX}page:{name}"


def turn_on(wording_version: str) -> str:
    """Say yes, to this very wording."""
    return f"{PREFIX}on:{wording_version}"


def skip(follow_up_id: str) -> str:
    """Leave this one out."""
    return f"{PREFIX}skip:{follow_up_id}"


def snooze(follow_up_id: str, *, due_at: datetime) -> str:
    """Move this one, which was due then: a second press finds it elsewhere and moves nothing."""
    return f"{PREFIX}snooze:{int(due_at.timestamp())}:{follow_up_id}"


def snoozed(argument: str) -> tuple[int, str] | None:
    """Read what `snooze` has written: when it was due, in seconds, and which one. None for anything else."""
    seconds, _, follow_up_id = argument.partition(":")
    return (int(seconds), follow_up_id) if seconds.isdecimal() and follow_up_id else None


def less_often(hours: int) -> str:
    """Leave at least so many hours between two; not "twice as long", which two presses would do twice."""
    return f"{PREFIX}less:{hours}"


def form(*, quiet: tuple[int, int] | None, zone: str) -> str:
    """Open the form for quiet hours and time zone; it is filled from here, since it must open at once."""
    start, end = quiet or ("", "")
    return f"{PREFIX}form:{start}:{end}:{zone}"


def form_values(argument: str) -> dict[str, str]:
    """What the form is filled with at first."""
    parts = argument.split(":", 2)
    return dict(zip((QUIET_START, QUIET_END, ZONE), parts, strict=False)) if len(parts) == 3 else {}


PAUSE: Final = f"{PREFIX}pause"
RESUME: Final = f"{PREFIX}resume"
OFTEN: Final = f"{PREFIX}often"
TOPICS: Final = f"{PREFIX}topics"
LANGUAGE: Final = f"{PREFIX}language"
STOP: Final = f"{PREFIX}stop"
WHY: Final = f"{PREFIX}why"
MY_DATA: Final = f"{PREFIX}mydata"
COMMUNITY: Final = "community"
"""The language menu's value for the community's language: Discord takes no empty one."""
