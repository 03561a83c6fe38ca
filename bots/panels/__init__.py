"""Buttons and menus under an answer. They survive a restart: each press names what it means, and reads the database."""

from collections.abc import Callable
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
HEARD_ELSEWHERE: set[str] = set()
"""How the ids begin that a listener of their own answers, each press of them, whatever its message shows now."""
