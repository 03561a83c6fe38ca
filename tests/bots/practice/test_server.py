import asyncio
import io
from datetime import timedelta

import aiohttp
import discord
import pytest
from discord.ext import commands

from bots.practice.server import PracticeServer
from bots.practice.world import BOT_USER_ID, NotAllowed, UnknownThing, User, World, dm_channel_id
from tests.bots import support
from tests.bots.practice.bot import connected, soon


class TestLogin:
    async def test_brings_the_community_and_its_members(self, practice: PracticeServer) -> None:
        async with connected(practice) as bot:
            assert bot.user is not None
            assert bot.user.id == BOT_USER_ID
            assert [guild.name for guild in bot.guilds] == ["Lantern Works"]
            assert {member.id for member in bot.guilds[0].members} == set(practice.world.users)
            assert [channel.name for channel in bot.guilds[0].text_channels] == ["welcome", "general", "events"]

    async def test_with_a_wrong_token_fails(self, practice: PracticeServer) -> None:
        async with discord.Client(intents=discord.Intents.none()) as client:
            with pytest.raises(discord.LoginFailure):
                await client.login("another")

    async def test_chunks_a_large_community(self) -> None:
        world = World.example()
        guild = next(iter(world.guilds.values()))
        now = next(iter(guild.members.values())).joined_at
        for number in range(1_200):
            world.join(
                guild.id, world.add_user(User(1_300_000_000_000_000_000 + number, f"u{number}", "U")).id, now=now
            )
        async with support.running_practice(world) as server, connected(server) as bot:
            assert len(bot.guilds[0].members) == 1_207
            assert bot.guilds[0].chunked

    async def test_in_shards_is_possible(self, practice: PracticeServer) -> None:
        async with commands.AutoShardedBot("!", intents=support.needed_intents(), guild_ready_timeout=0.05) as bot:
            running = asyncio.create_task(bot.start(practice.token))
            await practice.wait_connected()
            await soon(bot.wait_until_ready())
            assert bot.shard_count == 1
            assert [guild.name for guild in bot.guilds] == ["Lantern Works"]
            await bot.close()
            await asyncio.gather(running, return_exceptions=True)


