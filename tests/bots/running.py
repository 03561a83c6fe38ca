"""Checkback's own bot and relay on the real discord.py, run against a practice server."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import datetime, timedelta
from typing import Any, TypeVar

import discord
import psycopg
from django.db import connection
from django.utils import timezone
from psycopg import sql

from bots import inbound
from bots.client import CheckbackBot
from bots.database import run_unit
from bots.governor.calls import Calls
from bots.models import BotHeartbeat
from bots.people import person_of
from bots.practice.server import PracticeServer
from bots.practice.world import User
from bots.relay import Relay
from followups import consent, members
from followups.consent import Consent
from followups.models import UserProfile
from socialmedia import accounts, inbox, outbox
from socialmedia.models import Account, Conversation, Message
from tests.bots import support

T = TypeVar("T")


class HastyBot(CheckbackBot):
    """Does not wait as long as the real one for communities and before it identifies itself again, and tells what
    it has dealt with.
    """

    retry_seconds = (0.01, 0.05)
    identify_seconds = 0.0

    def __init__(self) -> None:
        super().__init__(prefix="!", guild_ready_timeout=0.05)
        self.handled: asyncio.Queue[int] = asyncio.Queue()

    async def on_message(self, message: discord.Message, /) -> None:
        try:
            await super().on_message(message)
        finally:
            self.handled.put_nowait(message.id)

    async def has_handled(self, *keys: int) -> None:
        """Wait until the bot has dealt with each of these messages once more."""
        wanted = list(keys)
        async with asyncio.timeout(10):
            while wanted:
                key = await self.handled.get()
                if key in wanted:
                    wanted.remove(key)


@contextlib.contextmanager
def database_away() -> Iterator[None]:
    """Let nobody into the test database, and throw out who is in (but this thread), until the block ends."""
    settings = connection.get_connection_params()
    name = settings["dbname"]
    where = {key: settings[key] for key in ("host", "port", "user", "password") if key in settings}
    with psycopg.connect(dbname="postgres", autocommit=True, **where) as server:
        server.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(sql.Identifier(name)))
        try:
            own = connection.connection.info.backend_pid if connection.connection else 0  # the test's: not its subject
            server.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND pid <> %s", [name, own]
            )
            yield
        finally:
            server.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS true").format(sql.Identifier(name)))


@contextlib.asynccontextmanager
async def checkback(server: PracticeServer, given: HastyBot | None = None) -> AsyncIterator[HastyBot]:
    """Run the whole bot until the block ends; it is ready when the block begins."""
    stop = asyncio.Event()
    async with given or HastyBot() as bot:
        running = asyncio.create_task(bot.run_until(stop, server.token))
        try:
            await server.wait_connected()
            async with asyncio.timeout(10):
                await bot.wait_until_ready()
            yield bot
        finally:
            stop.set()
            async with asyncio.timeout(20):
                await running


@contextlib.asynccontextmanager
async def relays(
    server: PracticeServer,
    number: int = 1,
    *,
    openings: "FreeOpenings | None" = None,
    is_listened: bool = True,
    **options: Any,
) -> AsyncIterator[list[Relay]]:
    """Relays of the practice bot that only do what they are told: `run_once`. Another process listens meanwhile."""
    options.setdefault("http_trace", Calls().trace())  # as the real bot does; without an account it paces nothing
    async with contextlib.AsyncExitStack() as stack:
        made = []
        for _ in range(number):
            client = discord.Client(intents=discord.Intents.none(), max_ratelimit_timeout=30.0, **options)
            await stack.enter_async_context(client)
            await client.login(server.token)
            assert client.user is not None
            account = await run_unit(inbound.own_account, person_of(client.user), now=timezone.now())
            made.append(Relay(client, account, openings or FreeOpenings()))
        if is_listened:
            await run_unit(somebody_listens, account)
        yield made


def somebody_listens(account: Account) -> None:
    """Be a process of this account that hears what its members write, for as long as a test may take."""
    BotHeartbeat.objects.filter(account=account).update(has_gateway=False)  # whoever had it was killed
    BotHeartbeat.objects.update_or_create(
        process="listener",
        defaults={
            "account": account,
            "is_connected": True,
            "has_gateway": True,
            "is_ready": True,
            "beat_at": timezone.now() + timedelta(minutes=10),
        },
    )


class FreeOpenings:
    """A budget of new private channels that is never used up, and remembers what it was told."""

    def __init__(self, until: datetime | None = None) -> None:
        self.until = until
        self.reserved: list[str] = []
        self.settled: list[tuple[bool, str]] = []
        self.tripped: list[str] = []

    def reserve(self, account_id: int, *, user_id: str, now: datetime) -> datetime | None:
        if self.until is None:
            self.reserved.append(user_id)
        return self.until

    def settle(self, account_id: int, *, user_id: str, success: bool, code: str = "", now: datetime) -> None:
        self.settled.append((success, code))

    def forget(self, account_id: int, *, user_id: str) -> None:
        self.reserved.remove(user_id)

    def trip(self, account_id: int, *, reason: str, now: datetime) -> datetime:
        self.tripped.append(reason)
        self.until = now + timedelta(minutes=10)
        return self.until


async def eventually(condition: Callable[[], T], what: str, *, seconds: float = 20) -> T:
    """Ask the database until the answer is true; fail after `seconds`, naming `what` was awaited."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if answer := await run_unit(condition):
            return answer
        await asyncio.sleep(0.02)
    raise AssertionError(f"Waited {seconds:.0f} s in vain: {what}")


def bot_account(server: PracticeServer) -> Account:
    """The row of the practice server's bot."""
    bot = server.world.bot
    return accounts.remember(
        platform="discord",
        external_id=str(bot.id),
        username=bot.username,
        is_bot=True,
        is_own=True,
        now=timezone.now(),
    )


def profile_of(server: PracticeServer, index: int = 0) -> UserProfile:
    """The profile of one of the practice community's people."""
    user = support.people(server.world)[index]
    account = accounts.remember(
        platform="discord",
        external_id=str(user.id),
        username=user.username,
        display_name=user.display_name,
        now=timezone.now(),
    )
    return members.remember(account)


def conversation_with(server: PracticeServer, index: int = 0) -> Conversation:
    """The conversation between the practice bot and one of the community's people, its channel not yet open."""
    profile = profile_of(server, index)
    return inbox.open_conversation(account=bot_account(server), participant=profile.account, now=timezone.now())


def queue(server: PracticeServer, text: str = "Hello.", index: int = 0) -> Message:
    """Queue an answer to one of the community's people."""
    return outbox.queue_reply(conversation=conversation_with(server, index), text=text, now=timezone.now())


def queue_automated(server: PracticeServer, text: str = "How are you?", index: int = 0) -> Message:
    """Queue a message that rests on the consent of one of the community's people."""
    return outbox.queue_automated(
        conversation=conversation_with(server, index), text=text, permission=opt_in(server, index), now=timezone.now()
    )


def opt_in(server: PracticeServer, index: int = 0) -> Consent:
    """Let one of the community's people opt in."""
    user_id = profile_of(server, index).pk
    consent.grant(user_id=user_id, source="slash_command", evidence="interaction 1", actor=user_id)
    return consent.require(user_id)


def ada(server: PracticeServer) -> User:
    """One of the community's people."""
    return support.people(server.world)[0]


def received() -> list[Message]:
    """What members wrote to the bot in private, in the order in which it was taken in."""
    return list(Message.objects.filter(is_outgoing=False).select_related("conversation").order_by("pk"))
