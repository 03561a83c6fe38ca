import io
from pathlib import Path
from typing import Any

import aiohttp
import discord
import pytest

from bots.practice import uploads
from bots.practice.journal import Journal
from bots.practice.server import PracticeServer
from bots.practice.world import Attachment, Message, World, snowflake_time
from tests.bots import support
from tests.bots.practice.bot import connected, soon


def file(name: str = "my-data.json", data: bytes = b"{}") -> discord.File:
    return discord.File(io.BytesIO(data), name)


class TestFiles:
    async def test_come_with_a_message(self, practice: PracticeServer) -> None:
        ada = support.people(practice.world)[0]
        async with connected(practice) as bot:
            message = await (await bot.fetch_user(ada.id)).send(files=[file(), file("ü <b>.txt", b"hello")])
            row = await soon(practice.sent.get())
            assert [(each.filename, each.size, each.content_type) for each in row.attachments] == [
                ("my-data.json", 2, "application/json"),
                ("ü <b>.txt", 5, "text/plain; charset=utf-8"),
            ]
            assert [await each.read() for each in message.attachments] == [b"{}", b"hello"]

    async def test_are_downloads_only(self, practice: PracticeServer) -> None:
        ada = support.people(practice.world)[0]
        async with connected(practice) as bot, aiohttp.ClientSession() as session:
            message = await (await bot.fetch_user(ada.id)).send(file=file("a.html", b"<script>"))
            async with session.get(message.attachments[0].url) as response:
                assert response.headers["Content-Disposition"] == "attachment; filename*=UTF-8''a.html"
                assert response.headers["X-Content-Type-Options"] == "nosniff"
                assert await response.read() == b"<script>"
            await message.delete()
            async with session.get(message.attachments[0].url) as response:
                assert response.status == 404

    async def test_come_with_private_answers_and_go_with_edits(self, practice: PracticeServer) -> None:
        ada = support.people(practice.world)[0]

        async def act(interaction: discord.Interaction[Any]) -> None:
            await interaction.response.send_message("Yours", file=file(), ephemeral=True)
            await interaction.followup.send("More", file=file("more.csv"), ephemeral=True)
            await interaction.edit_original_response(attachments=[file("new.json", b"[1]")])

        async with connected(practice) as bot:
            bot.acts["yes"] = act
            view = discord.ui.View(timeout=None)
            view.add_item(discord.ui.Button(label="Yes", custom_id="yes"))
            await (await bot.fetch_user(ada.id)).send("Export?", view=view)
            asked = await practice.press_button(ada.id, await soon(practice.sent.get()), "yes")
            await soon(bot.pressed.get())
            assert [[each.filename for each in row.attachments] for row in asked.answers] == [
                ["new.json"],
                ["more.csv"],
            ]
            assert asked.answers[0].is_ephemeral
            number = asked.answers[0].attachments[0].id
            assert practice.world.attachments[number].data == b"[1]"

    async def test_that_are_too_large_are_refused(self, practice: PracticeServer) -> None:
        ada = support.people(practice.world)[0]
        async with connected(practice) as bot:
            user = await bot.fetch_user(ada.id)
            for size in (uploads.LARGEST_FILE + 1, 33 << 20):
                with pytest.raises(discord.HTTPException) as caught:
                    await user.send(file=file(data=bytes(size)))
                assert (caught.value.status, caught.value.code) == (413, 40005)
        assert practice.sent.empty()

    async def test_are_named_in_the_journal_without_their_data(self, tmp_path: Path) -> None:
        path = tmp_path / "chat.jsonl"
        ada = support.people(World.example())[0]
        async with PracticeServer(World.example(), journal=Journal(path)) as first:
            with support.discord_pointed_at(first):
                async with connected(first) as bot:
                    await (await bot.fetch_user(ada.id)).send("See", file=file(data=b"secret"))
            row = await soon(first.sent.get())
        assert "secret" not in path.read_text()
        async with PracticeServer(World.example(), journal=Journal(path)) as second:
            again = second.world.message(row.channel_id, row.id)
            assert again == row
            assert [each.data for each in again.attachments] == [b""]
            name = f"attachments/{row.channel_id}/{row.attachments[0].id}/my-data.json"
            async with aiohttp.ClientSession() as session, session.get(second.chat_url + name) as response:
                assert response.status == 404
                assert "in memory only" in await response.text()


class TestKeeping:
    def test_empties_the_oldest_when_it_is_too_much(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("bots.practice.world.MOST_FILE_BYTES", 5)
        world = World.example()
        place = next(world.channels())
        now = snowflake_time(place.id)
        for number, data in enumerate((b"abc", b"de", b"f")):
            files = [Attachment(number, "x", "text/plain", len(data), data)]
            world.add_message(Message(world.new_id(now), place.id, world.bot.id, "", now, attachments=files))
        assert [each.data for each in world.attachments.values()] == [b"", b"de", b"f"]
