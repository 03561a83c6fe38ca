"""The team's commands about members and the scheduler."""

from functools import partial

import discord
from discord import app_commands
from discord.ext import commands
from django.utils import timezone

from bots import conf, permissions
from bots.answers import Context, respond
from bots.cogs.base import StaffOnlyCog, standing
from bots.operations import engine, planning
from bots.operations.planning import Subject


class TeamCog(StaffOnlyCog):
    """Their answers are about other people, so the words of the typed form are not kept."""

    @commands.hybrid_command(  # type: ignore[arg-type]  # discord.py's types lose the class of the context
        description="For the team: plan a private message to a member who has opted in."
    )
    @app_commands.default_permissions(administrator=True)
    @app_commands.describe(user="To whom", hours="In how many hours; the community's default if you leave it out")
    async def schedule_followup(
        self,
        ctx: Context,
        user: discord.User,
        # Not by the annotation: discord.py would take words that are no number for hours that were left out.
        hours: float | None = commands.parameter(converter=float, default=None),
    ) -> None:
        """Plan a follow-up by hand. It never posts in public."""
        subject = await _subject(ctx, user)
        operation = partial(planning.schedule, subject=subject, hours=hours, now=timezone.now())
        await respond(ctx, operation, meets=False, is_kept=False)

    @commands.hybrid_command(  # type: ignore[arg-type]
        description="For the team: why does a member get messages, or none?"
    )
    @app_commands.default_permissions(administrator=True)
    @app_commands.describe(user="Whom it is about")
    async def followups_why(self, ctx: Context, user: discord.User) -> None:
        """Explain what the policy says of a member."""
        subject = await _subject(ctx, user)
        operation = partial(planning.explain, subject=subject, now=timezone.now())
        await respond(ctx, operation, meets=False, is_kept=False)

    @commands.hybrid_command(description="For the team: how the scheduler is doing, or one job.")  # type: ignore[arg-type]
    @app_commands.default_permissions(administrator=True)
    @app_commands.describe(job_id="One job, by its id")
    @app_commands.rename(job_id="id")
    async def job_status(self, ctx: Context, job_id: str = "") -> None:
        """Show the scheduler's figures, or one job."""
        known = partial(engine.job, job_id=job_id.strip()) if job_id.strip() else None
        operation = known or partial(engine.scheduler, now=timezone.now())
        await respond(ctx, operation, meets=False, is_kept=False)


async def _subject(ctx: Context, user: discord.User | discord.Member) -> Subject:
    return Subject(
        user_id=str(user.id),
        name=user.display_name,
        is_bot=user.bot,
        is_in_reach=permissions.is_named(standing(ctx), conf.current()) or await _is_here(ctx.guild, user),
    )


async def _is_here(guild: discord.Guild | None, user: discord.User | discord.Member) -> bool:
    """Whether somebody is in this community. Who is staff there has no say about members of another."""
    if guild is None:
        return False
    if guild.get_member(user.id) is not None:
        return True
    try:
        await guild.fetch_member(user.id)
    except discord.NotFound:
        return False
    return True
