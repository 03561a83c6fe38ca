"""Interactions: a member's use of a command, a button, a menu or a form, and what the bot answered."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bots.practice.world import Json, Message, NotAllowed, UnknownThing

COMMAND, COMPONENT, AUTOCOMPLETE, SUBMITTED_FORM = 2, 3, 4, 5
NUMBERS = (4, 10)
"""Options that are whole and other numbers."""
INTERACTION_TIME = timedelta(seconds=3)
"""How long a bot has for the first answer."""
INTERACTION_LIFE = timedelta(minutes=15)


@dataclass
class Interaction:
    """One use. `modal` is the form that the bot answered with, `choices` what it offered to complete an option."""

    id: int
    token: str
    user_id: int
    channel_id: int
    name: str
    asked_at: datetime
    kind: int = COMMAND
    on_message: Message | None = None
    answers: list[Message] = field(default_factory=list)
    original: Message | None = None
    is_deferred: bool = False
    is_ephemeral: bool = False
    is_acknowledged: bool = False
    modal: Json | None = None
    choices: list[Json] | None = None
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def touch(self) -> None:
        """Wake whoever waits for an answer."""
        self.changed.set()
        self.changed = asyncio.Event()


def nested_options(
    command: Json, inner: list[str], values: dict[str, object], *, focused: str | None = None
) -> list[Json]:
    """Return option values in Discord's form, with their types from the command's registration."""
    known = {option["name"]: option for option in command.get("options", [])}
    strange = [name for name in (inner[:1] or values) if name not in known]
    if strange:
        raise UnknownThing(f"/{command['name']} has no option {strange[0]}.")
    if inner:
        step = known[inner[0]]
        deeper = nested_options(step, inner[1:], values, focused=focused)
        return [{"name": inner[0], "type": step["type"], "options": deeper}]
    return [
        {"name": name, "type": known[name]["type"], "value": str(value) if known[name]["type"] in (6, 7) else value}
        | ({"focused": True} if name == focused else {})
        for name, value in values.items()
    ]


def require_filled(command: Json, inner: list[str], values: dict[str, object]) -> None:
    """Raise NotAllowed for values that Discord's app would not send: one missing, not offered, or out of bounds."""
    step = command
    for name in inner:
        step = next((each for each in step.get("options", []) if each["name"] == name), {})
    for option in step.get("options", []):
        value = values.get(option["name"])
        if value is not None:
            _require_good(option, value)
        elif option.get("required"):
            raise NotAllowed(f"The option {option['name']} is required.")


def _require_good(option: Json, value: object) -> None:
    name = option["name"]
    choices = [choice["value"] for choice in option.get("choices") or []]
    if choices and value not in choices:
        raise NotAllowed(f"{value!r} is not one of the choices of {name}.")
    size = value if option["type"] in NUMBERS else len(str(value))
    if not isinstance(size, int | float) or isinstance(size, bool):
        raise NotAllowed(f"The option {name} is a number.")
    least, most = ("min_value", "max_value") if option["type"] in NUMBERS else ("min_length", "max_length")
    if size < option.get(least, size) or size > option.get(most, size):
        raise NotAllowed(f"The option {name} is too small, too large, too short or too long.")


def leaves(options: list[Json]) -> list[Json]:
    """Return the options that have values, out of their subcommands."""
    found: list[Json] = []
    for option in options:
        found += leaves(option.get("options", [])) if option["type"] in (1, 2) else [option]
    return found


def full_name(name: str, options: list[Json]) -> str:
    while options and options[0]["type"] in (1, 2):
        name = f"{name} {options[0]['name']}"
        options = options[0].get("options", [])
    return name
