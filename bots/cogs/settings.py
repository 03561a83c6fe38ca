"""`followup_settings`: a member sees and changes whether the bot may write to them."""

from functools import partial

from discord import app_commands
from discord.ext import commands
from django.utils import timezone

from bots.answers import Context, respond
from bots.choices import Choice, choose
from bots.cogs.base import MemberCog


class SettingsCog(MemberCog):
    """Both forms of the command."""

    @commands.hybrid_command(  # type: ignore[arg-type]  # discord.py's types lose the class of the context
        description="Allow or stop private follow-up messages from me, or see what you chose."
    )
    @app_commands.describe(action="on, off, or status")
    @app_commands.choices(action=[app_commands.Choice(name=choice, value=choice) for choice in ("status", "on", "off")])
    async def followup_settings(self, ctx: Context, action: str = "status") -> None:
        """Show or change the author's own choice."""
        choice = Choice.of(action)
        is_off = choice is Choice.OFF
        is_look = choice is Choice.STATUS
        await respond(ctx, partial(choose, choice, now=timezone.now()), meets=not is_look, even_unheard=is_off)
