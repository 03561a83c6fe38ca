"""What all commands share: an error of ours is told kindly, in private, and logged without words."""

from typing import TYPE_CHECKING

import structlog
from discord.ext import commands

from bots import failures, texts
from bots.answers import Context

if TYPE_CHECKING:
    from bots.client import CheckbackBot

log = structlog.get_logger(__name__)


class MemberCog(commands.Cog):
    """A set of commands. Their answers are for their author's eyes only."""

    def __init__(self, bot: "CheckbackBot") -> None:
        self.bot = bot

    async def cog_command_error(self, ctx: Context, error: Exception) -> None:  # type: ignore[override]
        """Tell the member in one sentence, and the log where it was."""
        cause = getattr(error, "original", error)
        cause = getattr(cause, "original", cause)
        name = ctx.command.qualified_name if ctx.command else ""
        log.error("bot.command_failed", command=name, **failures.describe(cause))
        if ctx.interaction is not None:
            await ctx.send(texts.TRY_AGAIN, ephemeral=True)
        else:
            await ctx.author.send(texts.TRY_AGAIN)
