"""People and messages as Discord shows them: reading discord.py's objects into ours."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import discord

from bots import conf
from socialmedia.activity import ChannelRef


@dataclass(frozen=True)
class Person:
    """Somebody as Discord describes them."""

    external_id: str
    username: str
    display_name: str = ""
    avatar_url: str = ""


@dataclass(frozen=True)
class Letter:
    """A message as it arrived. The times are Discord's."""

    external_id: str
    text: str
    sent_at: datetime
    metadata: Mapping[str, Any]
    edited_at: datetime | None = None
    """When its words became these ones."""


_WRITTEN_BY_PEOPLE: Final = (discord.MessageType.default, discord.MessageType.reply)


def is_from_person(message: discord.Message) -> bool:
    """Whether somebody wrote this: no bot, no webhook, none of Discord's own notices, such as that a thread begins."""
    return not message.author.bot and message.webhook_id is None and message.type in _WRITTEN_BY_PEOPLE


def person_of(user: discord.User | discord.Member | discord.ClientUser) -> Person:
    """Who this is, as Discord shows them."""
    return Person(
        external_id=str(user.id),
        username=user.name,
        display_name=user.display_name,
        avatar_url=user.display_avatar.url,
    )


def channel_of(message: discord.Message) -> ChannelRef:
    """The community's channel, thread or forum post that a message was written in."""
    guild = message.guild
    return ChannelRef(
        external_id=str(message.channel.id),
        name=str(getattr(message.channel, "name", "") or ""),
        guild_id=str(guild.id) if guild else "",
        guild_name=guild.name if guild else "",
    )


def is_among_staff(message: discord.Message) -> bool:
    """Whether it was written in the staff channel, or a thread below it: staff speak about members there."""
    staff, place = conf.current().staff_channel, message.channel
    return staff is not None and staff in (place.id, getattr(place, "parent_id", None))


def letter_of(message: discord.Message) -> Letter:
    """A private message. One without words is stored as a note of what it carried."""
    attachments = [{"filename": item.filename, "url": item.url} for item in message.attachments]
    stickers = [item.name for item in message.stickers]
    metadata: dict[str, Any] = {}
    if attachments:
        metadata["attachments"] = attachments
    if stickers:
        metadata["stickers"] = stickers
    notes = [f"[attachment: {item.filename}]" for item in message.attachments]
    notes += [f"[sticker: {name}]" for name in stickers]
    return Letter(
        external_id=str(message.id),
        text=words_of(message) or " ".join(notes) or "[no text]",
        sent_at=message.created_at,
        metadata=metadata,
        edited_at=message.edited_at,
    )


def words_of(message: discord.Message) -> str:
    """What was written, as the database can store it."""
    return message.content.replace("\x00", "")
