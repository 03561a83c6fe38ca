"""The team's switches: pausing follow-ups, stopping everything, and a log that tells more."""

import asyncio
from functools import partial
from typing import TYPE_CHECKING

import discord
from discord import app_commands
from discord.ext import commands
from django.utils import timezone

from bots import conf, misuse, permissions
from bots.answers import Answer, Context, Question, question_of, respond
from bots.cogs.base import StaffOnlyCog, standing_of_interaction, standing_of_member
from bots.database import run_unit
from bots.operations import switches
from bots.panels import confirming
from bots.panels.confirming import Deed
from bots.permissions import Standing
from bots.verbosity import LASTS, Verbosity

if TYPE_CHECKING:
    from bots.client import CheckbackBot

_ON_OFF = [app_commands.Choice(name=word, value=word) for word in ("status", "on", "off")]


class SwitchesCog(StaffOnlyCog):
    """They must answer while nothing else may be sent, so their answers do not pass through the outbox."""

    def __init__(self, bot: "CheckbackBot") -> None:
        super().__init__(bot)
        self.verbosity = Verbosity()
        self._ending: asyncio.TimerHandle | None = None

    async def cog_unload(self) -> None:
        """Leave the log as it was."""
        self._end_debug()

    @commands.hybrid_command(  # type: ignore[arg-type]  # discord.py's types lose the class of the context
        description="For the team: hold follow-ups back, or let them go on. Nothing is lost."
    )
    @app_commands.default_permissions(administrator=True)
    @app_commands.describe(action="on, off, or status", reason="Why, for those who will wonder")
    @app_commands.choices(action=_ON_OFF)
    async def pause_followups(self, ctx: Context, action: str = "status", *, reason: str = "") -> None:
        """Pause follow-ups for everybody; answers still go out."""
        operation = partial(switches.pause_followups, action=action, reason=reason, now=timezone.now())
        await respond(ctx, operation, meets=False, is_kept=False)

    @commands.hybrid_command(description="For the team: send nothing any more, at once. Nothing is lost.")  # type: ignore[arg-type]
    @app_commands.default_permissions(administrator=True)
    @app_commands.describe(reason="Why, for those who will wonder")
    async def stop_all(self, ctx: Context, *, reason: str = "") -> None:
        """Stop everything that this bot sends."""
        operation = partial(switches.stop_all, account_id=self.bot.account.pk, reason=reason, now=timezone.now())
        await respond(ctx, operation, meets=False, is_kept=False, even_unheard=True)

    @commands.hybrid_command(description="For the team: send again after stop_all. I ask before I do it.")  # type: ignore[arg-type]
    @app_commands.default_permissions(administrator=True)
    async def resume_all(self, ctx: Context) -> None:
        """Let the bot send again."""
        operation = partial(switches.ask_to_resume, account_id=self.bot.account.pk, now=timezone.now())
        await respond(ctx, operation, meets=False, is_kept=False)

    @commands.hybrid_command(description="For the team: let the bot's own code log more, for an hour.")  # type: ignore[arg-type]
    @app_commands.default_permissions(administrator=True)
    @app_commands.describe(action="on, off, or status")
    @app_commands.choices(action=_ON_OFF)
    async def debug(self, ctx: Context, action: str = "status") -> None:
        """Change how much this process logs."""
        act = {"on": self._begin_debug, "off": self._end_debug, "status": self._debug_status}.get(action.lower())
        if act is None:
            raise misuse.BadInput("Say `on`, `off` or `status`.")
        await respond(ctx, partial(_said, act()), meets=False, is_kept=False)

    def _begin_debug(self) -> str:
        self._forget_end()
        until = self.verbosity.on(now=timezone.now())
        self._ending = asyncio.get_running_loop().call_later(LASTS.total_seconds(), self._end_debug)
        return (
            f"My own code logs everything until {until:%H:%M} UTC, then less again by itself. This is for this process "
            "of the bot: the scheduler's workers are not affected (LOG_LEVEL is). What people write is never logged."
        )

    def _end_debug(self) -> str:
        self._forget_end()
        was_on = self.verbosity.off()
        return "I log as usual again." if was_on else "I log as usual; nothing was changed."

    def _debug_status(self) -> str:
        if self.verbosity.until is None:
            return "I log as usual. `debug on` lets my own code log everything for an hour."
        return f"My own code logs everything until {self.verbosity.until:%H:%M} UTC."

    def _forget_end(self) -> None:
        if self._ending is not None:
            self._ending.cancel()
            self._ending = None


def _said(text: str, _question: Question) -> Answer:
    return Answer(text)


async def _resume(interaction: "discord.Interaction[CheckbackBot]") -> str:
    if not any(permissions.is_staff(each, conf.current()) for each in _standings(interaction)):
        return misuse.NOT_STAFF
    operation = partial(switches.resume_all, account_id=interaction.client.account.pk, now=timezone.now())
    return (await run_unit(operation, question_of(interaction, source="button"))).text


def _standings(interaction: "discord.Interaction[CheckbackBot]") -> list[Standing]:
    """Where the asker stands: the typed command's question is pressed in private, and may come from any community."""
    found = [standing_of_interaction(interaction)]
    guilds = interaction.client.guilds
    members = (guild.get_member(interaction.user.id) for guild in guilds)
    return found + [standing_of_member(each, communities=len(guilds)) for each in members if each is not None]


confirming.offer("resume", Deed(label="Send again", again="resume_all", act=_resume))
