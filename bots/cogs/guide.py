"""`help` and `bot_status`: what the bot can do, and how it is."""

import math
import re
from functools import partial
from typing import Any, Final

import discord
from discord.ext import commands
from django.utils import timezone

from bots import conf, permissions, texts
from bots.answers import Answer, Context, Question, respond, respond_to_unknown
from bots.cogs.base import MemberCog, each_person, part_names, refuse_unknown_slash, standing
from bots.operations import engine
from bots.operations.engine import Connection
from bots.panels import confirming
from bots.splitting import LIMIT
from followups import consent

_WORD: Final = re.compile(r"[a-z]+(_[a-z]+)*", re.IGNORECASE)


class GuideCog(MemberCog):
    """For everybody."""

    async def cog_load(self) -> None:
        """Answer slash commands that reach none of ours, too."""
        self.bot.tree.error(refuse_unknown_slash)

    @commands.Cog.listener()
    async def on_interaction(self, interaction: discord.Interaction[Any]) -> None:
        """Answer presses of a question's button that is gone."""
        await confirming.heard(interaction)

    @commands.Cog.listener()
    async def on_message(self, message: discord.Message) -> None:
        """Say what there is to somebody who wrote, in private, what looks like a command of ours and is none. Their
        message is taken in like any other, elsewhere: it may be one that only begins like a command.
        """
        if message.guild is not None or message.author.bot or message.is_system():
            return
        if consent.asks_to_stop(message.content):
            return  # it was understood, however it was written
        ctx = await self.bot.get_context(message)
        if not ctx.valid and ctx.prefix == conf.current().prefix and _WORD.fullmatch(ctx.invoked_with or ""):
            await respond_to_unknown(ctx, f"{texts.UNKNOWN_COMMAND}\n\n{guide(ctx)}"[:LIMIT])

    @commands.hybrid_command(name="help", description="What you can ask of me.")  # type: ignore[arg-type]  # discord.py's types lose the class of the context
    async def help_(self, ctx: Context) -> None:
        """What you can ask of me."""
        await respond(ctx, partial(_said, guide(ctx)), meets=False)

    @commands.hybrid_command(name="bot_status", description="How I am.")  # type: ignore[arg-type]
    @commands.cooldown(10, 60, each_person)
    async def status(self, ctx: Context) -> None:
        """How I am."""
        connection = Connection(
            account=self.bot.account,
            latency=self.bot.latency if math.isfinite(self.bot.latency) else None,
            communities=len(self.bot.guilds),
        )
        is_staff = permissions.is_staff(standing(ctx), conf.current())
        operation = partial(engine.bot, connection=connection, is_staff=is_staff, now=timezone.now())
        await respond(ctx, operation, meets=False, is_kept=not is_staff)


def guide(ctx: Context) -> str:
    """The commands that the author may use here, one line each."""
    is_staff = permissions.is_staff(standing(ctx), conf.current())
    shown = [command for command in ctx.bot.commands if is_staff or not _is_for_staff(command)]
    lines = ["I write to you only if you ask me to, and `stop` always ends it. You can ask of me:"]
    lines += [
        f"- `/{command.name}`{_parts(command)} {command.description}"
        for command in sorted(shown, key=lambda command: (_is_for_staff(command), command.name))
    ]
    lines.append(f"Each works with `{conf.current().prefix}` instead of `/` too. I answer in private.")
    return "\n".join(lines)[:LIMIT]


def _is_for_staff(command: commands.Command[Any, ..., Any]) -> bool:
    """Whether Discord hides its slash form from others."""
    slash = getattr(command, "app_command", None)
    return slash is not None and slash.default_permissions is not None


def _parts(command: commands.Command[Any, ..., Any]) -> str:
    if not isinstance(command, commands.Group):
        return ":"
    return f" {', '.join(f'`{name}`' for name in part_names(command))}:"


def _said(text: str, _question: Question) -> Answer:
    return Answer(text)
