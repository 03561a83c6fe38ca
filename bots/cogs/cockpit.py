"""`followups`: a member's own cockpit."""

from functools import partial
from typing import Any

import discord
from discord.ext import commands
from django.utils import timezone

from bots.answers import Context, respond
from bots.cockpit import acts
from bots.cogs.base import MemberCog
from bots.panels import cockpit


class CockpitCog(MemberCog):
    """Both forms of the command, and the presses of its panel."""

    @commands.hybrid_command(  # type: ignore[arg-type]  # discord.py's types lose the class of the context
        description="See what I have planned for you, and skip, move, pause or change it."
    )
    async def followups(self, ctx: Context) -> None:
        """Show how things stand for the author."""
        await respond(ctx, partial(acts.open_cockpit, now=timezone.now()), meets=False)

    @commands.Cog.listener()
    async def on_interaction(self, interaction: discord.Interaction[Any]) -> None:
        """Hear of every press and every form; the cockpit answers its own."""
        await cockpit.heard(interaction)
