"""`mydata`: a member sees, takes along and erases what is held about them."""

from functools import partial
from typing import Any

import discord
from discord.ext import commands
from django.utils import timezone

from bots.answers import Context, question_of, respond
from bots.cogs.base import MemberCog, each_person
from bots.database import run_unit
from bots.operations import my_data
from bots.panels import confirming
from bots.panels.confirming import Deed


class MyDataCog(MemberCog):
    """Asking with a slash command leaves no trace of who asked: it may be somebody who has just been forgotten."""

    @commands.hybrid_group(  # type: ignore[arg-type]  # discord.py's types lose the class of the context
        fallback="show",
        description="See, take along or erase what I hold about you.",
        invoke_without_command=True,
        ignore_extra=False,
    )
    @commands.cooldown(5, 60, each_person)
    async def mydata(self, ctx: Context) -> None:
        """See what I hold about you, and what you agreed to."""
        await respond(ctx, my_data.show, meets=False)

    @mydata.command(description="Get everything that I hold about you as a file.")  # type: ignore[arg-type]
    @commands.cooldown(1, 60, each_person)
    async def export(self, ctx: Context) -> None:
        """Get everything that I hold about you as a file."""
        await respond(ctx, partial(my_data.hand_out, now=timezone.now()), meets=False)

    @mydata.command(description="Erase everything that I hold about you. I ask before I do it.")  # type: ignore[arg-type]
    async def forget(self, ctx: Context) -> None:
        """Erase everything that I hold about you. I ask before I do it."""
        await respond(ctx, my_data.explain_forgetting, meets=False)


async def _forget(interaction: discord.Interaction[Any]) -> str:
    question = question_of(interaction, source="button")
    return (await run_unit(my_data.forget, question, now=timezone.now())).text


confirming.offer("forget", Deed(label="Yes, forget me", again="mydata forget", act=_forget))
