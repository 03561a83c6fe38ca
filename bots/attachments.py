"""Files that go with an answer, made when it is sent: they are stored nowhere."""

from typing import Any, Protocol

import discord


class Make(Protocol):
    """Makes a file for a member; in the database's thread."""

    def __call__(self, user_id: str, *, now: Any) -> discord.File: ...


ATTACHMENTS: dict[str, Make] = {}
"""By the name that an answer carries; each attachment's module puts itself in."""
