"""What Discord tells us about people: each event becomes one operation of `inbound`."""

import time
from collections.abc import Callable, Collection, Generator
from contextlib import closing
from dataclasses import replace
from itertools import chain, islice, repeat
from typing import TYPE_CHECKING, Final, ParamSpec, TypeVar

import discord
import structlog
from discord.ext import commands
from django.utils import timezone

from bots import attendance, inbound
from bots.database import insist
from bots.inbound import Post
from bots.people import channel_of, is_among_staff, is_from_person, letter_of, person_of, words_of

if TYPE_CHECKING:
    from bots.client import CheckbackBot

log = structlog.get_logger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

REMEMBERED_DELETIONS: Final = 10_000
ONE_SIGN_SECONDS: Final = 60.0


class Gone:
    """The messages that were deleted lately. A deletion can overtake the message: while the database is away, or when
    the message was read from a channel's history just before.
    """

    def __init__(self, most: int = REMEMBERED_DELETIONS) -> None:
        self._ids: dict[int, None] = {}
        self._most = most

    def add(self, message_ids: Collection[int]) -> None:
        """Remember them, and forget the oldest beyond the limit."""
        self._ids.update(dict.fromkeys(message_ids))
        for oldest in list(islice(self._ids, max(0, len(self._ids) - self._most))):
            del self._ids[oldest]

    def __contains__(self, message_id: object) -> bool:
        return message_id in self._ids


class SignsOfLife:
    """Who has given a sign of life within the running minute. There can be many of them, and one is enough."""

    def __init__(self) -> None:
        self._seen: set[int] = set()
        self._until = 0.0

    def is_news(self, user_id: int) -> bool:
        """Whether this is the member's first one in this minute; the next one is not."""
        if time.monotonic() >= self._until:
            self._seen, self._until = set(), time.monotonic() + ONE_SIGN_SECONDS
        is_first = user_id not in self._seen
        self._seen.add(user_id)
        return is_first