class TestPrivateMessages:
    async def test_from_a_member_reach_the_bot(self, practice: PracticeServer) -> None:
        ada = support.people(practice.world)[0]
        async with connected(practice) as bot:
            await practice.member_says(ada.id, "dm", "Is anybody there?")
            heard = await soon(bot.heard.get())
            assert (heard.author.id, heard.content, heard.guild) == (ada.id, "Is anybody there?", None)
            assert heard.channel.id == dm_channel_id(ada.id, BOT_USER_ID)

    async def test_with_the_same_nonce_are_one_message(self, practice: PracticeServer) -> None:
        ada = support.people(practice.world)[0]
        async with connected(practice) as bot:
            user = await bot.fetch_user(ada.id)
            first = await user.send("Good morning", nonce="ob-1")
            second = await user.send("Good morning", nonce="ob-1")
            third = await user.send("Good morning", nonce="ob-2")
            assert first.id == second.id != third.id
            assert practice.dm_texts(ada.id) == ["Good morning", "Good morning"]
            assert practice.sent.qsize() == 2
            history = [message async for message in user.dm_channel.history(limit=10)]  # type: ignore[union-attr]
            assert [message.id for message in history] == [third.id, first.id]
            assert [message.nonce for message in history] == [None, None]

    async def test_with_the_same_nonce_much_later_are_two(self, practice: PracticeServer) -> None:
        ada = support.people(practice.world)[0]
        start = practice.community.now()
        async with connected(practice) as bot:
            user = await bot.fetch_user(ada.id)
            await user.send("Good morning", nonce="ob-1")
            practice.community.clock = lambda: start + timedelta(minutes=6)
            await user.send("Good morning", nonce="ob-1")
        assert practice.sent.qsize() == 2

    async def test_with_the_nonce_of_a_deleted_message_are_refused(self, practice: PracticeServer) -> None:
        async with connected(practice) as bot:
            user = await bot.fetch_user(support.people(practice.world)[0].id)
            await (await user.send("Good morning", nonce="ob-1")).delete()
            with pytest.raises(discord.NotFound) as caught:
                await user.send("Good morning", nonce="ob-1")
            assert caught.value.code == 10008

    async def test_with_a_file_keep_their_text(self, practice: PracticeServer) -> None:
        ada = support.people(practice.world)[0]
        async with connected(practice) as bot:
            await (await bot.fetch_user(ada.id)).send("See this", file=discord.File(io.BytesIO(b"x"), "x.txt"))
        assert practice.dm_texts(ada.id) == ["See this"]

    async def test_go_by_a_kept_channel_id(self, practice: PracticeServer) -> None:
        ada = support.people(practice.world)[0]
        channel_id = practice.channel_for(ada.id, "dm").id
        async with connected(practice) as bot:
            place = bot.get_partial_messageable(channel_id, type=discord.ChannelType.private)
            await place.send("Hello")
            assert (await soon(practice.sent.get())).channel_id == channel_id
        assert not [each for each in practice.requests if each.path == "/users/@me/channels"]

    async def test_over_2000_characters_are_refused(self, practice: PracticeServer) -> None:
        ada = support.people(practice.world)[0]
        async with connected(practice) as bot:
            user = await bot.fetch_user(ada.id)
            await user.send("x" * 2_000)
            with pytest.raises(discord.HTTPException) as caught:
                await user.send("x" * 2_001)
            assert (caught.value.status, caught.value.code) == (400, 50035)
            assert practice.sent.qsize() == 1

    @pytest.mark.parametrize(
        ("embeds", "field"),
        [
            ([discord.Embed(title="x" * 257)], "embeds.0.title"),
            ([discord.Embed(description="x" * 4_097)], "embeds.0.description"),
            ([discord.Embed().set_footer(text="x" * 2_049)], "embeds.0.footer.text"),
            ([discord.Embed().add_field(name="x" * 257, value="y")], "embeds.0.fields.0.name"),
            ([discord.Embed().add_field(name="x", value="")], "embeds.0.fields.0.value"),
            ([discord.Embed(description="x" * 3_001)] * 2, "embeds"),
        ],
    )
    async def test_with_too_large_embeds_are_refused(
        self, practice: PracticeServer, embeds: list[discord.Embed], field: str
    ) -> None:
        async with connected(practice) as bot:
            user = await bot.fetch_user(support.people(practice.world)[0].id)
            with pytest.raises(discord.HTTPException) as caught:
                await user.send(embeds=embeds)
            assert (caught.value.code, f"In {field}:" in str(caught.value)) == (50035, True)
            await user.send(embeds=[discord.Embed(description="x" * 3_000)] * 2)

    async def test_may_have_the_newer_components(self, practice: PracticeServer) -> None:
        ada = support.people(practice.world)[0]

        class Page(discord.ui.LayoutView):
            text = discord.ui.TextDisplay["Page"]("Hello")
            row = discord.ui.ActionRow["Page"](discord.ui.Button(label="Yes", custom_id="yes"))

        async with connected(practice) as bot:
            user = await bot.fetch_user(ada.id)
            message = await user.send(view=Page())
            assert message.flags.components_v2
            row = await soon(practice.sent.get())
            pressed = await practice.press_button(ada.id, row, "yes")
            assert [answer.content for answer in pressed.answers] == ["pressed"]
            await message.edit(view=Page())
            with pytest.raises(discord.HTTPException) as caught:
                await user.send("Text beside it", view=Page())
            assert caught.value.code == 50035

    async def test_to_somebody_who_left_are_refused(self, practice: PracticeServer) -> None:
        ada = support.people(practice.world)[0]
        async with connected(practice) as bot:
            await practice.member_leaves(ada.id)
            assert await soon(bot.left.get()) == ada.id
            with pytest.raises(discord.Forbidden) as caught:
                await (await bot.fetch_user(ada.id)).send("Come back")
            assert caught.value.code == 50278
            await practice.member_joins(ada.id)
            assert (await soon(bot.joined.get())).id == ada.id
            await (await bot.fetch_user(ada.id)).send("Welcome back")

    async def test_can_be_edited_deleted_and_reacted_to(self, practice: PracticeServer) -> None:
        ada = support.people(practice.world)[0]
        async with connected(practice, intents=discord.Intents.default()) as bot:
            message = await (await bot.fetch_user(ada.id)).send("Wrong")
            assert (await message.edit(content="Right")).content == "Right"
            await message.add_reaction("✅")
            row = practice.world.message(message.channel.id, message.id)
            assert (row.content, row.reactions) == ("Right", {"✅": {BOT_USER_ID}})
            await practice.member_reacts(ada.id, row, "👍")
            seen = [await soon(bot.reacted.get()), await soon(bot.reacted.get())]
            assert [(each.user_id, str(each.emoji)) for each in seen] == [(BOT_USER_ID, "✅"), (ada.id, "👍")]
            await message.delete()
            assert practice.dm_texts(ada.id) == []

    async def test_to_an_unknown_channel_are_refused(self, practice: PracticeServer) -> None:
        async with connected(practice) as bot:
            with pytest.raises(discord.NotFound) as caught:
                await bot.get_partial_messageable(123).send("Hello")
            assert caught.value.code == 10003


