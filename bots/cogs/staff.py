"""`reply`: a member of staff answers a member of the community from their thread."""

import structlog
from discord import app_commands
from discord.ext import commands
from django.utils import timezone

from bots import failures
from bots.answers import Context
from bots.cogs.base import MemberCog, tell
from bots.database import run_unit
from bots.failures import UNREACHED
from bots.people import person_of
from bots.staff import answering
from bots.staff.answering import CannotAnswer

log = structlog.get_logger(__name__)

QUEUED = "📨"


class StaffCog(MemberCog):
    """Who may write in the staff channel's threads may answer there: Discord's permissions of that channel decide."""

    @commands.hybrid_command(  # type: ignore[arg-type]  # discord.py's types lose the class of the context
        description="Staff: answer the member whose thread this is, in private."
    )
    @app_commands.describe(text="They get it as a private message from the bot.")
    @app_commands.default_permissions(manage_messages=True)
    @app_commands.allowed_contexts(guilds=True, dms=False, private_channels=False)
    @commands.guild_only()
    async def reply(self, ctx: Context, *, text: str) -> None:
        """Queue the answer; the thread shows it when it has arrived."""
        if ctx.interaction is not None:
            await ctx.defer(ephemeral=True)
        try:
            await run_unit(
                answering.answer,
                thread_id=ctx.channel.id,
                text=text,
                by=person_of(ctx.author),
                evidence=f"interaction {ctx.interaction.id}" if ctx.interaction else f"message {ctx.message.id}",
                has_files=bool(ctx.message.attachments),
                now=timezone.now(),
            )
        except CannotAnswer as refusal:
            await tell(ctx, str(refusal))  # in private: anybody can type this anywhere
            return
        try:
            await _note_queued(ctx)
        except UNREACHED as error:  # it is queued, and who is told that it is not would write it again
            log.warning("bot.answer_not_sent", command="reply", **failures.describe(error))


async def _note_queued(ctx: Context) -> None:
    if ctx.interaction is not None:
        await ctx.send(f"{QUEUED} On its way. You see it here when it has arrived.", ephemeral=True)
    else:
        await ctx.message.add_reaction(QUEUED)
