from typing import Any

import discord
import pytest

from bots.practice import permissions
from bots.practice.server import PracticeServer
from bots.practice.world import BOT_USER_ID, NotAllowed, World
from tests.bots import support
from tests.bots.practice.bot import TinyBot, connected, soon


@discord.app_commands.command()
@discord.app_commands.guild_only()
@discord.app_commands.default_permissions(manage_guild=True)
async def team(interaction: discord.Interaction[Any]) -> None:
    """Tell what the member may do; for the team."""
    may = interaction.permissions
    await interaction.response.send_message(f"{may.administrator} {may.manage_guild} {may.send_messages}")


async def register(bot: TinyBot) -> None:
    bot.tree.add_command(team)
    await bot.tree.sync()


class TestRoles:
    async def test_decide_what_a_member_may_do(self, practice: PracticeServer) -> None:
        ada, bruno, chiyo = support.people(practice.world)[:3]
        async with connected(practice) as bot:
            guild = bot.guilds[0]
            seen = {number: guild.get_member(number) for number in (ada.id, bruno.id, chiyo.id, BOT_USER_ID)}
            rights = {number: member.guild_permissions for number, member in seen.items() if member is not None}
            assert rights[ada.id] == discord.Permissions.all()
            assert rights[bruno.id].manage_guild
            assert not rights[bruno.id].administrator
            assert not rights[chiyo.id].manage_guild
            assert rights[chiyo.id].send_messages
            assert rights[BOT_USER_ID].manage_threads
            assert [role.name for role in seen[bruno.id].roles] == ["@everyone", "Moderators"]  # type: ignore[union-attr]
            assert {role.name for role in await guild.fetch_roles()} == {"@everyone", "Checkback", "Moderators"}

    async def test_are_told_with_an_interaction(self, practice: PracticeServer) -> None:
        ada, bruno, chiyo = support.people(practice.world)[:3]
        place = support.general(practice)
        async with connected(practice) as bot:
            await register(bot)
            for who, told in ((ada, "True True True"), (bruno, "False True True"), (chiyo, "False False True")):
                (answer,) = await practice.invoke_slash(who.id, "team", where=place, force=True)
                assert answer.content == told


class TestCommandPermissions:
    async def test_refuse_who_lacks_them(self, practice: PracticeServer) -> None:
        chiyo = support.people(practice.world)[2]
        async with connected(practice) as bot:
            await register(bot)
            with pytest.raises(NotAllowed, match="You do not have permission"):
                await practice.invoke_slash(chiyo.id, "team", where=support.general(practice))

    async def test_refuse_another_place(self, practice: PracticeServer) -> None:
        ada = support.people(practice.world)[0]
        async with connected(practice) as bot:
            await register(bot)
            with pytest.raises(NotAllowed, match="only be used in a server"):
                await practice.invoke_slash(ada.id, "team")

    @pytest.mark.parametrize(
        ("command", "owner", "moderator", "member", "private"),
        [
            ({}, True, True, True, True),
            ({"default_member_permissions": "32"}, True, True, False, True),
            ({"default_member_permissions": "0"}, True, False, False, True),
            ({"default_member_permissions": str(32 | 1 << 13)}, True, True, False, True),
            ({"default_member_permissions": str(32 | 1 << 2)}, True, False, False, True),
            ({"contexts": [0]}, True, True, True, False),
            ({"contexts": [1]}, False, False, False, True),
            ({"dm_permission": False}, True, True, True, False),
        ],
    )
    def test_follow_the_registration(
        self, command: dict[str, object], owner: bool, moderator: bool, member: bool, private: bool
    ) -> None:
        world = World.example()
        guild = next(iter(world.guilds.values()))
        people = [person.id for person in support.people(world)[:3]]
        may = [permissions.refusal_of(command, guild, number) is None for number in people]
        assert may == [owner, moderator, member]
        assert (permissions.refusal_of(command, None, people[0]) is None) == private


class TestHiddenChannels:
    async def test_give_the_bot_no_access(self, practice: PracticeServer) -> None:
        ada, place = support.people(practice.world)[0], practice.world.channel(support.general(practice))
        place.hidden_from_bot = True
        async with connected(practice) as bot:
            channel = bot.get_channel(place.id)
            assert isinstance(channel, discord.TextChannel)
            assert not channel.permissions_for(channel.guild.me).view_channel
            assert not channel.permissions_for(channel.guild.me).read_message_history
            with pytest.raises(discord.Forbidden) as caught:
                await channel.send("Hello")
            assert caught.value.code == 50001
            with pytest.raises(discord.Forbidden):
                [message async for message in channel.history()]
            await practice.member_says(ada.id, place.id, "Not for the bot")
            await practice.member_says(ada.id, "dm", "For the bot")
            assert (await soon(bot.heard.get())).content == "For the bot"
            (answer,) = await practice.invoke_slash(ada.id, "hello", where=place.id)
            assert answer.content == "Hello you"


class TestSeveralCommunities:
    async def test_share_people(self) -> None:
        world = World.example(communities=2)
        async with support.running_practice(world) as server, connected(server) as bot:
            first, second = bot.guilds
            assert (first.name, second.name) == ("Lantern Works", "Harbor Makers")
            names = [{member.name for member in guild.members} for guild in (first, second)]
            assert names[0] & names[1] == {"ada", "chiyo", "farah", "checkback"}
            assert names[1] - names[0] == {"goran", "hana"}
            ada = support.people(world)[0]
            assert first.owner_id == ada.id
            assert second.owner_id == support.people(world)[2].id
            place = next(iter(world.guild(second.id).channels.values()))
            message = await server.member_says(ada.id, place.id, "Ahoy")
            heard = await soon(bot.heard.get())
            assert (heard.id, heard.guild.id) == (message.id, second.id)
            await server.member_leaves(ada.id, second.id)
            assert await soon(bot.left.get()) == ada.id
            await (await bot.fetch_user(ada.id)).send("You are still in the other one")