class TestChannelMessages:
    async def test_hide_their_text_without_the_intent(self, practice: PracticeServer) -> None:
        ada, place = support.people(practice.world)[0], next(practice.world.channels())
        async with connected(practice) as bot:
            await practice.member_says(ada.id, place.id, "Just talking")
            await practice.member_says(ada.id, place.id, f"<@{BOT_USER_ID}> hello")
            assert (await soon(bot.heard.get())).content == ""
            mention = await soon(bot.heard.get())
            assert mention.content == f"<@{BOT_USER_ID}> hello"
            assert mention.guild.name == "Lantern Works"
            assert isinstance(mention.author, discord.Member)

    async def test_page_through_the_history(self, practice: PracticeServer) -> None:
        ada, place = support.people(practice.world)[0], next(practice.world.channels())
        rows = [await practice.member_says(ada.id, place.id, str(n)) for n in range(7)]
        async with connected(practice) as bot:
            channel = bot.get_channel(place.id)
            assert isinstance(channel, discord.TextChannel)

            async def texts(**edges: discord.Object) -> list[str]:
                return [message.content async for message in channel.history(limit=3, **edges)]  # type: ignore[arg-type]

            assert await texts() == ["6", "5", "4"]
            assert await texts(before=discord.Object(rows[4].id)) == ["3", "2", "1"]
            assert await texts(after=discord.Object(rows[2].id)) == ["3", "4", "5"]
            assert sorted(await texts(around=discord.Object(rows[3].id))) == ["2", "3", "4"]


