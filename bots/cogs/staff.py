"""`reply`: a member of staff answers a member of the community from their thread."""

from functools import partial

import discord
import structlog
from discord import app_commands
from discord.ext import commands
from django.utils import timezone

from bots import failures
from bots.answers import Answer, Context, Question, Refused, respond
from bots.cogs.base import MemberCog
from bots.database import run_unit
from bots.people import person_of
from bots.relay import NETWORK_ERRORS
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
            await _refuse(ctx, str(refusal))
            return
        if ctx.interaction is not None:
            await ctx.send(f"{QUEUED} On its way. You see it here when it has arrived.", ephemeral=True)
        else:
            await _note_queued(ctx.message)


async def _refuse(ctx: Context, why: str) -> None:
    """In private, as all commands answer: it may have been typed anywhere, by anybody."""
    if ctx.interaction is not None:
        await ctx.send(why, ephemeral=True)
    else:
        await respond(ctx, partial(_refusal, why))


def _refusal(why: str, _question: Question) -> Answer:
    raise Refused(why)


async def _note_queued(message: discord.Message) -> None:
    """Where the bot may not react, the answer is on its way all the same: nobody shall send it again."""
    try:
        await message.add_reaction(QUEUED)
    except (discord.HTTPException, discord.RateLimited, *NETWORK_ERRORS) as error:
        log.warning("staff.reaction_not_added", message_id=message.id, **failures.describe(error))
