"""After a time in which nobody listened: what was written meanwhile, and who has come and gone."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

import discord
import structlog
from django.utils import timezone

from bots import attendance, failures, inbound
from bots.failures import UNREACHED
from bots.governor.calls import NotSent
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
AGAIN_SECONDS: Final = (1.0, 5.0, 15.0, 30.0)
"""What could not be read is tried again after these; discord.py has tried for some seconds each time."""
HELD_UP_SECONDS: Final = 5.0
CLOCK_TOLERANCE: Final = timedelta(seconds=2)

Place = discord.TextChannel | discord.VoiceChannel | discord.StageChannel | discord.Thread


class Reading:
    """Something that is read at most once at a time, and once more if it is wanted again meanwhile."""

    def __init__(self, read: Callable[[], Awaitable[None]]) -> None:
        self._read = read
        self._task: asyncio.Task[None] | None = None
        self._is_wanted = False
        self.is_held_up = False
        """Nothing can be read at the moment."""

    @property
    def is_done(self) -> bool:
        """Whether all that was wanted has been read."""
        return not self._is_wanted and (self._task is None or self._task.done())

    def want(self) -> None:
        """From now on there is something to read; `wait` begins with it."""
        self._is_wanted = True

    async def run(self) -> None:
        """Read, and wait for it."""
        self.want()
        await self.wait()

    async def wait(self) -> None:
        """Begin to read what is wanted. Returns when nothing is left, or when it takes so long that whoever waits for
        an answer has waited enough: the rest is read beside other things. But what is held up is waited for.
        """
        if self._is_wanted and (self._task is None or self._task.done()):
            self._task = asyncio.create_task(self._read_while_wanted())
        while self._task is not None and not self._task.done():
            await asyncio.wait({self._task}, timeout=PATIENCE_SECONDS)
            if not self.is_held_up:
                return

    def stop(self) -> None:
        """Read no further."""
        if self._task is not None:
            self._task.cancel()

    async def _read_while_wanted(self) -> None:
        while self._is_wanted:
            self._is_wanted = False
            try:
                await self._read()
            except Exception as error:
                # What was not read is not known to be read, so nobody must believe it.
                log.error("bot.catch_up_failed", **failures.describe(error))  # noqa: TRY400 - it can quote a message
                self._is_wanted = self.is_held_up = True
                await asyncio.sleep(PATIENCE_SECONDS)
            else:
                self.is_held_up = False


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
        since = await self._bot.listening.persist(listening.deaf_since, self._bot.account.pk, now=timezone.now())
        threads = await self._bot.listening.persist(
            inbound.threads_to_read,
            own=self._bot.account,
            deaf_since=since,
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
        pauses = iter(AGAIN_SECONDS)
        async with at_once:  # also while it waits: the others would fare no better
            while (pause := await self._try_thread(thread, pauses)) is not None:
                self.private.is_held_up = True
                await asyncio.sleep(pause)
            self.private.is_held_up = False

    async def _try_thread(self, thread: inbound.Thread, pauses: Iterator[float]) -> float | None:
        """Read a thread. Answers when to try again, if that may help. What our own governor holds up, may always."""
        channel = self._bot.get_partial_messageable(thread.channel_id, type=discord.ChannelType.private)
        after, count = thread.read_until - CLOCK_TOLERANCE, 0
        try:
            async for message in channel.history(after=after, limit=THREAD_MESSAGES, oldest_first=True):
                await self._take_in(message)
                count += 1
        except NotSent:
            return HELD_UP_SECONDS
        except UNREACHED as error:
            log.warning("bot.catch_up_failed", channel_id=thread.channel_id, **failures.describe(error))
            return None if _is_final(error) else next(pauses, None)
        if count >= THREAD_MESSAGES:
            log.warning("bot.thread_not_read_to_its_end", channel_id=thread.channel_id, limit=THREAD_MESSAGES)
        return None

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
        except UNREACHED as error:
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


def _is_final(error: Exception) -> bool:
    """Whether Discord would say the same again."""
    return isinstance(error, discord.HTTPException) and error.status < 500 and error.status != 429
