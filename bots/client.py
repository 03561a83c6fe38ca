"""The Discord client: what arrives goes to the bridge, what leaves comes from the relay."""

import asyncio
import sys
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import timedelta
from itertools import chain, repeat
from typing import Any, Final, ParamSpec, TypeVar

import discord
import structlog
from discord.ext import commands
from django.db import InterfaceError, OperationalError
from django.utils import timezone

from bots import failures, inbound, panels, presence, registration, relay
from bots.cogs import COGS
from bots.database import run_unit
from bots.governor.calls import Calls
from bots.people import channel_of, letter_of, person_of
from bots.relay import Relay
from jobs.runner import worker_name
from socialmedia.models import Account

log = structlog.get_logger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

CATCH_UP_THREADS: Final = 2000
CATCH_UP_MESSAGES: Final = 200
CATCH_UP_ACTIVE: Final = timedelta(days=30)
CATCH_UP_PATIENCE_SECONDS: Final = 60.0
CLOCK_TOLERANCE: Final = timedelta(seconds=2)


class EndedByItself(Exception):
    """The relay or the connection ended without being asked; a supervisor must start the process again."""


def intents() -> discord.Intents:
    """What we need to hear. `members` (joins, leaves) and `message_content` (the `!` form in a community) are
    privileged: they must be switched on in Discord's developer portal. Channel messages are noted without words.
    """
    wanted = discord.Intents.none()
    wanted.guilds = True
    wanted.members = True
    wanted.guild_messages = True
    wanted.dm_messages = True
    wanted.dm_reactions = True
    wanted.message_content = True
    return wanted


