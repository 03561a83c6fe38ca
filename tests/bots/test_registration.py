"""Which commands Discord has of us."""

from datetime import timedelta
from typing import Any

import discord
import pytest
import pytest_asyncio
from discord import app_commands
from discord.ext import commands
from django.utils import timezone
from structlog.testing import capture_logs

from bots import registration
from bots.practice.faults import Fault, Kind
from bots.practice.server import PracticeServer

NOWHERE = 999


def puts(server: PracticeServer) -> list[str]:
    """Which lists were replaced, so far."""
    return [request.path for request in server.requests if request.method == "PUT"]


def names(server: PracticeServer, guild_id: int | None = None) -> list[str]:
    """The commands that Discord has, everywhere or of a community."""
    return [command["name"] for command in server.world.commands.get(guild_id, [])]


def only_guild(server: PracticeServer) -> int:
    """The example's community."""
    return next(iter(server.world.guilds))


def another_guild(server: PracticeServer) -> int:
    """A community that the bot joins as well."""
    now = timezone.now()
    guild = server.world.add_guild(only_guild(server) + (7 << 22), "Another", owner_id=1, now=now - timedelta(days=1))
    return guild.id


@pytest_asyncio.fixture
async def bot(practice: PracticeServer) -> Any:
    """A bot that has logged in and has two commands."""
    async with commands.AutoShardedBot("!", intents=discord.Intents.none(), help_command=None) as bot:
        bot.tree.add_command(greeting())
        bot.tree.add_command(group())
        await bot.login(practice.token)
        yield bot


def greeting(description: str = "Say hello.", **options: Any) -> "app_commands.Command[Any, ..., Any]":
    """A command with an option of each kind."""

    @app_commands.command(name="greeting", description=description)
    @app_commands.choices(tone=[app_commands.Choice(name="kind", value="kind")])
    @app_commands.autocomplete(word=nothing)
    async def callback(
        _interaction: discord.Interaction,
        times: app_commands.Range[int, 1, options.get("most", 3)],
        where: discord.TextChannel,
        word: str = "",
        tone: str = "",
    ) -> None: ...

    made: Any = callback
    made.default_permissions = options.get("permissions")
    made.allowed_contexts = options.get("contexts")
    return made  # type: ignore[no-any-return]


async def nothing(_interaction: discord.Interaction, _current: str) -> list[app_commands.Choice[str]]:
    """Suggest nothing."""
    return []


def group() -> app_commands.Group:
    """Subcommands."""
    made = app_commands.Group(name="pause", description="Be left alone.")

    @made.command(name="week", description="For a week.")
    async def callback(_interaction: discord.Interaction) -> None: ...

    return made


class TestSyncIfChanged:
    async def test_sends_nothing_when_discord_has_the_same(self, practice: PracticeServer, bot: Any) -> None:
        assert await registration.sync_if_changed(bot) == 1
        assert names(practice) == ["greeting", "pause"]
        assert await registration.sync_if_changed(bot) == 0
        assert len(puts(practice)) == 1

    @pytest.mark.parametrize(
        "changed",
        [
            greeting("Say good-bye."),
            greeting(most=4),
            greeting(permissions=discord.Permissions(manage_guild=True)),
            greeting(contexts=app_commands.AppCommandContext(guild=True)),
        ],
        ids=["description", "limit", "permissions", "contexts"],
    )
    async def test_sends_what_has_changed(self, practice: PracticeServer, bot: Any, changed: Any) -> None:
        await registration.sync_if_changed(bot)
        bot.tree.add_command(changed, override=True)
        assert await registration.sync_if_changed(bot) == 1
        assert await registration.sync_if_changed(bot) == 0
        assert len(puts(practice)) == 2

    @pytest.mark.parametrize(
        "change",
        [
            lambda command: command["options"][0].pop("min_value"),
            lambda command: command["options"][1].update(channel_types=[]),
            lambda command: command["options"][2].update(autocomplete=False),
            lambda command: command["options"][3].update(choices=[]),
            lambda command: command["options"].reverse(),
        ],
        ids=["limit", "channel types", "autocomplete", "choices", "order"],
    )
    async def test_notices_what_others_have_changed(self, practice: PracticeServer, bot: Any, change: Any) -> None:
        await registration.sync_if_changed(bot)
        change(practice.world.commands[None][0])
        assert await registration.sync_if_changed(bot) == 1

    async def test_notices_a_changed_subcommand(self, practice: PracticeServer, bot: Any) -> None:
        await registration.sync_if_changed(bot)
        practice.world.commands[None][1]["options"][0]["description"] = "For ever."
        assert await registration.sync_if_changed(bot) == 1

    async def test_reads_discords_own_form_of_the_same(self, practice: PracticeServer, bot: Any) -> None:
        """It writes permissions as text, and leaves out or fills in what is not set."""
        bot.tree.add_command(greeting(permissions=discord.Permissions(manage_guild=True)), override=True)
        await registration.sync_if_changed(bot)
        for command in practice.world.commands[None]:
            if (permissions := command["default_member_permissions"]) is not None:
                command["default_member_permissions"] = str(permissions)
            command |= {"contexts": None, "integration_types": [0], "name_localizations": None}
            for option in command["options"]:
                for name in [name for name, value in option.items() if value in (False, None, [])]:
                    del option[name]
        assert await registration.sync_if_changed(bot) == 0


