"""The Discord client: what arrives goes to `listening`, what leaves comes from the relay."""

import asyncio
import sys
from typing import Any

import discord
import structlog
from discord.ext import commands
from django.utils import timezone

from bots import failures, inbound, panels, presence, registration, relay
from bots.catching_up import CatchingUp
from bots.cogs.settings import SettingsCog
from bots.database import run_unit
from bots.listening import Listening
from bots.people import person_of
from bots.relay import Relay
from socialmedia.models import Account

log = structlog.get_logger(__name__)


class EndedByItself(Exception):
    """The relay or the connection ended without being asked; a supervisor must start the process again."""


def intents() -> discord.Intents:
    """What we need to hear. `members` (joins, leaves) and `message_content` (the `!` form in a community, and the
    words there if they are kept) are privileged: they must be switched on in Discord's developer portal.
    """
    wanted = discord.Intents.none()
    wanted.guilds = True
    wanted.members = True
    wanted.guild_messages = True
    wanted.guild_reactions = True
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
        super().__init__(
            commands.when_mentioned_or(prefix),
            intents=intents(),
            allowed_mentions=discord.AllowedMentions.none(),
            help_command=None,
            max_ratelimit_timeout=30.0,
            **options,
        )
        self._relay_ended = asyncio.Event()
        self._relay: Relay | None = None
        self._relay_task: asyncio.Task[None] | None = None
        self._presence: asyncio.Task[None] | None = None
        self._is_stopping = False
        self.listening = Listening(self)
        self.catching_up = CatchingUp(self)

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
        self._presence = asyncio.create_task(
            presence.keep(account_id=self.account.pk, is_connected=lambda: self.ws is not None and self.ws.open)
        )
        await self.add_cog(self.listening)
        await self.add_cog(SettingsCog(self))
        self.add_dynamic_items(*panels.ITEMS)
        await registration.sync_if_changed(self.tree)

    async def close(self) -> None:
        """Leave the gateway and stop reading."""
        self.catching_up.stop()
        if self._presence is not None:
            self._presence.cancel()
            await asyncio.wait({self._presence})
        await super().close()

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
        await self.catching_up.run()
        self._start_relay()

    async def on_message(self, message: discord.Message, /) -> None:
        """In place of discord.py's own, which would look for commands only."""
        await self.listening.take_in(message)

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
