from datetime import timedelta
from pathlib import Path
from typing import Any

import discord
import pytest

from bots.practice.journal import Journal
from bots.practice.server import PracticeServer
from bots.practice.world import NotAllowed, World
from tests.bots import support
from tests.bots.practice.bot import TinyBot, connected, soon


def general_of(bot: TinyBot, server: PracticeServer) -> discord.TextChannel:
    channel = bot.get_channel(support.general(server))
    assert isinstance(channel, discord.TextChannel)
    return channel


class TestThreads:
    @pytest.mark.parametrize("kind", [discord.ChannelType.public_thread, discord.ChannelType.private_thread])
    async def test_are_opened_beside_a_channel(self, practice: PracticeServer, kind: Any) -> None:
        ada, bruno, chiyo = support.people(practice.world)[:3]
        async with connected(practice) as bot:
            thread = await general_of(bot, practice).create_thread(name="Ada, quiet", type=kind)
            seen = await soon(bot.threads.get())
            assert (seen.id, seen.parent_id, seen.type) == (thread.id, support.general(practice), kind)
            assert thread.me is not None
            row = practice.world.channel(thread.id)
            assert (row.name, row.parent_id, row.is_archived) == ("Ada, quiet", support.general(practice), False)
            public = kind is discord.ChannelType.public_thread
            may = [practice.world.may_see(person.id, row) for person in (ada, bruno, chiyo)]
            assert may == [True, True, public]
            await thread.add_user(discord.Object(chiyo.id))
            assert practice.world.may_see(chiyo.id, row)
            assert {member.id for member in await thread.fetch_members()} == {bot.user.id, chiyo.id}  # type: ignore[union-attr]
            await thread.send("Noted")
            assert (await soon(practice.sent.get())).channel_id == thread.id
            await practice.member_says(ada.id, thread.id, f"<@{bot.user.id}> thanks")  # type: ignore[union-attr]
            assert (await soon(bot.heard.get())).content == "Noted"
            heard = await soon(bot.heard.get())
            assert isinstance(heard.channel, discord.Thread)

    async def test_are_opened_on_a_message(self, practice: PracticeServer) -> None:
        async with connected(practice) as bot:
            message = await general_of(bot, practice).send("A new case")
            thread = await message.create_thread(name="Case 1")
            assert thread.id == message.id
            with pytest.raises(discord.HTTPException) as caught:
                await message.create_thread(name="Case 1 again")
            assert caught.value.code == 160004
            again = await general_of(bot, practice).fetch_message(message.id)
            assert again.thread is not None
            assert again.flags.has_thread

    async def test_come_back_from_the_archive_with_a_message(self, practice: PracticeServer) -> None:
        async with connected(practice) as bot:
            thread = await general_of(bot, practice).create_thread(name="x", type=discord.ChannelType.public_thread)
            message = await thread.send("First")
            await thread.edit(archived=True, locked=True)
            row = practice.world.channel(thread.id)
            assert (row.is_archived, row.is_locked) == (True, True)
            assert [(await soon(bot.threads.get())).id for _ in range(2)] == [thread.id] * 2
            assert bot.get_channel(thread.id) is None
            for forbidden in (message.edit(content="Second"), thread.edit(name="y")):
                with pytest.raises(discord.HTTPException) as caught:
                    await forbidden
                assert caught.value.code == 50083
            assert [each.id async for each in general_of(bot, practice).archived_threads()] == [thread.id]
            with pytest.raises(NotAllowed, match="locked"):
                await practice.member_says(support.people(practice.world)[2].id, thread.id, "May I?")
            await thread.send("Second")
            assert not row.is_archived
            assert [each.id for each in await bot.guilds[0].active_threads()] == [thread.id]
            heard = await soon(bot.heard.get())
            assert heard.content == "First"
            assert (await soon(bot.heard.get())).content == "Second"
            assert bot.get_channel(thread.id) is not None

    async def test_are_deleted(self, practice: PracticeServer) -> None:
        async with connected(practice) as bot:
            thread = await general_of(bot, practice).create_thread(name="x", type=discord.ChannelType.public_thread)
            await thread.delete()
            assert (await soon(bot.changed.get())).thread_id == thread.id
            with pytest.raises(discord.NotFound) as caught:
                await thread.send("Anybody?")
            assert caught.value.code == 10003

    async def test_are_there_at_the_next_login(self, practice: PracticeServer) -> None:
        place = practice.world.channel(support.general(practice))
        owner = practice.world.bot.id
        active = practice.community.open_thread(place, owner, "active")
        archived = practice.community.open_thread(place, owner, "archived")
        practice.community.change_thread(archived, {"archived": True})
        async with connected(practice) as bot:
            assert [thread.id for thread in bot.guilds[0].threads] == [active.id]
            assert len(bot.guilds[0].text_channels) == 3

    async def test_are_not_for_a_private_conversation(self, practice: PracticeServer) -> None:
        ada = support.people(practice.world)[0]
        async with connected(practice) as bot:
            route = discord.http.Route(
                "POST", "/channels/{channel_id}/threads", channel_id=practice.channel_for(ada.id, "dm").id
            )
            with pytest.raises(discord.HTTPException) as caught:
                await bot.http.request(route, json={"name": "x", "type": 11})
            assert caught.value.code == 50024

    async def test_are_kept_in_the_journal(self, tmp_path: Path) -> None:
        path = tmp_path / "chat.jsonl"
        async with PracticeServer(World.example(), journal=Journal(path)) as first:
            place = first.world.channel(support.general(first))
            kept = first.community.open_thread(place, first.world.bot.id, "kept", is_private=True)
            await first.bot_says(kept.id, "Hello")
            first.community.change_thread(kept, {"archived": True, "name": "kept well"})
            gone = first.community.open_thread(place, first.world.bot.id, "gone")
            await first.bot_says(gone.id, "Hello")
            first.community.delete_thread(gone)
        async with PracticeServer(World.example(), journal=Journal(path)) as second:
            assert [each.name for each in second.world.threads(place.guild_id or 0)] == ["kept well"]
            again = second.world.channel(kept.id)
            assert again == kept
            assert [row.content for row in second.world.messages[kept.id].values()] == ["Hello"]
            assert again.archived_at is not None
            assert again.archived_at - second.community.now() < timedelta()