class Listening(commands.Cog):
    """Takes in messages, their edits and deletions, reactions, and who comes and goes."""

    def __init__(self, bot: "CheckbackBot") -> None:
        self.bot = bot
        self._gone = Gone()
        self._signs = SignsOfLife()
        self._unwritten = 0

    @property
    def is_behind(self) -> bool:
        """Whether something that was heard is not in the database yet, because that was away. It may be a `stop`."""
        return self._unwritten > 0

    # --- messages ---

    async def take_in(self, message: discord.Message) -> None:
        """Take in what people write. Bots, webhooks, Discord's own notices and commands never count.

        Not a listener: discord.py's bot has an `on_message` of its own, which hands over to this.
        """
        if not is_from_person(message):
            return
        context = await self.bot.get_context(message)
        if context.valid:
            await self.bot.invoke(context)
        elif message.guild is None:
            await self._take_in_private(inbound.receive_private, message)
        else:
            await self._take_in_post(inbound.receive_channel, message)

    async def take_in_late(self, message: discord.Message) -> None:
        """Note what was written in a channel while nobody listened. A command of then is nobody's wish now."""
        if is_from_person(message) and not (await self.bot.get_context(message)).valid:
            await self._take_in_post(inbound.receive_channel, message)

    @commands.Cog.listener()
    async def on_raw_message_edit(self, payload: discord.RawMessageUpdateEvent) -> None:
        """Somebody changed a message. Discord also tells so when it has only added a preview of a link.

        A command that an edit makes is not carried out, and is no word of its author's either.
        """
        message = payload.message
        if message.edited_at is None or not is_from_person(message):
            return
        if message.guild is None:
            is_command = (await self.bot.get_context(message)).valid
            await self._take_in_private(inbound.receive_edit, message, is_command=is_command)
        else:
            await self._take_in_post(inbound.receive_channel_edit, message)

    @commands.Cog.listener()
    async def on_raw_message_delete(self, payload: discord.RawMessageDeleteEvent) -> None:
        """Somebody took a message back, or a moderator removed it."""
        await self._take_back([payload.message_id], channel_id=payload.channel_id, guild_id=payload.guild_id)

    @commands.Cog.listener()
    async def on_raw_bulk_message_delete(self, payload: discord.RawBulkMessageDeleteEvent) -> None:
        """Many messages of a channel were removed at once."""
        await self._take_back(payload.message_ids, channel_id=payload.channel_id, guild_id=payload.guild_id)

    async def _take_in_private(
        self, receive: Callable[..., bool], message: discord.Message, *, is_command: bool = False
    ) -> None:
        letter = letter_of(message)
        await self.persist(
            receive,
            own=self.bot.account,
            author=person_of(message.author),
            channel_id=str(message.channel.id),
            letter=replace(letter, metadata={"command": True}) if is_command else letter,
            gone=self._gone,
            now=timezone.now(),
        )

    async def _take_in_post(self, receive: Callable[..., bool], message: discord.Message) -> None:
        words = "" if is_among_staff(message) else words_of(message)
        await self._persist_or_drop(
            receive,
            author=person_of(message.author),
            channel=channel_of(message),
            post=Post(message.id, words, message.created_at, message.edited_at),
            gone=self._gone,
            now=timezone.now(),
        )

    async def _take_back(self, message_ids: Collection[int], *, channel_id: int, guild_id: int | None) -> None:
        self._gone.add(message_ids)
        if guild_id is not None:
            await self.persist(inbound.receive_channel_deletion, list(message_ids), now=timezone.now())
            return
        await self.persist(
            inbound.receive_deletion,
            own=self.bot.account,
            channel_id=str(channel_id),
            message_ids=[str(key) for key in message_ids],
            now=timezone.now(),
        )

    # --- reactions ---

    @commands.Cog.listener()
    async def on_raw_reaction_add(self, payload: discord.RawReactionActionEvent) -> None:
        """Somebody put an emoji to a message: in private an answer of a kind, in a channel a sign of life. That it is
        taken away again changes nothing.
        """
        if self.bot.user is None or payload.user_id == self.bot.user.id:
            return
        if payload.guild_id is None:
            await self._persist_or_drop(
                inbound.receive_reaction,
                user_id=str(payload.user_id),
                message_id=str(payload.message_id),
                now=timezone.now(),
            )
        elif not (payload.member is not None and payload.member.bot) and self._signs.is_news(payload.user_id):
            await self._persist_or_drop(inbound.receive_sign_of_life, str(payload.user_id), now=timezone.now())

    # --- people ---

    @commands.Cog.listener()
    async def on_member_join(self, member: discord.Member) -> None:
        """Somebody joined a community, or came back."""
        if not member.bot:
            await self.persist(inbound.member_joined, person_of(member), now=timezone.now())

    @commands.Cog.listener()
    async def on_raw_member_remove(self, payload: discord.RawMemberRemoveEvent) -> None:
        """Somebody left a community. They are gone only when no other one of ours has them, as far as we can see."""
        others = [guild for guild in self.bot.guilds if guild.id != payload.guild_id]
        if all(attendance.is_known_of(guild) and guild.get_member(payload.user.id) is None for guild in others):
            await self.persist(inbound.member_left, str(payload.user.id), now=timezone.now())

    @commands.Cog.listener()
    async def on_guild_remove(self, guild: discord.Guild) -> None:
        """The bot was thrown out of a community, or the community is gone. Its members have done nothing."""
        log.warning("bot.community_lost", guild_id=guild.id, communities=len(self.bot.guilds))

    # --- into the database ---

    async def persist(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run an operation that may be repeated; wait for a database that is away, however long. Discord tells things
        only once, and one of them may be a `stop`.
        """
        with closing(self._pauses()) as pauses:
            return await insist(pauses, function, *args, **kwargs)

    def _pauses(self) -> Generator[float, None, None]:
        self._unwritten += 1  # at the first pause
        try:
            yield from chain(self.bot.retry_seconds, repeat(self.bot.retry_seconds[-1]))
        finally:
            self._unwritten -= 1

    async def _persist_or_drop(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The same for what there is too much of to keep it in memory for long."""
        return await insist(self.bot.retry_seconds, function, *args, **kwargs)
