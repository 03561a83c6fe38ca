from pathlib import Path

import discord
import pytest

from bots.practice.journal import Journal
from bots.practice.server import PracticeServer
from bots.practice.world import NotAllowed, UnknownThing, World
from tests.bots import support
from tests.bots.practice.bot import connected, soon


class TestMembers:
    async def test_edit_and_delete_their_own_messages(self, practice: PracticeServer) -> None:
        ada, bruno = support.people(practice.world)[:2]
        async with connected(practice) as bot:
            row = await practice.member_says(bruno.id, "dm", "Yes")
            await practice.member_edits(bruno.id, row, "No")
            edited = await soon(bot.changed.get())
            assert (edited.message_id, edited.message.content) == (row.id, "No")
            assert edited.message.edited_at is not None
            for act in (practice.member_edits(ada.id, row, "Yes"), practice.member_deletes(ada.id, row)):
                with pytest.raises(NotAllowed):
                    await act
            await practice.member_deletes(bruno.id, row)
            assert (await soon(bot.changed.get())).message_id == row.id
            with pytest.raises(UnknownThing):
                await practice.member_edits(bruno.id, row, "Yes")

    async def test_moderators_delete_many_at_once(self, practice: PracticeServer) -> None:
        ada, bruno, chiyo = support.people(practice.world)[:3]
        place = support.general(practice)
        async with connected(practice) as bot:
            rows = [await practice.member_says(chiyo.id, place, str(n)) for n in range(3)]
            private = [await practice.member_says(ada.id, "dm", str(n)) for n in range(2)]
            with pytest.raises(NotAllowed, match="permission"):
                await practice.member_deletes(chiyo.id, *[await practice.member_says(ada.id, place, "Mine"), *rows])
            await practice.member_deletes(bruno.id, *rows)
            gone = await soon(bot.changed.get())
            assert isinstance(gone, discord.RawBulkMessageDeleteEvent)
            assert (gone.message_ids, gone.guild_id) == ({row.id for row in rows}, bot.guilds[0].id)
            with pytest.raises(NotAllowed):
                await practice.member_deletes(ada.id, *private)

    async def test_take_a_reaction_back(self, practice: PracticeServer) -> None:
        ada = support.people(practice.world)[0]
        async with connected(practice, intents=discord.Intents.default()) as bot:
            row = await practice.member_says(ada.id, "dm", "Nice")
            await practice.member_reacts(ada.id, row)
            await practice.member_unreacts(ada.id, row)
            taken = await soon(bot.changed.get())
            assert (taken.user_id, taken.message_id, str(taken.emoji)) == (ada.id, row.id, "👍")
            assert row.reactions == {}

    async def test_rename_themselves(self, practice: PracticeServer) -> None:
        bruno = support.people(practice.world)[1]
        async with connected(practice) as bot:
            await practice.member_renames(bruno.id, "Bru")
            assert (await soon(bot.changed.get())).display_name == "Bru"
            assert [role.name for role in bot.guilds[0].get_member(bruno.id).roles] == ["@everyone", "Moderators"]  # type: ignore[union-attr]

    async def test_are_kept_in_the_journal(self, tmp_path: Path) -> None:
        path = tmp_path / "chat.jsonl"
        async with PracticeServer(World.example(), journal=Journal(path)) as first:
            bruno = support.people(first.world)[1]
            await first.member_renames(bruno.id, "Bru")
            rows = [await first.member_says(bruno.id, support.general(first), str(n)) for n in range(4)]
            await first.member_edits(bruno.id, rows[0], "edited")
            await first.member_deletes(bruno.id, rows[1], rows[2])
            await first.member_reacts(bruno.id, rows[3])
            await first.member_unreacts(bruno.id, rows[3])
        async with PracticeServer(World.example(), journal=Journal(path)) as second:
            assert next(iter(second.world.guilds.values())).members[bruno.id].nickname == "Bru"
            kept = list(second.world.messages[support.general(second)].values())
            assert [(row.content, row.edited_at is None, row.reactions) for row in kept] == [
                ("edited", False, {}),
                ("3", True, {}),
            ]


class TestTheBot:
    async def test_may_be_removed_and_invited_again(self) -> None:
        world = World.example(communities=2)
        first, second = world.guilds.values()
        ada = support.people(world)[0]
        async with support.running_practice(world) as server, connected(server) as bot:
            await server.member_leaves(world.bot.id, second.id)
            assert (await soon(bot.moved.get())).id == second.id
            assert [guild.id for guild in bot.guilds] == [first.id]
            place = next(iter(second.channels))
            await server.member_says(ada.id, place, "Is the bot gone?")
            await server.member_leaves(ada.id, second.id)
            with pytest.raises(discord.Forbidden):
                await bot.get_partial_messageable(place).send("No")
            with pytest.raises(discord.NotFound):
                await bot.fetch_guild(second.id)
            await server.member_joins(world.bot.id, second.id)
            back = await soon(bot.moved.get())
            assert ([guild.id for guild in bot.guilds], back.get_member(ada.id)) == ([first.id, second.id], None)
            await bot.get_partial_messageable(place).send("Here again")
            assert bot.heard.empty() or (await bot.heard.get()).content == "Here again"
            assert bot.left.empty()

    async def test_lists_members_by_pages(self, practice: PracticeServer) -> None:
        async with connected(practice) as bot:
            guild = bot.guilds[0]
            everybody = sorted(practice.world.users)
            found = {member.id async for member in guild.fetch_members(limit=None)}
            assert found == set(everybody)
            page = {member.id async for member in guild.fetch_members(limit=2, after=discord.Object(everybody[-4]))}
            assert page == set(everybody[-3:-1])
