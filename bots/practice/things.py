"""What the practice world is made of: people, communities, roles, channels, messages and their files."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

Json = dict[str, Any]

GUILD_TEXT, DIRECT, PUBLIC_THREAD, PRIVATE_THREAD = 0, 1, 11, 12
"""The types of channels."""


@dataclass(slots=True)
class User:
    """An account, a person's or a bot's."""

    id: int
    username: str
    display_name: str
    is_bot: bool = False


@dataclass(slots=True)
class Role:
    """A role of a community. The one that bears the community's id is everybody's."""

    id: int
    name: str
    permissions: int
    position: int = 0
    color: int = 0
    bot_id: int | None = None


@dataclass(slots=True)
class Member:
    """A user's place in one community."""

    user_id: int
    nickname: str | None
    joined_at: datetime
    roles: set[int] = field(default_factory=set)


@dataclass(slots=True)
class Channel:
    """A text channel of a community, a thread in one (then it has a parent), or a private conversation of two users.

    `guild_id` is None for the last. `hidden_from_bot` takes away the bot's permission to see a community's channel.
    """

    id: int
    name: str
    guild_id: int | None = None
    recipients: tuple[int, ...] = ()
    position: int = 0
    topic: str | None = None
    hidden_from_bot: bool = False
    kind: int = GUILD_TEXT
    parent_id: int | None = None
    owner_id: int | None = None
    members: dict[int, datetime] = field(default_factory=dict)
    is_archived: bool = False
    is_locked: bool = False
    auto_archive_minutes: int = 1_440
    created_at: datetime | None = None
    archived_at: datetime | None = None

    @property
    def is_direct(self) -> bool:
        return self.guild_id is None

    @property
    def is_thread(self) -> bool:
        return self.parent_id is not None


@dataclass(slots=True)
class Guild:
    """A community."""

    id: int
    name: str
    owner_id: int
    channels: dict[int, Channel] = field(default_factory=dict)
    members: dict[int, Member] = field(default_factory=dict)
    roles: dict[int, Role] = field(default_factory=dict)

    @property
    def bot_role_id(self) -> int:
        return self.id + 1


@dataclass(slots=True)
class Attachment:
    """A file of a message. Its data is in memory only: it is empty after a restart."""

    id: int
    filename: str
    content_type: str
    size: int
    data: bytes = field(default=b"", repr=False, compare=False)


@dataclass(slots=True)
class Message:
    """A message. An ephemeral one names its only reader and belongs to no channel history."""

    id: int
    channel_id: int
    author_id: int
    content: str
    sent_at: datetime
    edited_at: datetime | None = None
    nonce: str | None = None
    embeds: list[Json] = field(default_factory=list)
    components: list[Json] = field(default_factory=list)
    reactions: dict[str, set[int]] = field(default_factory=dict)
    ephemeral_for: int | None = None
    interaction_id: int | None = None
    interaction_name: str = ""
    interaction_user_id: int | None = None
    reply_to: int | None = None
    attachments: list[Attachment] = field(default_factory=list)
    flags: int = 0

    @property
    def is_ephemeral(self) -> bool:
        return self.ephemeral_for is not None
