"""After a time in which nobody listened: what was written meanwhile, and who has come and gone."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

import discord
import structlog
from django.utils import timezone

from bots import attendance, failures, inbound
from bots.relay import NETWORK_ERRORS
from socialmedia import listening

if TYPE_CHECKING:
    from bots.client import CheckbackBot

log = structlog.get_logger(__name__)

THREADS: Final = 2_000
THREADS_AT_ONCE: Final = 10
"""One after the other, they would take minutes at the distance of Discord."""
THREAD_MESSAGES: Final = 2_000
ACTIVE: Final = timedelta(days=30)
CHANNELS: Final = 100
CHANNEL_MESSAGES: Final = 1_000
PATIENCE_SECONDS: Final = 60.0
CLOCK_TOLERANCE: Final = timedelta(seconds=2)
_READ_ERRORS: Final = (discord.DiscordException, *NETWORK_ERRORS)

Place = discord.TextChannel | discord.VoiceChannel | discord.StageChannel | discord.Thread


class Reading:
    """Something that is read at most once at a time, and once more if it is wanted again meanwhile."""

    def __init__(self, read: Callable[[], Awaitable[None]]) -> None:
        self._read = read
        self._task: asyncio.Task[None] | None = None
        self._is_wanted = False

    async def run(self) -> None:
        """Read. Returns when it is done, or when it takes so long that whoever waits for an answer has waited enough:
        the rest is read beside other things.
        """
        self._is_wanted = True
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._read_while_wanted())
            self._task.add_done_callback(_note_end)
        await self.wait()

    async def wait(self) -> None:
        """Wait for what is being read, with the same patience."""
        if self._task is not None:
            await asyncio.wait({self._task}, timeout=PATIENCE_SECONDS)

    def stop(self) -> None:
        """Read no further."""
        if self._task is not None:
            self._task.cancel()

    async def _read_while_wanted(self) -> None:
        while self._is_wanted:
            self._is_wanted = False
            await self._read()


class CatchingUp:
    """Reads what one bot has missed. Everything is taken in as if it arrived now, so what is known changes nothing.

    `private` is wanted once private messages can arrive, `communities` once all communities are known.
    """

    def __init__(self, bot: "CheckbackBot") -> None:
        self._bot = bot
        self.private = Reading(self._read_threads)
        self.communities = Reading(self._read_communities)

    def stop(self) -> None:
        """Read no further."""
        self.private.stop()
        self.communities.stop()

    async def _read_communities(self) -> None:
        since = await self._bot.listening.persist(listening.deaf_since, self._bot.account.pk, now=timezone.now())
        await attendance.look(self._bot)
        if since is not None:
            await self._read_channels(since)

    # --- private messages ---

    async def _read_threads(self) -> None:
        threads = await self._bot.listening.persist(
            inbound.threads_to_read,
            own=self._bot.account,
            active_since=timezone.now() - ACTIVE,
            limit=THREADS + 1,
        )
        at_once = asyncio.Semaphore(THREADS_AT_ONCE)
        async with asyncio.TaskGroup() as readings:
            for thread in threads[:THREADS]:
                readings.create_task(self._read_thread(thread, at_once))
        if len(threads) > THREADS:
            log.warning("bot.threads_not_read", limit=THREADS)

    async def _read_thread(self, thread: inbound.Thread, at_once: asyncio.Semaphore) -> None:
        channel = self._bot.get_partial_messageable(thread.channel_id, type=discord.ChannelType.private)
        after, count = thread.read_until - CLOCK_TOLERANCE, 0
        async with at_once:
            try:
                async for message in channel.history(after=after, limit=THREAD_MESSAGES, oldest_first=True):
                    await self._take_in(message)
                    count += 1
            except _READ_ERRORS as error:
                log.warning("bot.catch_up_failed", channel_id=thread.channel_id, **failures.describe(error))
        if count >= THREAD_MESSAGES:
            log.warning("bot.thread_not_read_to_its_end", channel_id=thread.channel_id, limit=THREAD_MESSAGES)

    async def _take_in(self, message: discord.Message) -> None:
        try:
            await self._bot.on_message(message)
        except Exception as error:
            _note_failure(message, error)  # it must not hide a `stop` in those after it

    # --- channels ---

    async def _read_channels(self, since: datetime) -> None:
        """Note who wrote in the communities meanwhile, so that nobody counts as quiet for it. What is not read stays
        in a gap that is nobody's silence either.
        """
        places = [place for guild in self._bot.guilds for place in _places(guild, since=since)]
        places.sort(key=lambda place: place.last_message_id or 0, reverse=True)
        for place in places[:CHANNELS]:
            await self._read_channel(place, since=since)
        if len(places) > CHANNELS:
            log.info("bot.channels_not_read", channels=len(places) - CHANNELS, limit=CHANNELS)

    async def _read_channel(self, place: Place, *, since: datetime) -> None:
        try:
            async for message in place.history(after=since, limit=CHANNEL_MESSAGES, oldest_first=False):
                await self._note(message)
        except _READ_ERRORS as error:
            log.warning("bot.channel_not_read", channel_id=place.id, **failures.describe(error))

    async def _note(self, message: discord.Message) -> None:
        try:
            await self._bot.listening.take_in_late(message)
        except Exception as error:
            _note_failure(message, error)


def _places(guild: discord.Guild, *, since: datetime) -> list[Place]:
    """The channels and open threads of a community that the bot may read and that have something new."""
    places: list[Place] = [*guild.text_channels, *guild.voice_channels, *guild.stage_channels, *guild.threads]
    oldest = discord.utils.time_snowflake(since)
    return [place for place in places if (place.last_message_id or 0) > oldest and _may_read(place)]


def _may_read(place: Place) -> bool:
    if isinstance(place, discord.Thread) and place.parent is None:
        return False  # of a channel that we can't see
    allowed = place.permissions_for(place.guild.me)
    return allowed.view_channel and allowed.read_message_history


def _note_failure(message: discord.Message, error: Exception) -> None:
    # Not log.exception: a traceback can quote the message.
    log.error("bot.handler_failed", event_method="catch_up", id=message.id, **failures.describe(error))


def _note_end(task: "asyncio.Task[None]") -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("bot.catch_up_failed", **failures.describe(error))
