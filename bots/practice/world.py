"""The practice world: communities, members, channels, messages and commands, as plain values."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

Json = dict[str, Any]

EPOCH_MS = 1_420_070_400_000
"""Discord's epoch, the first millisecond of 2015."""
BOT_USER_ID = 1_200_000_000_000_000_001
"""The practice bot's user id, which is its application id as well. Fixed: the bot's database refers to it."""
NONCE_WINDOW = timedelta(minutes=5)
GUILD_TEXT = 0
DIRECT = 1


class UnknownThing(LookupError):
    """A user, channel, community, message or command that this world does not have."""


class BrokenExport(ValueError):
    """A file that is not a DiscordChatExporter export of a community's channel."""


@dataclass(slots=True)
class User:
    """An account, a person's or a bot's."""

    id: int
    username: str
    display_name: str
    is_bot: bool = False


@dataclass(slots=True)
class Member:
    """A user's place in one community."""

    user_id: int
    nickname: str | None
    joined_at: datetime


@dataclass(slots=True)
class Channel:
    """A text channel of a community, or a private conversation of two users (then `guild_id` is None)."""

    id: int
    name: str
    guild_id: int | None = None
    recipients: tuple[int, ...] = ()
    position: int = 0
    topic: str | None = None

    @property
    def is_direct(self) -> bool:
        return self.guild_id is None


@dataclass(slots=True)
class Guild:
    """A community."""

    id: int
    name: str
    owner_id: int
    channels: dict[int, Channel] = field(default_factory=dict)
    members: dict[int, Member] = field(default_factory=dict)


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
    attachments: list[Json] = field(default_factory=list)

    @property
    def is_ephemeral(self) -> bool:
        return self.ephemeral_for is not None


def snowflake(moment: datetime, low: int = 0) -> int:
    """Return the id that Discord could have given to something made at `moment`; `low` fills the 22 low bits."""
    return ((int(moment.timestamp() * 1000) - EPOCH_MS) << 22) | (low & 0x3FFFFF)


def snowflake_time(number: int) -> datetime:
    """Return when the bearer of an id was made."""
    return datetime.fromtimestamp(((number >> 22) + EPOCH_MS) / 1000, UTC)


def dm_channel_id(first: int, second: int) -> int:
    """Return the id of two users' private channel: the same in every run, dated shortly after the younger account."""
    low, high = sorted((first, second))
    digest = hashlib.blake2b(f"{low}:{high}".encode(), digest_size=8).digest()
    # 52 bits are twelve days of ids: no two of some thousand pairs collide, and the date stays plausible.
    return (high >> 22 << 22) + (int.from_bytes(digest, "big") & ((1 << 52) - 1))