class CheckbackBot(commands.Bot):
    """One bot account. `account` is its row, known from `setup_hook` on."""

    account: Account
    retry_seconds: tuple[float, ...] = (0.2, 1.0, 5.0, 15.0)
    """How long to wait before each next try when the database is away."""

    def __init__(self, *, prefix: str, **options: Any) -> None:
        discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False  # it never speaks
        self.calls = Calls()
        super().__init__(
            commands.when_mentioned_or(prefix),
            intents=intents(),
            allowed_mentions=discord.AllowedMentions.none(),
            help_command=None,
            max_ratelimit_timeout=30.0,
            http_trace=self.calls.trace(),
            **options,
        )
        self._relay_ended = asyncio.Event()
        self._relay: Relay | None = None
        self._relay_task: asyncio.Task[None] | None = None
        self._presence: asyncio.Task[None] | None = None
        self._is_stopping = False
        self._catching_up: asyncio.Task[None] | None = None

    # --- life ---

    async def run_until(self, stop: asyncio.Event, token: str) -> None:
        """Serve until `stop` is set, then end cleanly: what is being sent is finished and recorded first.

        Raises:
            EndedByItself: the relay or the connection ended.
            discord.LoginFailure, discord.PrivilegedIntentsRequired, and whatever else ends `start`.
        """
        connection = asyncio.create_task(self.start(token))
        waits = [asyncio.create_task(event.wait()) for event in (stop, self._relay_ended)]
        try:
            await asyncio.wait({connection, *waits}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waits:
                task.cancel()
            await self._end_relay()  # before the connection, which it still needs
        if connection.done():
            connection.result()
            raise EndedByItself("The connection to Discord ended.")
        connection.cancel()
        await asyncio.wait({connection})
        if not stop.is_set():
            raise EndedByItself("The relay of queued messages ended.")

    async def setup_hook(self) -> None:
        """Runs once, after the login and before the gateway."""
        assert self.user is not None  # noqa: S101 - the login has filled it
        self.account = await run_unit(inbound.own_account, person_of(self.user), now=timezone.now())
        self.calls.account_id = self.account.pk
        self._presence = asyncio.create_task(
            presence.keep(account_id=self.account.pk, is_connected=lambda: self.ws is not None and self.ws.open)
        )
        for cog in COGS:
            await self.add_cog(cog(self))
        self.add_dynamic_items(*panels.ITEMS)
        await registration.sync_if_changed(self.tree)

    async def close(self) -> None:
        """Leave the gateway and stop reading."""
        if self._catching_up is not None:
            self._catching_up.cancel()
        if self._presence is not None:
            self._presence.cancel()
            await asyncio.wait({self._presence})
        await super().close()
        await self.calls.finish()

    def _start_relay(self) -> None:
        if self._relay is None and not self._is_stopping:
            self._relay = Relay(self, self.account)
            self._relay_task = asyncio.create_task(self._relay.run())
            self._relay_task.add_done_callback(self._note_relay_end)

    async def _end_relay(self) -> None:
        self._is_stopping = True
        if self._relay is not None and self._relay_task is not None:
            self._relay_task.remove_done_callback(self._note_relay_end)
            await relay.finish(self._relay_task, self._relay)

    def _note_relay_end(self, task: "asyncio.Task[None]") -> None:
        error = None if task.cancelled() else task.exception()
        details = failures.describe(error) if error else {}
        log.error("bot.relay_died", **details)
        self._relay_ended.set()

    # --- what arrives ---

    async def on_ready(self) -> None:
        """A new session: Discord does not repeat what was written before it. Read that first, so that a `stop` in it
        is heard before the relay sends anything. Called again after each session that could not be resumed.
        """
        log.info("bot.ready", account_id=self.account.pk, communities=len(self.guilds))
        if self._catching_up is None or self._catching_up.done():
            self._catching_up = asyncio.create_task(self._catch_up())
            self._catching_up.add_done_callback(_note_catch_up_end)
            await asyncio.wait({self._catching_up}, timeout=CATCH_UP_PATIENCE_SECONDS)
        await self._persist(presence.beat, worker_name(), account_id=self.account.pk, is_connected=True)
        self._start_relay()

    async def _catch_up(self) -> None:
        """Take in the private messages that came while nobody listened; known ones change nothing."""
        threads = await self._persist(
            inbound.threads_to_read,
            own=self.account,
            active_since=timezone.now() - CATCH_UP_ACTIVE,
            limit=CATCH_UP_THREADS,
        )
        for thread in threads:
            channel = self.get_partial_messageable(thread.channel_id, type=discord.ChannelType.private)
            after = thread.read_until - CLOCK_TOLERANCE
            try:
                async for message in channel.history(after=after, limit=CATCH_UP_MESSAGES, oldest_first=True):
                    await self._take_in_late(message)
            except (discord.DiscordException, *relay.NETWORK_ERRORS) as error:
                log.warning("bot.catch_up_failed", channel_id=thread.channel_id, **failures.describe(error))

    async def _take_in_late(self, message: discord.Message) -> None:
        try:
            await self.on_message(message)
        except Exception as error:
            # One message that can't be taken in must not hide a `stop` in those after it.
            log.error(  # noqa: TRY400 - a traceback can quote the message
                "bot.handler_failed", event_method="catch_up", id=message.id, **failures.describe(error)
            )

    async def on_message(self, message: discord.Message, /) -> None:
        """Take in what people write. Bots, webhooks, Discord's own notices and commands never count."""
        if message.author.bot or message.webhook_id is not None or message.is_system():
            return
        context = await self.get_context(message)
        if context.valid:
            await self.invoke(context)
        elif message.guild is None:
            await self._persist(
                inbound.receive_private,
                own=self.account,
                author=person_of(message.author),
                channel_id=str(message.channel.id),
                letter=letter_of(message),
                now=timezone.now(),
            )
        else:
            await self._persist_or_drop(
                inbound.receive_channel,
                author=person_of(message.author),
                channel=channel_of(message),
                message_id=message.id,
                sent_at=message.created_at,
                now=timezone.now(),
            )

    async def on_raw_message_edit(self, payload: discord.RawMessageUpdateEvent) -> None:
        """Somebody changed a private message: it may say stop now."""
        message = payload.message
        if message.guild is None and message.edited_at is not None and not message.author.bot:
            await self._persist(
                inbound.receive_edit,
                own=self.account,
                author=person_of(message.author),
                channel_id=str(message.channel.id),
                letter=replace(letter_of(message), sent_at=message.edited_at),
                now=timezone.now(),
            )

    async def on_raw_reaction_add(self, payload: discord.RawReactionActionEvent) -> None:
        """Somebody put an emoji to a private message. Besides them only the bot itself could."""
        if payload.guild_id is None and self.user is not None and payload.user_id != self.user.id:
            await self._persist_or_drop(
                inbound.receive_reaction,
                user_id=str(payload.user_id),
                message_id=str(payload.message_id),
                now=timezone.now(),
            )

    async def on_member_join(self, member: discord.Member) -> None:
        """Somebody joined a community, or came back."""
        if not member.bot:
            await self._persist(inbound.member_joined, person_of(member), now=timezone.now())

    async def on_raw_member_remove(self, payload: discord.RawMemberRemoveEvent) -> None:
        """Somebody left a community. They are gone only when no other one of ours has them."""
        others = (guild for guild in self.guilds if guild.id != payload.guild_id)
        if not any(guild.get_member(payload.user.id) for guild in others):
            await self._persist(inbound.member_left, str(payload.user.id), now=timezone.now())

    async def _persist(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run an operation that may be repeated; wait for a database that is away, however long. Discord tells things
        only once, and one of them may be a `stop`.
        """
        pauses = chain(self.retry_seconds, repeat(self.retry_seconds[-1]))
        return await self._attempt(pauses, function, *args, **kwargs)

    async def _persist_or_drop(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The same for what there is too much of to keep it in memory for long."""
        return await self._attempt(self.retry_seconds, function, *args, **kwargs)

    async def _attempt(self, pauses: Iterable[float], function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        for seconds in pauses:
            try:
                return await run_unit(function, *args, **kwargs)
            except (OperationalError, InterfaceError) as error:
                log.warning("bot.database_away", operation=function.__name__, **failures.describe(error))
                await asyncio.sleep(seconds)
        return await run_unit(function, *args, **kwargs)

    # --- what goes wrong ---

    async def on_error(self, event_method: str, /, *args: Any, **kwargs: Any) -> None:
        """Log where an event handler failed: ids, never words."""
        error = sys.exception()
        subject = getattr(args[0], "id", None) if args else None
        details = failures.describe(error) if error else {}
        log.error("bot.handler_failed", event_method=event_method, id=subject, **details)

    async def on_command_error(self, context: Any, error: commands.CommandError, /) -> None:
        """The cogs answer their own errors; the rest is logged."""
        if context.cog is None:
            log.error("bot.command_failed", **failures.describe(error))


def _note_catch_up_end(task: "asyncio.Task[None]") -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("bot.catch_up_failed", **failures.describe(error))
