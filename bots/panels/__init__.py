"""Buttons and menus under an answer. They survive a restart: each press names what it means, and reads the database."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import discord


class Read(Protocol):
    """Reads what a panel shows of a member; in the database's thread."""

    def __call__(self, user_id: str, *, now: Any) -> Any: ...


@dataclass(frozen=True)
class Panel:
    """One kind of panel: what it reads, and how that is drawn."""

    read: Read
    draw: Callable[[Any], discord.ui.View]


PANELS: dict[str, Panel] = {}
"""By the name that an answer carries; each panel's module puts itself in."""
ITEMS: list[type[discord.ui.DynamicItem[Any]]] = []
"""Every kind of button and menu, for the client to know them after a restart."""


def is_live(interaction: discord.Interaction[Any]) -> bool:
    """Whether a press is of something that we know and that its message still has; discord.py answers no other one."""
    data: Any = interaction.data or {}
    custom_id = str(data.get("custom_id", ""))
    shown = interaction.message.components if interaction.message else []
    is_known = any(item.__discord_ui_compiled_template__.fullmatch(custom_id) for item in ITEMS)
    return is_known and custom_id in set(_custom_ids(shown))


def _custom_ids(components: Iterable[Any]) -> Iterator[str]:
    for component in components:
        yield getattr(component, "custom_id", None) or ""
        yield from _custom_ids(getattr(component, "children", ()))