class World:
    """Everything that the practice Discord knows. No clock, no network, no asyncio."""

    def __init__(self, *, bot_name: str = "checkback") -> None:
        self.guilds: dict[int, Guild] = {}
        self.users: dict[int, User] = {}
        self.direct: dict[int, Channel] = {}
        self.messages: dict[int, dict[int, Message]] = {}
        self.commands: dict[int | None, list[Json]] = {None: []}
        self._nonces: dict[tuple[int, str], tuple[datetime, Message]] = {}
        self._last_id = 0
        self.bot = self.add_user(User(BOT_USER_ID, bot_name, bot_name.capitalize(), is_bot=True))

    # --- building ---

    @classmethod
    def example(cls) -> "World":
        """Return a small made-up community, for a trial without an export."""
        world = cls()
        founded = datetime(2025, 3, 1, 9, tzinfo=UTC)
        names = ("Ada Quill", "Bruno Vega", "Chiyo Mori", "Dara Okafor", "Emil Strand", "Farah Haddad")
        people = [
            world.add_user(User(snowflake(founded + timedelta(hours=n), n), name.split()[0].lower(), name))
            for n, name in enumerate(names)
        ]
        guild = world.add_guild(
            snowflake(founded - timedelta(minutes=1)), "Lantern Works", owner_id=people[0].id, now=founded
        )
        for person in people:
            world.join(guild.id, person.id, now=founded)
        for position, (name, topic) in enumerate(
            [("welcome", "Say hello"), ("general", "Everything else"), ("events", "What is on")]
        ):
            channel_id = snowflake(founded + timedelta(minutes=1 + position), position)
            world.add_channel(Channel(channel_id, name, guild.id, position=position, topic=topic))
        return world

    @classmethod
    def from_export(cls, *paths: Path | str) -> "World":
        """Return a world with the communities, channels, members and messages of DiscordChatExporter JSON files."""
        world = cls()
        for path in paths:
            world._load_export(Path(path))
        for channel_id, rows in world.messages.items():
            world.messages[channel_id] = dict(sorted(rows.items()))
        return world

    def _load_export(self, path: Path) -> None:
        try:
            export = json.loads(path.read_text(encoding="utf-8"))
            guild_id, channel_id = int(export["guild"]["id"]), int(export["channel"]["id"])
            rows = [_exported(row) for row in export["messages"]]
            guild_name, channel_name = str(export["guild"]["name"]), str(export["channel"]["name"])
        except (OSError, KeyError, TypeError, ValueError) as error:
            raise BrokenExport(
                f"{path} is not a JSON export of DiscordChatExporter ({type(error).__name__}: {error})."
            ) from error
        if guild_id == 0:
            raise BrokenExport(
                f"{path} is an export of private messages; a practice community needs a server's channel."
            )
        rows.sort(key=lambda row: row[1].id)
        started = rows[0][1].sent_at if rows else snowflake_time(channel_id)
        guild = self.guilds.get(guild_id) or self.add_guild(guild_id, guild_name, owner_id=self.bot.id, now=started)
        topic = export["channel"].get("topic")
        # An export may come in several files for one channel.
        self.add_channel(
            guild.channels.get(channel_id)
            or Channel(
                channel_id, channel_name, guild_id, position=len(guild.channels), topic=str(topic) if topic else None
            )
        )
        for author, message in rows:
            if author.id not in self.users:
                self.add_user(author)
            if author.id not in guild.members:
                self.join(guild_id, author.id, now=message.sent_at)
            message.channel_id = channel_id
            self.add_message(message)
        people = [user_id for user_id in guild.members if not self.users[user_id].is_bot]
        guild.owner_id = people[0] if people else self.bot.id

    def add_user(self, user: User) -> User:
        self.users[user.id] = user
        return user

    def add_guild(self, guild_id: int, name: str, *, owner_id: int, now: datetime) -> Guild:
        """Add a community; the bot is in it from the start."""
        guild = self.guilds[guild_id] = Guild(guild_id, name, owner_id)
        self.join(guild_id, self.bot.id, now=now)
        return guild

    def add_channel(self, channel: Channel) -> Channel:
        if channel.guild_id is None:
            self.direct[channel.id] = channel
        else:
            self.guild(channel.guild_id).channels[channel.id] = channel
        self.messages.setdefault(channel.id, {})
        return channel

    # --- reading ---

    def new_id(self, now: datetime) -> int:
        """Return an id of this moment, greater than every earlier one."""
        self._last_id = max(self._last_id + 1, snowflake(now))
        return self._last_id

    def user(self, user_id: int) -> User:
        try:
            return self.users[user_id]
        except KeyError:
            raise UnknownThing(f"There is no user {user_id} in this practice world.") from None

    def guild(self, guild_id: int) -> Guild:
        try:
            return self.guilds[guild_id]
        except KeyError:
            raise UnknownThing(f"There is no community {guild_id} in this practice world.") from None

    def channels(self) -> Iterator[Channel]:
        """Yield the communities' channels, not the private ones."""
        for guild in self.guilds.values():
            yield from guild.channels.values()

    def channel(self, channel_id: int) -> Channel:
        if channel_id in self.direct:
            return self.direct[channel_id]
        for guild in self.guilds.values():
            if channel_id in guild.channels:
                return guild.channels[channel_id]
        raise UnknownThing(f"There is no channel {channel_id} in this practice world.")

    def guilds_of(self, user_id: int) -> list[Guild]:
        return [guild for guild in self.guilds.values() if user_id in guild.members]

    def message(self, channel_id: int, message_id: int) -> Message:
        try:
            return self.messages[channel_id][message_id]
        except KeyError:
            raise UnknownThing(f"There is no message {message_id} in channel {channel_id}.") from None

    def last_message_id(self, channel_id: int) -> int | None:
        return next(reversed(self.messages.get(channel_id, {})), None)

    def history(
        self,
        channel_id: int,
        *,
        limit: int = 50,
        before: int | None = None,
        after: int | None = None,
        around: int | None = None,
    ) -> list[Message]:
        """Return a page of a channel's messages, newest first, as `GET /channels/{id}/messages` does."""
        rows = list(self.messages.get(channel_id, {}).values())
        if around is not None:
            older = [row for row in rows if row.id < around][-(limit // 2) :] if limit > 1 else []
            newer = [row for row in rows if row.id >= around][: limit - len(older)]
            rows = older + newer
        elif after is not None:
            rows = [row for row in rows if row.id > after][:limit]
        else:
            rows = [row for row in rows if before is None or row.id < before][-limit:]
        return rows[::-1]

    def find_command(self, name: str, guild_id: int | None = None) -> Json:
        """Return a registered slash command by name, the community's own before the global one."""
        for scope in (guild_id, None):
            for command in self.commands.get(scope, []):
                if command["name"] == name and command.get("type", 1) == 1:
                    return command
        raise UnknownThing(f"The bot has not registered a command /{name}.")

    # --- changing ---

    def join(self, guild_id: int, user_id: int, *, now: datetime, nickname: str | None = None) -> Member:
        member = Member(user_id, nickname, now)
        self.guild(guild_id).members[user_id] = member
        return member

    def leave(self, guild_id: int, user_id: int) -> bool:
        """Return whether the user was a member."""
        return self.guild(guild_id).members.pop(user_id, None) is not None

    def open_dm(self, first: int, second: int) -> Channel:
        """Return the private channel of two users, made on first use."""
        channel_id = dm_channel_id(first, second)
        if channel_id not in self.direct:
            self.add_channel(Channel(channel_id, "", recipients=(self.user(first).id, self.user(second).id)))
        return self.direct[channel_id]

    def add_message(self, message: Message) -> Message:
        """Store a complete message, and remember its nonce."""
        self.messages.setdefault(message.channel_id, {})[message.id] = message
        self._last_id = max(self._last_id, message.id)
        if message.nonce is not None:
            self._nonces[message.author_id, message.nonce] = (message.sent_at, message)
        return message

    def with_nonce(self, author_id: int, nonce: str, *, now: datetime) -> Message | None:
        """Return the author's message of the past few minutes that bears this nonce."""
        sent_at, message = self._nonces.get((author_id, nonce), (None, None))
        return message if sent_at is not None and now - sent_at < NONCE_WINDOW else None

    def delete_message(self, channel_id: int, message_id: int) -> Message:
        message = self.message(channel_id, message_id)
        del self.messages[channel_id][message_id]
        return message

    def set_commands(self, commands: Iterable[Json], *, guild_id: int | None, now: datetime) -> list[Json]:
        """Replace a scope's commands; one that keeps its name keeps its id, as with Discord."""
        known = {(row["name"], row.get("type", 1)): row["id"] for row in self.commands.get(guild_id, [])}
        rows = []
        for command in commands:
            key = (command["name"], command.get("type", 1))
            number = known.get(key) or str(self.new_id(now))
            row = {"type": 1, "description": "", "options": [], **command, "id": number}
            row |= {"application_id": str(self.bot.id), "version": str(self.new_id(now))}
            rows.append(row | ({"guild_id": str(guild_id)} if guild_id is not None else {}))
        self.commands[guild_id] = rows
        return rows


def _exported(row: Json) -> tuple[User, Message]:
    author = row["author"]
    name = str(author["name"])
    user = User(int(author["id"]), name, str(author.get("nickname") or name), is_bot=bool(author.get("isBot")))
    sent_at = datetime.fromisoformat(row["timestamp"])
    if sent_at.tzinfo is None:
        sent_at = sent_at.replace(tzinfo=UTC)
    return user, Message(int(row["id"]), 0, user.id, str(row["content"]), sent_at)
