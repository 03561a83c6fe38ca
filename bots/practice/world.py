"""The practice world: communities, members, channels, messages and commands, as plain values."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bots.practice import permissions
from bots.practice.things import (
    DIRECT,
    GUILD_TEXT,
    PRIVATE_THREAD,
    PUBLIC_THREAD,
    Attachment,
    Channel,
    Guild,
    Json,
    Member,
    Message,
    Role,
    User,
)

__all__ = [
    "BOT_USER_ID",
    "DIRECT",
    "GUILD_TEXT",
    "PRIVATE_THREAD",
    "PUBLIC_THREAD",
    "Attachment",
    "BrokenExport",
    "Channel",
    "Guild",
    "Json",
    "Member",
    "Message",
    "NotAllowed",
    "Role",
    "UnknownThing",
    "User",
    "World",
    "dm_channel_id",
    "snowflake",
    "snowflake_time",
]

EPOCH_MS = 1_420_070_400_000
"""Discord's epoch, the first millisecond of 2015."""
BOT_USER_ID = 1_200_000_000_000_000_001
"""The practice bot's user id, which is its application id as well. Fixed: the bot's database refers to it."""
NONCE_WINDOW = timedelta(minutes=5)
FOUNDED = datetime(2025, 3, 1, 9, tzinfo=UTC)
MOST_FILE_BYTES = 200 << 20
"""How much of sent files is kept; the oldest are emptied first."""


class UnknownThing(LookupError):
    """A user, channel, community, message or command that this world does not have."""


class NotAllowed(ValueError):
    """What a member asked for and Discord would not let them do; the text is shown to the person."""


