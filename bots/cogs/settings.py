"""`followup_settings`: a member sees and changes whether the bot may write to them."""

from typing import TYPE_CHECKING

import structlog
from discord import app_commands
from discord.ext import commands
from django.utils import timezone

from bots import bridge, failures, texts
from bots.bridge import Choice, run_unit
from bots.people import letter_of, person_of

if TYPE_CHECKING:
    from bots.client import CheckbackBot

log = structlog.get_logger(__name__)

Context = commands.Context["CheckbackBot"]


class SettingsCog(commands.Cog):
    """Both forms of the command: `/followup_settings` answers for the member's eyes only, `!` by private message."""

    def __init__(self, bot: "CheckbackBot") -> None:
        self._bot = bot

    @commands.hybrid_command(  # type: ignore[arg-type]  # discord.py's types lose the class of the context
        description="Allow or stop private follow-up messages from me, or see what you chose."
    )
    @app_commands.describe(action="on, off, or status")
    @app_commands.choices(action=[app_commands.Choice(name=choice, value=choice) for choice in ("status", "on", "off")])
    async def followup_settings(self, ctx: Context, action: str = "status") -> None:
        """Show or change the author's own choice."""
        author, choice, now = person_of(ctx.author), Choice.of(action), timezone.now()
        if ctx.interaction is None:
            await run_unit(
                bridge.choose_by_text,
                own=self._bot.account,
                author=author,
                choice=choice,
                letter=letter_of(ctx.message),
                channel_id=str(ctx.channel.id) if ctx.guild is None else "",
                now=now,
            )
            return
        await ctx.defer(ephemeral=True)  # the first answer must come within 3 s, whatever the database does
        answer = await run_unit(
            bridge.choose,
            author=author,
            choice=choice,
            source="slash_command",
            evidence=f"interaction {ctx.interaction.id}",
            now=now,
        )
        await ctx.send(answer, ephemeral=True)

    async def cog_command_error(self, ctx: Context, error: Exception) -> None:  # type: ignore[override]
        """Tell the member in one sentence, and the log where it was."""
        cause = getattr(error, "original", error)
        cause = getattr(cause, "original", cause)
        log.error("bot.command_failed", command="followup_settings", **failures.describe(cause))
        if ctx.interaction is not None:
            await ctx.send(texts.TRY_AGAIN, ephemeral=True)
        else:
            await ctx.author.send(texts.TRY_AGAIN)
