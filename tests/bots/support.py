"""What the tests of the Discord edge share: discord.py pointed at a practice server, and a community to act in."""

import contextlib
import threading
from collections.abc import AsyncIterator, Iterator

import discord
import yarl
from discord.gateway import DiscordWebSocket, KeepAliveHandler
from discord.http import Route

from bots.practice.server import PracticeServer
from bots.practice.world import User, World


@contextlib.contextmanager
def discord_pointed_at(server: PracticeServer) -> Iterator[None]:
    """Let discord.py talk to a practice server, and to Discord's own address again afterwards."""
    base, gateway = Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY
    Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY = server.api_url, yarl.URL(server.gateway_url)
    try:
        yield
    finally:
        Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY = base, gateway


@contextlib.asynccontextmanager
async def running_practice(world: World | None = None) -> AsyncIterator[PracticeServer]:
    """Run a practice server on a free port with discord.py pointed at it."""
    async with PracticeServer(world or World.example()) as server:
        with discord_pointed_at(server):
            yield server
        # Whoever is stopped while it connects leaves discord.py's heart beating, for a loop that will be closed then.
        for thread in threading.enumerate():
            if isinstance(thread, KeepAliveHandler):
                thread.stop()


def people(world: World) -> list[User]:
    """Return the world's members that are not bots, in a fixed order."""
    return [user for user in world.users.values() if not user.is_bot]


def needed_intents() -> discord.Intents:
    """Return the intents that Checkback asks for."""
    return discord.Intents(guilds=True, members=True, guild_messages=True, dm_messages=True)


def general(server: PracticeServer) -> int:
    """A channel of the community."""
    return next(channel.id for channel in server.world.channels() if channel.name == "general")