class BrokenExport(ValueError):
    """A file that is not a DiscordChatExporter export of a community's channel."""


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
        self.attachments: dict[int, Attachment] = {}
        self.files_url = ""
        self._nonces: dict[tuple[int, str], tuple[datetime, Message]] = {}
        self._last_id = 0
        self.bot = self.add_user(User(BOT_USER_ID, bot_name, bot_name.capitalize(), is_bot=True))

    # --- building ---

    @classmethod
    def example(cls, communities: int = 1) -> "World":
        """Return a small made-up community, for a trial without an export; with two, some people are in both.

        The first person owns the first community and the second moderates it; the others are ordinary members.
        """
        world = cls()
        names = ("Ada Quill", "Bruno Vega", "Chiyo Mori", "Dara Okafor", "Emil Strand", "Farah Haddad")
        people = world._add_people(names, FOUNDED)
        rooms = {"welcome": "Say hello", "general": "Everything else", "events": "What is on"}
        world._found("Lantern Works", people, rooms, FOUNDED)
        if communities > 1:
            later = FOUNDED + timedelta(days=61)
            more = world._add_people(("Goran Petrov", "Hana Lindqvist"), later)
            rooms = {"lobby": "Come in", "general": "Tides and talk"}
            world._found("Harbor Makers", [people[2], people[0], people[5], *more], rooms, later)
        return world

    def _add_people(self, names: Iterable[str], founded: datetime) -> list[User]:
        return [
            self.add_user(User(snowflake(founded + timedelta(hours=n), n), name.split()[0].lower(), name))
            for n, name in enumerate(names)
        ]

    def _found(self, name: str, people: list[User], rooms: dict[str, str], founded: datetime) -> None:
        """Add a community of people: its owner, its moderator, and the others."""
        guild_id = snowflake(founded - timedelta(minutes=1))
        guild = self.add_guild(guild_id, name, owner_id=people[0].id, now=founded)
        moderators = Role(guild.id + 2, "Moderators", permissions.MODERATOR, position=2, color=0x2F80ED)
        guild.roles[moderators.id] = moderators
        for person in people:
            self.join(guild.id, person.id, now=founded)
        guild.members[people[1].id].roles.add(moderators.id)
        for position, (room, topic) in enumerate(rooms.items()):
            channel_id = snowflake(founded + timedelta(minutes=1 + position), position)
            self.add_channel(Channel(channel_id, room, guild.id, position=position, topic=topic))

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
        for role in (
            Role(guild_id, "@everyone", permissions.EVERYONE),
            Role(guild.bot_role_id, self.bot.display_name, permissions.BOT, position=1, bot_id=self.bot.id),
        ):
            guild.roles[role.id] = role
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
        """Yield the communities' channels and threads, not the private conversations."""
        for guild in self.guilds.values():
            yield from guild.channels.values()

    def channel(self, channel_id: int) -> Channel:
        if channel_id in self.direct:
            return self.direct[channel_id]
        for guild in self.guilds.values():
            if channel_id in guild.channels:
                return guild.channels[channel_id]
        raise UnknownThing(f"There is no channel {channel_id} in this practice world.")

    def permissions_of(self, user_id: int, channel: Channel) -> int:
        """Return what a user may do in a community's channel, as Discord's bits."""
        if channel.guild_id is None:
            return permissions.EVERYONE if user_id in channel.recipients else 0
        guild = self.guild(channel.guild_id)
        if user_id == self.bot.id and self.is_hidden(channel):
            return 0
        return permissions.within(guild, user_id)

    def is_hidden(self, channel: Channel) -> bool:
        """Whether the bot cannot read a channel."""
        if channel.parent_id is not None:
            return channel.hidden_from_bot or self.channel(channel.parent_id).hidden_from_bot
        return channel.hidden_from_bot

    def may_see(self, user_id: int, channel: Channel) -> bool:
        """Whether a channel is in a user's list: a private thread is in its members' and in moderators' only."""
        if channel.guild_id is None:
            return user_id in channel.recipients
        if user_id not in self.guild(channel.guild_id).members:
            return False
        allowed = self.permissions_of(user_id, channel)
        inside = channel.kind != PRIVATE_THREAD or user_id in channel.members or allowed & permissions.MANAGE_THREADS
        return bool(allowed & permissions.VIEW_CHANNEL and inside)

    def threads(self, guild_id: int) -> list[Channel]:
        return [row for row in self.guild(guild_id).channels.values() if row.is_thread]

    def guilds_of(self, user_id: int) -> list[Guild]:
        return [guild for guild in self.guilds.values() if user_id in guild.members]

    def message(self, channel_id: int, message_id: int) -> Message:
        try:
            return self.messages[channel_id][message_id]
        except KeyError:
            raise UnknownThing(f"There is no message {message_id} in channel {channel_id}.") from None

    def thread_on(self, message: Message) -> Channel | None:
        """Return the thread that was opened on a message: it bears the message's id."""
        guild_id = self.channel(message.channel_id).guild_id
        return None if guild_id is None else self.guild(guild_id).channels.get(message.id)

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
        guild = self.guild(guild_id)
        roles = {guild.bot_role_id} if user_id == self.bot.id else set()
        member = guild.members[user_id] = Member(user_id, nickname, now, roles)
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
        self.keep_files(message)
        if message.nonce is not None:
            self._nonces[message.author_id, message.nonce] = (message.sent_at, message)
        return message

    def with_nonce(self, author_id: int, nonce: str, *, now: datetime) -> Message | None:
        """Return the author's message of the past few minutes that bears this nonce."""
        sent_at, message = self._nonces.get((author_id, nonce), (None, None))
        return message if sent_at is not None and now - sent_at < NONCE_WINDOW else None

    def keep_files(self, message: Message) -> None:
        """Keep a message's files for download, and empty the oldest when there is too much."""
        if not message.attachments:
            return
        self.attachments.update({each.id: each for each in message.attachments})
        too_much = sum(len(each.data) for each in self.attachments.values()) - MOST_FILE_BYTES
        for each in self.attachments.values():
            if too_much <= 0:
                break
            too_much -= len(each.data)
            each.data = b""

    def delete_message(self, channel_id: int, message_id: int) -> Message:
        message = self.message(channel_id, message_id)
        del self.messages[channel_id][message_id]
        for each in message.attachments:
            self.attachments.pop(each.id, None)
        return message

    def delete_channel(self, channel: Channel) -> None:
        """Delete a community's channel or thread with its messages."""
        if channel.guild_id is not None:
            del self.guild(channel.guild_id).channels[channel.id]
        for message_id in tuple(self.messages.get(channel.id, {})):
            self.delete_message(channel.id, message_id)
        self.messages.pop(channel.id, None)

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
