"""`goal` and `birthday`: what a member sets for themselves."""

from functools import partial

from discord import app_commands
from discord.ext import commands
from django.utils import timezone

from bots.answers import Context, respond
from bots.cogs.base import MemberCog
from bots.operations import wishes

_MONTHS = [app_commands.Choice(name=name, value=name) for name in wishes.MONTHS]


class WishesCog(MemberCog):
    """Both subjects, each with show, set and clear."""

    @commands.hybrid_group(  # type: ignore[arg-type]  # discord.py's types lose the class of the context
        fallback="show",
        description="A goal that I ask you about, once.",
        invoke_without_command=True,
        ignore_extra=False,
    )
    async def goal(self, ctx: Context) -> None:
        """See your goal."""
        await respond(ctx, wishes.show_goal)

    @goal.command(name="set", description="Set a goal, and when I shall ask you about it.")  # type: ignore[arg-type]
    @app_commands.describe(
        text="What you want to reach", when="When to ask you: in 2 weeks, tomorrow, 2026-12-24, 2026-12-24 18:00"
    )
    async def set_goal(self, ctx: Context, *, text: str, when: str = "") -> None:
        """Set a goal, and when I shall ask you about it: `goal set run 5 km in 2 weeks`."""
        # The typed form gives all words as `text`, with the time at their end.
        await respond(ctx, partial(wishes.set_goal, text=text, when=when, now=timezone.now()))

    @goal.command(name="clear", description="Close your goal, reached or dropped.")  # type: ignore[arg-type]
    async def clear_goal(self, ctx: Context) -> None:
        """Close your goal, reached or dropped."""
        await respond(ctx, partial(wishes.clear_goal, now=timezone.now()))

    @commands.hybrid_group(  # type: ignore[arg-type]
        fallback="show",
        description="Your birthday, if you want to be congratulated.",
        invoke_without_command=True,
        ignore_extra=False,
    )
    async def birthday(self, ctx: Context) -> None:
        """See the birthday that you told me."""
        await respond(ctx, partial(wishes.show_birthday, now=timezone.now()))

    @birthday.command(name="set", description="Tell me your birthday; nobody needs to know the year.")  # type: ignore[arg-type]
    @app_commands.describe(month="The month", day="The day of the month, 1 to 31")
    @app_commands.choices(month=_MONTHS)
    async def set_birthday(self, ctx: Context, month: str, day: int) -> None:
        """Tell me your birthday: `birthday set March 14`."""
        await respond(ctx, partial(wishes.set_birthday, month=month, day=day, now=timezone.now()))

    @birthday.command(name="clear", description="Let me forget your birthday.")  # type: ignore[arg-type]
    async def clear_birthday(self, ctx: Context) -> None:
        """Let me forget your birthday."""
        await respond(ctx, partial(wishes.clear_birthday, now=timezone.now()))
