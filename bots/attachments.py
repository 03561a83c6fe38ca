"""Files that go with an answer, made when it is sent: they are stored nowhere."""

import io
from datetime import UTC, datetime
from typing import Any, Final, Protocol

import discord


class Make(Protocol):
    """Makes a file for a member; in the database's thread."""

    def __call__(self, user_id: str, *, now: Any) -> discord.File: ...


ATTACHMENTS: Final[dict[str, Make]] = {}
"""By the name that an answer carries; each attachment's module puts itself in."""


def json_file(content: bytes, *, user_id: str, now: datetime) -> discord.File:
    """A member's data as a file of their own, named after them and the day."""
    return discord.File(io.BytesIO(content), filename=f"checkback-{user_id}-{now.astimezone(UTC):%Y-%m-%d}.json")
