"""What all commands share: what can't be done is told kindly, in private; an error of ours is logged without words."""

from collections.abc import Hashable
from functools import partial
from typing import TYPE_CHECKING, Any

import discord
import structlog
from discord import app_commands
from discord.ext import commands

from bots import conf, failures, misuse, permissions, texts
from bots.answers import Answer, Context, Question, Refused, respond
from bots.failures import UNREACHED
from bots.permissions import Standing

if TYPE_CHECKING:
    from bots.client import CheckbackBot

log = structlog.get_logger(__name__)


class MemberCog(commands.Cog):
    """A set of commands. Their answers are for their author's eyes only."""

    def __init__(self, bot: "CheckbackBot") -> None:
        self.bot = bot
        self._told_to_wait = commands.CooldownMapping.from_cooldown(1, 60, each_person)

    async def cog_before_invoke(self, ctx: Context) -> None:  # type: ignore[override]
        """Say which command begins, without what was said with it."""
        form = "text" if ctx.interaction is None else "slash"
        log.debug("bot.command", command=_name(ctx), form=form, user_id=ctx.author.id)

    async def cog_command_error(self, ctx: Context, error: Exception) -> None:  # type: ignore[override]
        """Tell the author in one sentence, and the log where it was if it was our fault."""
        told = misuse.sentence(error, usage=usage(ctx))
        if told is None:
            cause = getattr(error, "original", error)
            cause = getattr(cause, "original", cause)
            log.error("bot.command_failed", command=_name(ctx), **failures.describe(cause))
            await _apologise(ctx)
            return
        log.debug("bot.command_refused", command=_name(ctx), reason=type(error).__name__)
        is_typed_too_fast = ctx.interaction is None and isinstance(error, commands.CommandOnCooldown)
        if is_typed_too_fast and self._told_to_wait.update_rate_limit(ctx):
            return  # to answer each word of a flood would be a flood of ours
        try:
            await tell(ctx, told, is_kept=self.keeps_words_of(error))
        except Exception as failure:
            log.error("bot.command_failed", command=_name(ctx), **failures.describe(failure))  # noqa: TRY400
            await _apologise(ctx)

    def keeps_words_of(self, error: Exception) -> bool:
        """Whether a typed command that went wrong, and its answer, are kept."""
        return True


class StaffOnlyCog(MemberCog):
    """Commands of the team. Discord hides them from others; who may use them is judged again at each use."""

    def keeps_words_of(self, error: Exception) -> bool:
        """The team's are about other people, and must be answered while all is stopped."""
        return isinstance(error, misuse.NotStaff)

    async def cog_check(self, ctx: Context) -> bool:  # type: ignore[override]
        """Let nobody else in."""
        if not permissions.is_staff(standing(ctx), conf.current()):
            raise misuse.NotStaff
        return True


def each_person(ctx: Context) -> Hashable:
    """Whom a cooldown counts. discord.py shares its counts among all bots of a process, so the bot is part of it."""
    return ctx.bot, ctx.author.id


def standing(ctx: Context) -> Standing:
    """What Discord says of the author here."""
    if ctx.interaction is not None:
        return standing_of_interaction(ctx.interaction)
    if isinstance(ctx.author, discord.Member):
        return standing_of_member(ctx.author, communities=len(ctx.bot.guilds))
    return Standing(ctx.author.id)


def standing_of_interaction(interaction: discord.Interaction[Any]) -> Standing:
    """The same of who uses a slash command or presses a button. Discord lets people use an app in communities that it
    has not been invited to, such as one of their own: there they are nobody.
    """
    guild_id = interaction.guild_id
    if guild_id is None or interaction.client.get_guild(guild_id) is None:
        return Standing(interaction.user.id)
    return Standing(
        user_id=interaction.user.id,
        guild_id=guild_id,
        is_administrator=interaction.permissions.administrator,
        role_ids=frozenset(role.id for role in getattr(interaction.user, "roles", ())),
        communities=len(interaction.client.guilds),
    )


def standing_of_member(member: discord.Member, *, communities: int) -> Standing:
    """The same of somebody in a community of ours."""
    return Standing(
        user_id=member.id,
        guild_id=member.guild.id,
        is_administrator=member.guild_permissions.administrator,
        role_ids=frozenset(role.id for role in member.roles),
        communities=communities,
    )


def usage(ctx: Context) -> str:
    """How the command is used, in the form in which it was."""
    if ctx.command is None:
        return f"{ctx.clean_prefix}help"
    start = ctx.clean_prefix if ctx.interaction is None else "/"
    parts = f"[{'|'.join(part_names(ctx.command))}]" if isinstance(ctx.command, commands.Group) else ""
    return f"{start}{ctx.command.qualified_name} {parts or ctx.command.signature}".strip()


def part_names(command: "commands.Group[Any, ..., Any]") -> list[str]:
    """What may follow the name of a command that has parts: first what it does without one."""
    fallback = getattr(command, "fallback", None)
    return [*([fallback] if fallback else []), *command.all_commands]


async def refuse_unknown_slash(
    interaction: "discord.Interaction[CheckbackBot]", error: app_commands.AppCommandError
) -> None:
    """Answer what reaches no command, such as one that Discord still shows and we no longer have."""
    told = misuse.sentence(error, usage="/help")
    if told is None:
        log.error("bot.command_failed", **failures.describe(error))
    if not interaction.response.is_done():
        await interaction.response.send_message(told or texts.TRY_AGAIN, ephemeral=True)


async def tell(ctx: Context, sentence: str, *, is_kept: bool = True) -> None:
    """Say what can't be done, to the author alone."""
    if ctx.interaction is not None:
        await ctx.send(sentence, ephemeral=True)
    else:
        await respond(ctx, partial(_refuse, sentence), is_kept=is_kept)


def _refuse(sentence: str, _question: Question) -> Answer:
    raise Refused(sentence)


async def _apologise(ctx: Context) -> None:
    """Past the outbox: it may be the database that is away."""
    try:
        if ctx.interaction is not None:
            await ctx.send(texts.TRY_AGAIN, ephemeral=True)
        else:
            await ctx.author.send(texts.TRY_AGAIN)
    except UNREACHED as error:
        log.warning("bot.answer_not_sent", command=_name(ctx), **failures.describe(error))


def _name(ctx: Context) -> str:
    return ctx.command.qualified_name if ctx.command else ""
