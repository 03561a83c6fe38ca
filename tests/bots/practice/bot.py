"""A tiny bot on the real discord.py, run against a practice server."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import discord
from discord.ext import commands

from bots.practice.server import PracticeServer
from tests.bots import support


class TinyBot(commands.Bot):
    """Answers `hello` by prefix and by slash, and puts what it hears into queues."""

    def __init__(self, **options: Any) -> None:
        intents = options.pop("intents", None) or support.needed_intents()
        super().__init__("!", intents=intents, guild_ready_timeout=0.05, **options)
        self.heard: asyncio.Queue[discord.Message] = asyncio.Queue()
        self.joined: asyncio.Queue[discord.Member] = asyncio.Queue()
        self.left: asyncio.Queue[int] = asyncio.Queue()
        self.reacted: asyncio.Queue[discord.RawReactionActionEvent] = asyncio.Queue()
        self.failed: asyncio.Queue[BaseException] = asyncio.Queue()
        self.pressed: asyncio.Queue[discord.Interaction[Any]] = asyncio.Queue()
        self.moved: asyncio.Queue[discord.Guild] = asyncio.Queue()
        self.threads: asyncio.Queue[discord.Thread] = asyncio.Queue()
        self.changed: asyncio.Queue[Any] = asyncio.Queue()
        self.acts: dict[str, Callable[[discord.Interaction[Any]], Awaitable[Any]]] = {}

    async def setup_hook(self) -> None:
        self.add_command(hello)
        self.add_command(think)
        self.add_command(settings)
        await self.tree.sync()

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        """Do without the five seconds that discord.py waits before it identifies itself again."""

    async def on_message(self, message: discord.Message) -> None:
        self.heard.put_nowait(message)
        await self.process_commands(message)

    async def on_command_error(self, _context: commands.Context[Any], error: BaseException) -> None:
        self.failed.put_nowait(error)

    async def on_member_join(self, member: discord.Member) -> None:
        self.joined.put_nowait(member)

    async def on_raw_member_remove(self, event: discord.RawMemberRemoveEvent) -> None:
        self.left.put_nowait(event.user.id)

    async def on_raw_reaction_add(self, event: discord.RawReactionActionEvent) -> None:
        self.reacted.put_nowait(event)

    async def on_guild_join(self, guild: discord.Guild) -> None:
        self.moved.put_nowait(guild)

    async def on_guild_remove(self, guild: discord.Guild) -> None:
        self.moved.put_nowait(guild)

    async def on_thread_create(self, thread: discord.Thread) -> None:
        self.threads.put_nowait(thread)

    async def on_thread_update(self, _before: discord.Thread, after: discord.Thread) -> None:
        self.threads.put_nowait(after)

    async def on_raw_thread_delete(self, event: discord.RawThreadDeleteEvent) -> None:
        self.changed.put_nowait(event)

    async def on_raw_message_edit(self, event: discord.RawMessageUpdateEvent) -> None:
        self.changed.put_nowait(event)

    async def on_raw_message_delete(self, event: discord.RawMessageDeleteEvent) -> None:
        self.changed.put_nowait(event)

    async def on_raw_bulk_message_delete(self, event: discord.RawBulkMessageDeleteEvent) -> None:
        self.changed.put_nowait(event)

    async def on_raw_reaction_remove(self, event: discord.RawReactionActionEvent) -> None:
        self.changed.put_nowait(event)

    async def on_member_update(self, _before: discord.Member, after: discord.Member) -> None:
        self.changed.put_nowait(after)

    async def on_interaction(self, interaction: discord.Interaction[Any]) -> None:
        if interaction.type is discord.InteractionType.component:
            act = self.acts.get(str((interaction.data or {}).get("custom_id")), press)
            await act(interaction)
            self.pressed.put_nowait(interaction)


async def press(interaction: discord.Interaction[Any]) -> None:
    """Answer a button that has no act of its own."""
    await interaction.response.send_message("pressed", ephemeral=True)


@commands.hybrid_command()
async def hello(ctx: commands.Context[TinyBot], name: str = "you") -> None:
    """Say hello."""
    await ctx.send(f"Hello {name}", ephemeral=True)


@hello.autocomplete("name")
async def names(_interaction: discord.Interaction[Any], current: str) -> list[discord.app_commands.Choice[str]]:
    """Complete a name."""
    known = ("Ada", "Alma", "Bruno")
    return [discord.app_commands.Choice(name=each, value=each) for each in known if each.startswith(current)]


@commands.hybrid_command()
async def think(ctx: commands.Context[TinyBot]) -> None:
    """Answer late, in two messages."""
    await ctx.defer(ephemeral=True)
    await ctx.send("first")
    await ctx.send("second")


@commands.hybrid_group()
async def settings(ctx: commands.Context[TinyBot]) -> None:
    """Look at the settings."""


@settings.command()
async def pause(ctx: commands.Context[TinyBot], days: int, who: discord.User | None = None) -> None:
    """Pause for some days."""
    await ctx.send(f"{days + 1} {who}")


@contextlib.asynccontextmanager
async def connected(server: PracticeServer, **options: Any) -> AsyncIterator[TinyBot]:
    """Run the bot until the block ends; it is ready when the block begins."""
    bot = TinyBot(**options)
    async with bot:
        running = asyncio.create_task(bot.start(server.token))
        try:
            await server.wait_connected()
            async with asyncio.timeout(10):
                await bot.wait_until_ready()
            yield bot
        finally:
            await bot.close()
            await asyncio.gather(running, return_exceptions=True)


async def soon(item: Any, within: float = 5) -> Any:
    """Await with a deadline."""
    return await asyncio.wait_for(item, within)