class TestCommands:
    async def test_answer_by_prefix_in_private(self, practice: PracticeServer) -> None:
        ada = support.people(practice.world)[0]
        async with connected(practice):
            await practice.member_says(ada.id, "dm", "!hello Ada")
            assert (await soon(practice.sent.get())).content == "Hello Ada"

    @pytest.mark.parametrize("private", [True, False])
    async def test_answer_by_slash_for_one_reader(self, practice: PracticeServer, private: bool) -> None:
        ada, place = support.people(practice.world)[0], next(practice.world.channels())
        async with connected(practice):
            where = "dm" if private else place.id
            (answer,) = await practice.invoke_slash(ada.id, "hello", {"name": "Ada"}, where=where)
            assert (answer.content, answer.ephemeral_for) == ("Hello Ada", ada.id)
            assert practice.world.messages[practice.channel_for(ada.id, where).id] == {}

    async def test_may_think_first_and_answer_twice(self, practice: PracticeServer) -> None:
        ada = support.people(practice.world)[0]
        async with connected(practice):
            answers = await practice.invoke_slash(ada.id, "think", answers=2)
            assert [answer.content for answer in answers] == ["first", "second"]
            assert answers[0].is_ephemeral

    async def test_have_subcommands_and_typed_options(self, practice: PracticeServer) -> None:
        ada, bruno = support.people(practice.world)[:2]
        async with connected(practice):
            (answer,) = await practice.invoke_slash(ada.id, "settings pause", {"days": 2, "who": bruno.id})
            assert answer.content == "3 bruno"
            assert not answer.is_ephemeral

    @pytest.mark.parametrize(
        ("options", "told"),
        [
            ({}, "days is required"),
            ({"days": "2"}, "days is a number"),
            ({"days": True}, "days is a number"),
            ({"days": 0}, "too small"),
            ({"days": 31}, "too large"),
            ({"days": 2, "why": "because"}, "not one of the choices"),
            ({"days": 2, "note": "x" * 11}, "too long"),
        ],
    )
    def test_are_checked_as_the_app_does(self, options: dict[str, object], told: str) -> None:
        pause: dict[str, object] = {
            "name": "pause",
            "type": 1,
            "options": [
                {"name": "days", "type": 4, "required": True, "min_value": 1, "max_value": 30},
                {"name": "why", "type": 3, "choices": [{"name": "Busy", "value": "busy"}]},
                {"name": "note", "type": 3, "max_length": 10},
            ],
        }
        community = PracticeServer(World.example()).community
        community.register([{"name": "settings", "description": "x", "options": [pause]}], guild_id=None)
        ada = support.people(community.world)[0]
        place = community.world.open_dm(ada.id, BOT_USER_ID)
        with pytest.raises(NotAllowed, match=told):
            community.use_command(ada.id, place, "settings pause", options)
        community.use_command(ada.id, place, "settings pause", options, force=True)
        community.use_command(ada.id, place, "settings pause", {"days": 30, "why": "busy", "note": "x" * 10})

    async def test_that_nobody_registered_are_unknown(self, practice: PracticeServer) -> None:
        with pytest.raises(UnknownThing):
            await practice.invoke_slash(support.people(practice.world)[0].id, "nothing")

    async def test_answered_too_late_are_unknown(self, practice: PracticeServer) -> None:
        ada = support.people(practice.world)[0]
        start = practice.community.now()
        async with connected(practice) as bot:
            practice.use_command(ada.id, "hello")
            practice.community.clock = lambda: start + timedelta(seconds=10)
            error = await soon(bot.failed.get())
            while error.__cause__ is not None:
                error = error.__cause__
            assert isinstance(error, discord.NotFound)
            assert error.code == 10062

    async def test_without_an_answer_time_out(self, practice: PracticeServer) -> None:
        practice.community.register([{"name": "silence", "description": "", "type": 1}], guild_id=None)
        with pytest.raises(TimeoutError):
            await practice.invoke_slash(support.people(practice.world)[0].id, "silence", within=0.01)

    async def test_have_buttons(self, practice: PracticeServer) -> None:
        ada = support.people(practice.world)[0]
        async with connected(practice) as bot:
            view = discord.ui.View(timeout=None)
            view.add_item(discord.ui.Button(label="Yes", custom_id="yes"))
            await (await bot.fetch_user(ada.id)).send("Shall I?", view=view)
            row = await practice.press_button(ada.id, await soon(practice.sent.get()), "yes")
            pressed = await soon(bot.pressed.get())
            assert pressed.message.content == "Shall I?"
            assert [answer.content for answer in row.answers] == ["pressed"]

    async def test_keep_their_ids_when_registered_again(self, practice: PracticeServer) -> None:
        async with connected(practice) as bot:
            first = {command.name: command.id for command in await bot.tree.fetch_commands()}
            assert set(first) == {"hello", "think", "settings"} | {"help"} & set(first)
            await bot.tree.sync()
            assert {command.name: command.id for command in await bot.tree.fetch_commands()} == first


class TestLoopback:
    @pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org", ""])  # noqa: S104
    def test_is_the_only_place_to_listen(self, host: str) -> None:
        with pytest.raises(ValueError, match="listens on this machine only"):
            PracticeServer(World.example(), host=host)

    @pytest.mark.parametrize("path", ["", "chat/chat.js", "chat/ws", "api/v10/gateway", "gateway"])
    async def test_names_only_are_answered(self, practice: PracticeServer, path: str) -> None:
        async with aiohttp.ClientSession() as session:
            for host in ("evil.example", f"evil.example:{practice.port}", "127.0.0.1.evil.example", ""):
                async with session.get(practice.chat_url + path, headers={"Host": host}) as response:
                    assert response.status == 403, host

    @pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "[::1]"])
    async def test_has_three_names(self, practice: PracticeServer, name: str) -> None:
        headers = {"Host": f"{name}:{practice.port}"}
        async with aiohttp.ClientSession() as session, session.get(practice.chat_url, headers=headers) as response:
            assert response.status == 200

    @pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:1"])
    async def test_takes_nothing_from_another_page(self, practice: PracticeServer, origin: str) -> None:
        async with aiohttp.ClientSession() as session:
            for path in ("chat/ws", "gateway"):
                with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
                    await session.ws_connect(practice.chat_url + path, headers={"Origin": origin})
                assert caught.value.status == 403
