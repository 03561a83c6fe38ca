import contextlib
import re
import shutil
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import discord
import pytest
from playwright.async_api import Page, async_playwright, expect

from bots.practice.chat import STATIC
from bots.practice.server import PracticeServer
from bots.practice.world import BOT_USER_ID
from tests.bots import support
from tests.bots.practice.bot import connected, soon

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


class Pane:
    """An open chat page without a browser: what it is told, and what it asks."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket

    async def ask(self, **payload: Any) -> None:
        await self.socket.send_json(payload)

    async def hear(self, kind: str) -> dict[str, Any]:
        """Return the next thing of a kind, passing over others."""
        while True:
            said: dict[str, Any] = await soon(self.socket.receive_json())
            if said["t"] == kind:
                return said

    async def become(self, user_id: int) -> str:
        await self.ask(t="become", user=str(user_id))
        return str((await self.hear("you"))["dm"])


@contextlib.asynccontextmanager
async def pane(server: PracticeServer) -> AsyncIterator[Pane]:
    async with aiohttp.ClientSession() as session, session.ws_connect(server.chat_url + "chat/ws") as socket:
        yield Pane(socket)


class TestChatSocket:
    async def test_begins_with_the_whole_community(self, practice: PracticeServer) -> None:
        async with pane(practice) as page:
            welcome = await page.hear("welcome")
        assert [each["name"] for each in welcome["people"]][:2] == ["Ada Quill", "Bruno Vega"]
        assert [each["name"] for each in welcome["guilds"][0]["channels"]] == ["welcome", "general", "events"]
        assert welcome["online"] is False
        assert welcome["commands"] == []

    async def test_tells_of_the_bot_and_its_commands(self, practice: PracticeServer) -> None:
        async with pane(practice) as page:
            async with connected(practice):
                assert {each["name"] for each in (await page.hear("commands"))["commands"]} >= {"hello", "think"}
                assert (await page.hear("status"))["online"] is True
            assert (await page.hear("status"))["online"] is False

    async def test_brings_a_message_to_the_bot_and_the_answer_back(self, practice: PracticeServer) -> None:
        ada = support.people(practice.world)[0]
        async with connected(practice), pane(practice) as page:
            dm = await page.become(ada.id)
            await page.ask(t="say", channel=dm, text="!hello <b>Ada</b>")
            assert (await page.hear("message"))["message"]["author"]["name"] == "Ada Quill"
            answer = (await page.hear("message"))["message"]
            assert (answer["text"], answer["author"]["bot"]) == ("Hello <b>Ada</b>", True)
            await page.ask(t="open", channel=dm)
            assert [each["text"] for each in (await page.hear("history"))["messages"]] == [
                "!hello <b>Ada</b>",
                "Hello <b>Ada</b>",
            ]

    async def test_shows_a_private_answer_to_its_asker_only(self, practice: PracticeServer) -> None:
        ada, bruno = support.people(practice.world)[:2]
        place = next(practice.world.channels())
        async with connected(practice), pane(practice) as asker, pane(practice) as other:
            await asker.become(ada.id)
            await other.become(bruno.id)
            await asker.ask(t="slash", channel=str(place.id), name="hello", options={"name": "Ada"})
            answer = (await asker.hear("message"))["message"]
            assert (answer["text"], answer["ephemeral"]) == ("Hello Ada", True)
            assert answer["used"] == {"by": "Ada Quill", "command": "hello"}
            await asker.ask(t="say", channel=str(place.id), text="Thanks")
            assert (await other.hear("message"))["message"]["text"] == "Thanks"

    async def test_keeps_private_conversations_private(self, practice: PracticeServer) -> None:
        ada, bruno = support.people(practice.world)[:2]
        async with connected(practice) as bot, pane(practice) as page:
            await page.become(bruno.id)
            message = await (await bot.fetch_user(ada.id)).send("For Ada")
            assert (await page.hear("elsewhere"))["user"] == str(ada.id)
            await page.ask(t="open", channel=str(message.channel.id))
            assert "not in that channel" in (await page.hear("error"))["text"]

    async def test_tells_when_the_bot_does_not_answer(self, practice: PracticeServer) -> None:
        ada = support.people(practice.world)[0]
        async with connected(practice), pane(practice) as page:
            practice.community.register([{"name": "silence", "description": "", "type": 1}], guild_id=None)
            dm = await page.become(ada.id)
            await page.ask(t="slash", channel=dm, name="silence", options={})
            assert (await page.hear("answered"))["state"] == "failed"

    @pytest.mark.parametrize(
        ("asked", "told"),
        [
            ({"t": "slash", "name": "hello", "options": {}}, "not connected"),
            ({"t": "say", "text": " "}, "between 1 and 2,000"),
            ({"t": "say", "text": "x" * 2_001}, "between 1 and 2,000"),
            ({"t": "say"}, "does not understand"),
            ({"t": "unheard of"}, "does not understand"),
            ({"t": "become", "user": str(BOT_USER_ID)}, "Bots play themselves"),
            ({"t": "press", "message": "1", "custom_id": "x"}, "not connected"),
        ],
    )
    async def test_refuses_with_a_sentence(self, practice: PracticeServer, asked: dict[str, Any], told: str) -> None:
        async with pane(practice) as page:
            dm = await page.become(support.people(practice.world)[0].id)
            await page.ask(**({"channel": dm} | asked))
            assert told in (await page.hear("error"))["text"]
        assert practice.world.messages[int(dm)] == {}


class TestChatFiles:
    async def test_name_no_other_place(self, practice: PracticeServer) -> None:
        async with aiohttp.ClientSession() as session:
            for path in ("", "chat/chat.css", "chat/chat.js"):
                async with session.get(practice.chat_url + path) as response:
                    assert response.status == 200
                    assert "default-src 'none'" in response.headers["Content-Security-Policy"]
                    assert not re.search(r"(src|href|url|import)\W{1,3}(https?:)?//", await response.text())

    def test_write_text_as_text(self) -> None:
        assert not re.search(
            r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", (STATIC / "chat.js").read_text()
        )


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
class TestInABrowser:
    @contextlib.asynccontextmanager
    async def page(self, practice: PracticeServer, **options: Any) -> AsyncIterator[Page]:
        async with async_playwright() as player:
            arguments = ["--no-sandbox", "--headless=new"]
            browser = await player.chromium.launch(executable_path=CHROMIUM, args=arguments)
            page = await browser.new_page(**options)
            faults: list[str] = []
            asked: list[str] = []
            page.on("pageerror", lambda error: faults.append(str(error)))
            page.on("console", lambda line: faults.append(line.text) if line.type == "error" else None)
            page.on("request", lambda request: asked.append(request.url))
            await page.goto(practice.chat_url)
            yield page
            await browser.close()
            assert faults == []
            assert [url for url in asked if not url.startswith((practice.chat_url, "data:"))] == []

    async def test_the_keyboard_is_enough(self, practice: PracticeServer) -> None:
        async with connected(practice) as bot, self.page(practice) as page:
            ada = support.people(practice.world)[0]
            await page.get_by_role("searchbox", name="Search members").focus()
            await page.keyboard.type("ada")
            await page.keyboard.press("Enter")
            box = page.get_by_role("textbox", name="Message to Checkback")
            await expect(box).to_be_visible()
            await box.focus()
            await page.keyboard.type("!hello <img src=x onerror=alert(1)>")
            await page.keyboard.press("Enter")
            await expect(page.get_by_role("log")).to_contain_text("Hello <img")
            await page.keyboard.type("one")
            await page.keyboard.press("Shift+Enter")
            await page.keyboard.type("two")
            await page.keyboard.press("Enter")
            for _ in range(10):
                if (await soon(bot.heard.get())).content == "one\ntwo":
                    break
            await page.keyboard.type("/")
            await expect(page.get_by_role("option")).to_have_count(await self.count(practice))
            await page.keyboard.type("hel")
            await expect(page.get_by_role("option").first).to_contain_text("Say hello.")
            await page.keyboard.press("Escape")
            await page.keyboard.press("Control+A")
            await page.keyboard.type("/hello")
            await page.keyboard.press("Enter")
            await page.keyboard.type("world")
            await page.keyboard.press("Enter")
            await expect(page.get_by_text("Only you can see this")).to_be_visible()
            await page.get_by_role("button", name="Dismiss message").press("Enter")
            await expect(page.get_by_text("Only you can see this")).to_have_count(0)
            assert practice.dm_texts(ada.id)[0] == "Hello <img"

    async def count(self, practice: PracticeServer) -> int:
        """Return how many commands the menu shows: a group is shown as its parts."""
        groups = [[each for each in row["options"] if each["type"] == 1] for row in practice.world.commands[None]]
        return sum(len(group) or 1 for group in groups)

    async def test_a_phone_shows_one_thing_at_a_time(self, practice: PracticeServer) -> None:
        bruno = support.people(practice.world)[1]
        screen = {"width": 360, "height": 700}
        async with connected(practice) as bot, self.page(practice, viewport=screen, color_scheme="dark") as page:
            await (await bot.fetch_user(bruno.id)).send("See https://example.org and **this**, not javascript:alert(1)")
            row = page.get_by_role("button", name="Bruno Vega")
            await expect(row).to_contain_text("private message")
            await row.click()
            await page.get_by_role("button", name="Checkback online").click()
            await expect(page.get_by_role("link", name="https://example.org")).to_be_visible()
            assert await page.locator("strong", has_text="this").count() == 1
            assert await page.evaluate("document.documentElement.scrollWidth") == 360
            await expect(row).not_to_be_visible()
            await page.go_back()
            await page.get_by_role("button", name="Back to the members").click()
            await expect(row).to_be_visible()
            await expect(row).not_to_contain_text("private message")

    async def test_buttons_can_be_pressed(self, practice: PracticeServer) -> None:
        ada = support.people(practice.world)[0]
        async with connected(practice) as bot, self.page(practice) as page:
            view = discord.ui.View(timeout=None)
            view.add_item(discord.ui.Button(label="Yes please", custom_id="yes"))
            await (await bot.fetch_user(ada.id)).send("Shall I?", view=view)
            await page.get_by_role("button", name="Ada Quill").click()
            await page.get_by_role("button", name="Yes please").click()
            await expect(page.get_by_text("pressed", exact=True)).to_be_visible()
