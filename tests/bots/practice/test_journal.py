from pathlib import Path

from bots.practice.journal import Journal
from bots.practice.server import PracticeServer
from bots.practice.world import BOT_USER_ID, User, World, snowflake
from tests.bots import support
from tests.bots.practice.bot import connected, soon


def server(path: Path) -> PracticeServer:
    return PracticeServer(World.example(), journal=Journal(path))


class TestJournal:
    async def test_keeps_who_joined(self, tmp_path: Path) -> None:
        path = tmp_path / "chat.jsonl"
        async with server(path) as first:
            await first.member_joins(User(1_345_000_000_000_000_000, "gus", "Gus Lind"))
            (guild,) = first.world.guilds.values()
            await first.member_leaves(support.people(first.world)[0].id)
        async with server(path) as second:
            assert set(second.world.guild(guild.id).members) == set(guild.members)
            assert second.world.user(1_345_000_000_000_000_000).display_name == "Gus Lind"

    async def test_keeps_the_chat_and_the_commands(self, tmp_path: Path) -> None:
        path = tmp_path / "deep" / "chat.jsonl"
        ada = support.people(World.example())[0]
        async with server(path) as first:
            with support.discord_pointed_at(first):
                async with connected(first):
                    await first.member_says(ada.id, "dm", "!hello Ada")
                    await soon(first.sent.get())
                    gone = await first.member_says(ada.id, "dm", "Never mind")
                    first.community.delete(gone)
                    await first.invoke_slash(ada.id, "hello")
            dm = first.channel_for(ada.id, "dm").id
            messages, commands = first.world.messages[dm], first.world.commands
        async with server(path) as second:
            assert second.world.messages[dm] == messages
            assert [row.content for row in messages.values()] == ["!hello Ada", "Hello Ada"]
            assert second.world.commands == commands
            later = await second.bot_says(dm, "Back again")
            assert later.id > max(messages)
        async with server(path) as third:
            assert third.dm_texts(ada.id) == ["Hello Ada", "Back again"]

    async def test_keeps_nonces(self, tmp_path: Path) -> None:
        path = tmp_path / "chat.jsonl"
        async with server(path) as first:
            place = first.channel_for(support.people(first.world)[0].id, "dm")
            row = first.community.post(place.id, BOT_USER_ID, "Hello", nonce="ob-3")
        async with server(path) as second:
            again = second.world.with_nonce(BOT_USER_ID, "ob-3", now=row.sent_at)
            assert again is not None
            assert again.id == row.id

    async def test_drops_a_line_cut_short(self, tmp_path: Path) -> None:
        path = tmp_path / "chat.jsonl"
        async with server(path) as first:
            ada = support.people(first.world)[0]
            await first.member_says(ada.id, "dm", "One")
        whole = path.read_bytes()
        path.write_bytes(whole + whole[:40])
        async with server(path) as second:
            await second.member_says(ada.id, "dm", "Two")
        async with server(path) as third:
            rows = third.world.messages[third.channel_for(ada.id, "dm").id].values()
            assert [row.content for row in rows] == ["One", "Two"]

    async def test_passes_over_who_is_not_there(self, tmp_path: Path) -> None:
        path = tmp_path / "chat.jsonl"
        async with server(path) as first:
            ada = support.people(first.world)[0]
            await first.member_says(ada.id, "dm", "Hello")
            await first.member_leaves(ada.id)
        other = World()
        now = first.community.now()
        other.add_guild(snowflake(now), "Elsewhere", owner_id=BOT_USER_ID, now=now)
        async with PracticeServer(other, journal=Journal(path)) as second:
            assert second.world.direct == {}
