"""The Discord client: what arrives goes to the bridge, what leaves comes from the relay."""

import asyncio
import sys
import time
from collections.abc import Iterable
from typing import Any, Final

import discord
import structlog
from discord.ext import commands
from django.utils import timezone

from bots import conf, failures, inbound, panels, presence, registration, relay, sessions
from bots.catching_up import CatchingUp
from bots.cogs import COGS
from bots.database import run_unit
from bots.gateway_lock import GatewayLock
from bots.governor.calls import Calls
from bots.listening import Listening
from bots.people import person_of
from bots.relay import Relay
from bots.staff.poster import Poster
from socialmedia.models import Account

log = structlog.get_logger(__name__)

LEAVE_SECONDS: Final = 3.0
"""So long we wait for Discord's goodbye."""
PRIVATE_SHARD: Final = 0
"""Discord sends private messages to the first shard alone."""


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


class CheckbackBot(commands.AutoShardedBot):
    """One bot account. `account` is its row, known from `setup_hook` on."""

    account: Account
    retry_seconds: tuple[float, ...] = (0.2, 1.0, 5.0, 15.0)
    """How long to wait before each next try when the database is away."""
    patience_seconds: float = 120.0
    """So long without any connection to the gateway, and the process ends: another one may have more luck."""
    identify_seconds: float = 5.0
    """Between two sessions, as Discord wants it."""

    def __init__(self, *, prefix: str, **options: Any) -> None:
        discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False  # it never speaks
        self.calls = Calls()
        super().__init__(
            commands.when_mentioned_or(prefix),
            intents=intents(),
            allowed_mentions=discord.AllowedMentions.none(),
            # Not for somebody alone: they could use it, as an administrator, in communities that it was not invited to.
            allowed_installs=discord.app_commands.AppInstallationType(guild=True, user=False),
            allowed_contexts=discord.app_commands.AppCommandContext(guild=True, dm_channel=True, private_channel=False),
            help_command=None,
            max_ratelimit_timeout=30.0,
            http_trace=self.calls.trace(),
            **options,
        )
        self.hurry = asyncio.Event()
        """Set by whoever does not want to wait for what is being sent."""
        self._relay_ended = asyncio.Event()
        self._relay: Relay | None = None
        self._relay_task: asyncio.Task[None] | None = None
        self._lock: GatewayLock | None = None
        self._heart: presence.Heart | None = None
        self._is_stopping = False
        self._identified = 0
        self._hearing = presence.Hearing()
        self.listening = Listening(self)
        self.catching_up = CatchingUp(self)

    # --- life ---

    async def run_until(self, stop: asyncio.Event, token: str) -> None:
        """Serve until `stop` is set, then end cleanly: what is being sent is finished and recorded first.

        Raises:
            EndedByItself: the relay or the connection ended.
            GatewayTaken: another process listens for this bot now.
            discord.LoginFailure, discord.PrivilegedIntentsRequired, and whatever else ends `connect`.
        """
        serving = asyncio.create_task(self._serve(token))
        waits = [asyncio.create_task(event.wait()) for event in (stop, self._relay_ended)]
        try:
            await asyncio.wait({serving, *waits}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waits:
                task.cancel()
            await self._end_relay()  # before the connection, which it still needs
            serving.cancel()
            await asyncio.wait({serving})
            await self._retire()
        error = None if serving.cancelled() else serving.exception()
        if stop.is_set():
            return
        what = "relay of queued messages" if self._relay_ended.is_set() else "connection to Discord"
        raise error or EndedByItself(f"The {what} ended.")

    async def setup_hook(self) -> None:
        """Runs once, after the login. Nothing here reaches the members: this process may only stand by."""
        assert self.user is not None  # noqa: S101 - the login has filled it
        self.account = await run_unit(inbound.own_account, person_of(self.user), now=timezone.now())
        self.calls.account_id = self.account.pk
        self._lock = GatewayLock(self.account.pk)
        self._heart = presence.Heart(self.account.pk, self._state)
        await self.add_cog(self.listening)
        for cog in COGS:
            await self.add_cog(cog(self))
        self.add_dynamic_items(*panels.ITEMS)

    async def close(self) -> None:
        """Leave the gateway and stop reading."""
        self.catching_up.stop()
        await super().close()
        await self.calls.finish()

    async def _retire(self) -> None:
        """Take the heartbeat back, and let another process listen. Not in `close`: discord.py calls that in between."""
        if self._heart is not None:
            await self._heart.stop()
        if self._lock is not None:
            await self._lock.release()

    async def _serve(self, token: str) -> None:
        """Log in, wait until nobody else listens, and listen."""
        await self.login(token)
        assert self._lock is not None  # noqa: S101 - `setup_hook` has made it
        if not await self._lock.take_at_once():
            log.info("bot.standing_by", account_id=self.account.pk)
            self._start_relay()
            await self._lock.take()
            log.info("bot.takes_over", account_id=self.account.pk)
        await self._beat()
        await registration.keep_up_to_date(self, guilds=conf.current().command_guilds)
        # Not left to `connect`, which would take the gateway's address from the answer: ours is the configured one.
        self.shard_count = await sessions.wait_for_turn(self)
        await self._listen(self._lock)

    async def _listen(self, lock: GatewayLock) -> None:
        """Stay connected until something ends it."""
        lives = [
            asyncio.create_task(life)
            for life in (self.connect(), lock.keep(), self._lose_patience(), Poster(self, self.account).run())
        ]
        try:
            await asyncio.wait(lives, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await _end(lives)
            await self._leave()
        for error in [life.exception() for life in lives if not life.cancelled()]:
            if error is not None:
                raise error

    async def _leave(self) -> None:
        """Leave the gateway; a relay that still sends needs the rest of us for a while."""
        leaving = [asyncio.create_task(shard.disconnect()) for shard in self.shards.values()]
        if leaving:
            _, slow = await asyncio.wait(leaving, timeout=LEAVE_SECONDS)
            for task in slow:
                task.cancel()
        self.catching_up.stop()  # not before: what is cut off must not look as if it were read

    async def _lose_patience(self) -> None:
        """End when no shard has been connected for long. discord.py itself would try for ever."""
        connected_at = time.monotonic()
        while (without := time.monotonic() - connected_at) < self.patience_seconds:
            await asyncio.sleep(min(1.0, self.patience_seconds / 4))
            if any(not shard.is_closed() for shard in self.shards.values()):
                connected_at = time.monotonic()
        raise EndedByItself(f"Discord's gateway can't be reached for {without:.0f} s.")

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        """Called by discord.py before each new session: not too soon after another, and not too many of them."""
        self._identified += 1
        if self._identified > (self.shard_count or 1):
            limits = await self.fetch_session_start_limits()
            if sessions.pause(limits, shards=1):
                raise EndedByItself(f"The bot has lost its session too often: {limits.remaining} are left for today.")
        if not initial:
            await asyncio.sleep(self.identify_seconds)

    def _start_relay(self) -> None:
        if self._relay is None and not self._is_stopping:
            self._relay = Relay(self, self.account)
            self._relay_task = asyncio.create_task(self._relay.run())
            self._relay_task.add_done_callback(self._note_relay_end)

    async def _end_relay(self) -> None:
        self._is_stopping = True
        if self._relay is None or self._relay_task is None:
            return
        self._relay_task.remove_done_callback(self._note_relay_end)
        finishing = asyncio.create_task(relay.finish(self._relay_task, self._relay))
        hurry = asyncio.create_task(self.hurry.wait())
        await asyncio.wait({finishing, hurry}, return_when=asyncio.FIRST_COMPLETED)
        hurry.cancel()
        self._relay_task.cancel()  # it has ended, or is in a hurry to put back what it was sending
        await finishing

    def _note_relay_end(self, task: "asyncio.Task[None]") -> None:
        error = None if task.cancelled() else task.exception()
        details = failures.describe(error) if error else {}
        log.error("bot.relay_died", **details)
        self._relay_ended.set()

    # --- who listens ---

    @property
    def is_connected(self) -> bool:
        """Whether every shard is: what a lost one would hear, nobody hears. Private messages come to the first."""
        shards = self.shards.values()
        return len(shards) == self.shard_count and not any(shard.is_closed() for shard in shards)

    def _state(self) -> presence.State:
        connected = self.is_connected
        return presence.State(
            has_gateway=self._lock is not None and self._lock.is_held,
            is_connected=connected,
            is_ready=connected and self._hearing.is_complete(self.shard_count) and not self.listening.is_behind,
            has_read_all=self.catching_up.private.is_done,
        )

    async def _beat(self) -> None:
        if self._heart is not None:
            await self._heart.beat()

    async def on_ready(self) -> None:
        """All shards have a session, and know their communities."""
        log.info("bot.ready", account_id=self.account.pk, communities=len(self.guilds), shards=self.shard_count)
        if len(self.guilds) > 1 and not conf.current().command_guilds:
            hint = "Name the communities whose administrators are staff in DISCORD_COMMAND_GUILDS; now none are."
            log.warning("bot.many_communities", communities=len(self.guilds), hint=hint)
        await self.catching_up.communities.run()

    async def on_shard_disconnect(self, shard_id: int) -> None:
        """Let the relays know at once: what they send now might not be wanted any more."""
        self._hearing.lost(shard_id)
        await self._beat()

    async def on_shard_connect(self, shard_id: int) -> None:
        """A new session has begun: Discord does not repeat what was written before it. That is to be read, whether the
        session lives until it is ready, or is lost and resumed before.
        """
        self._hearing.lost(shard_id)
        if shard_id == PRIVATE_SHARD:
            self.catching_up.private.want()

    async def on_shard_ready(self, shard_id: int) -> None:
        """All about the communities of a new session is known."""
        await self._hear_again(shard_id)

    async def on_shard_resumed(self, shard_id: int) -> None:
        """The session goes on: Discord has repeated what we missed of it."""
        await self._hear_again(shard_id)

    async def _hear_again(self, shard_id: int) -> None:
        """Read what was written before the session, if that is still to do, so that a `stop` in it is heard before a
        relay sends anything.
        """
        times_lost = self._hearing.times_lost[shard_id]
        if shard_id == PRIVATE_SHARD:
            await self.catching_up.private.wait()
        self._hearing.heard(shard_id, times_lost=times_lost)
        await self._beat()
        if self._hearing.is_complete(self.shard_count):
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


async def _end(tasks: "Iterable[asyncio.Task[None]]") -> None:
    """Cancel until it works: the `asyncio.wait_for` with which discord.py connects can swallow a cancellation (CPython
    86296, mended in 3.12), and would leave the bot listening for ever.
    """
    left = set(tasks)
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=0.5)