class TestCommunities:
    async def test_have_them_instead_of_everybody(self, practice: PracticeServer, bot: Any) -> None:
        await registration.sync_if_changed(bot)
        guild_id = only_guild(practice)
        await registration.sync_if_changed(bot, guilds=[guild_id])
        assert (names(practice), names(practice, guild_id)) == ([], ["greeting", "pause"])
        assert await registration.sync_if_changed(bot, guilds=[guild_id]) == 0

    async def test_lose_them_when_everybody_has_them(self, practice: PracticeServer, bot: Any) -> None:
        guild_id = only_guild(practice)
        await registration.sync_if_changed(bot, guilds=[guild_id])
        await registration.sync_if_changed(bot)
        assert (names(practice), names(practice, guild_id)) == (["greeting", "pause"], [])
        assert await registration.sync_if_changed(bot) == 0

    async def test_lose_them_when_another_one_is_named(self, practice: PracticeServer, bot: Any) -> None:
        first, second = only_guild(practice), another_guild(practice)
        await registration.sync_if_changed(bot, guilds=[first])
        await registration.sync_if_changed(bot, guilds=[second])
        assert (names(practice, first), names(practice, second)) == ([], ["greeting", "pause"])

    async def test_have_them_after_an_end_in_between(self, practice: PracticeServer, bot: Any) -> None:
        guild_id = only_guild(practice)
        await registration.sync_if_changed(bot, guilds=[guild_id])
        practice.faults.add(Fault(Kind.REFUSED, method="PUT", path="/applications/*/guilds/*", status=400))
        with pytest.raises(discord.HTTPException):
            await registration.sync_if_changed(bot)
        await registration.sync_if_changed(bot)
        assert (names(practice), names(practice, guild_id)) == (["greeting", "pause"], [])

    async def test_that_the_bot_is_not_in_are_told_in_the_log(self, practice: PracticeServer, bot: Any) -> None:
        guild_id = only_guild(practice)
        with capture_logs() as logs:
            await registration.sync_if_changed(bot, guilds=[NOWHERE, guild_id])
        assert names(practice, guild_id) == ["greeting", "pause"]
        (line,) = [line for line in logs if line["event"] == "bot.commands_without_community"]
        assert line["guild_id"] == NOWHERE


class TestKeepUpToDate:
    async def test_goes_on_when_discord_refuses(self, practice: PracticeServer, bot: Any) -> None:
        practice.faults.add(Fault(Kind.REFUSED, method="PUT", path="/applications/*/commands", status=400, code=30032))
        with capture_logs() as logs:
            await registration.keep_up_to_date(bot, guilds=())
        assert [line["event"] for line in logs] == ["bot.commands_not_registered"]
