import contextlib
import io
import re
import shutil
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import aiohttp
import discord
import pytest
import pytest_asyncio
from playwright.async_api import Browser, Locator, Page, async_playwright, expect

from bots.practice import permissions
from bots.practice.chat import MODULES, SHEETS, STATIC
from bots.practice.server import PracticeServer
from bots.practice.world import BOT_USER_ID, Message
from tests.bots import support
from tests.bots.practice.bot import connected, soon
from tests.bots.practice.panel import PanelBot

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
    async def test_begins_with_the_people_and_their_communities(self, practice: PracticeServer) -> None:
        async with pane(practice) as page:
            welcome = await page.hear("welcome")
        assert [each["name"] for each in welcome["people"]][:2] == ["Ada Quill", "Bruno Vega"]
        assert [each["name"] for each in welcome["guilds"]] == ["Lantern Works"]
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
            practice.chat.patience = 0.01
            practice.community.register([{"name": "silence", "description": "", "type": 1}], guild_id=None)
            dm = await page.become(ada.id)
            await page.ask(t="slash", channel=dm, name="silence", options={})
            assert (await page.hear("answered"))["state"] == "failed"

    async def test_shows_a_member_the_channels_that_are_theirs(self, practice: PracticeServer) -> None:
        ada, bruno, chiyo = support.people(practice.world)[:3]
        room = next(practice.world.channels())
        practice.community.open_thread(room, ada.id, "Secret", is_private=True)
        async with pane(practice) as page:
            seen = {}
            for user in (ada, bruno, chiyo):
                await page.ask(t="become", user=str(user.id))
                (guild,) = (await page.hear("people"))["guilds"]
                seen[user.id] = [(each["name"], each["parent"]) for each in guild["channels"]]
            practice.community.open_thread(room, chiyo.id, "Open")
            (guild,) = (await page.hear("people"))["guilds"]
        rooms = [("welcome", None), ("general", None), ("events", None)]
        assert seen == {ada.id: [*rooms, ("Secret", str(room.id))], bruno.id: seen[ada.id], chiyo.id: rooms}
        assert guild["channels"][-1]["name"] == "Open"
        assert int(guild["permissions"]) == permissions.EVERYONE

    async def test_lets_a_member_reply_edit_react_and_delete(self, practice: PracticeServer) -> None:
        ada = support.people(practice.world)[0]
        async with pane(practice) as page:
            dm = await page.become(ada.id)
            said = await practice.bot_says(int(dm), "How are you?")
            await page.hear("message")
            await page.ask(t="say", channel=dm, text="Wel", reply_to=str(said.id))
            answer = (await page.hear("message"))["message"]
            assert answer["reply"] == {"id": str(said.id), "name": "Checkback", "text": "How are you?"}
            about = {"channel": dm, "message": answer["id"]}
            await page.ask(t="edit", text="Well", **about)
            edited = (await page.hear("edited"))["message"]
            assert (edited["text"], edited["edited"]) == ("Well", True)
            await page.ask(t="react", emoji="🎉", channel=dm, message=str(said.id))
            assert (await page.hear("edited"))["message"]["reactions"] == [{"emoji": "🎉", "count": 1, "me": True}]
            await page.ask(t="react", emoji="🎉", channel=dm, message=str(said.id))
            assert (await page.hear("edited"))["message"]["reactions"] == []
            await page.ask(t="delete", **about)
            assert (await page.hear("deleted"))["message"]["id"] == answer["id"]
        assert [row.content for row in practice.world.messages[int(dm)].values()] == ["How are you?"]

    async def test_says_what_became_of_a_press_a_form_and_a_completion(self, practice: PracticeServer) -> None:
        ada = support.people(practice.world)[0]
        async with connected(practice, PanelBot()), pane(practice) as page:
            dm = await page.become(ada.id)
            await page.ask(t="complete", channel=dm, name="hello", options={"name": "A"}, focused="name", ref=1)
            assert [each["name"] for each in (await page.hear("answered"))["choices"]] == ["Ada", "Alma"]
            await page.ask(t="slash", channel=dm, name="staff", options={}, ref=10)
            assert "in a server" in (await page.hear("error"))["text"]
            await page.ask(t="slash", channel=dm, name="panel", options={}, ref=2)
            panel = (await page.hear("message"))["message"]
            press = {"t": "press", "channel": dm, "message": panel["id"]}
            await page.ask(**press, custom_id="colours", values=["Amber", "Blue"], ref=3)
            assert (await page.hear("edited"))["message"]["text"] == "Chose Amber, Blue"
            await page.ask(**press, custom_id="form", ref=4)
            while (opened := await page.hear("answered"))["state"] != "form":
                pass
            assert opened["form"]["title"] == "A <b>note</b>"
            form = {"t": "submit", "interaction": opened["interaction"]}
            await page.ask(**form, values={"title": "No", "body": ""}, ref=5)
            refused = await page.hear("error")
            assert (refused["ref"], refused["text"]) == (5, "Write between 3 and 20 characters.")
            await page.ask(**form, values={"title": "Yes", "body": ""}, ref=6)
            assert (await page.hear("edited"))["message"]["text"] == "Wrote Yes / "
            await page.ask(**press, custom_id="off", ref=7)
            assert "switched off" in (await page.hear("error"))["text"]
            await page.ask(t="dismiss", message=panel["id"])
            await page.ask(**press, custom_id="form", ref=8)
            assert (await page.hear("error"))["text"] == "That message is gone."

    @pytest.mark.parametrize(
        ("asked", "told"),
        [
            ({"t": "slash", "name": "hello", "options": {}}, "not connected"),
            ({"t": "say", "text": " "}, "between 1 and 2,000"),
            ({"t": "say", "text": "x" * 2_001}, "between 1 and 2,000"),
            ({"t": "say", "text": "x", "reply_to": "1"}, "is gone"),
            ({"t": "say"}, "does not understand"),
            ({"t": "edit", "message": "{bot}", "text": "Mine"}, "Only its author"),
            ({"t": "edit", "message": "{own}", "text": " "}, "between 1 and 2,000"),
            ({"t": "edit", "message": "1", "text": "x"}, "is gone"),
            ({"t": "delete", "message": "{bot}"}, "do not have permission"),
            ({"t": "react", "message": "{bot}", "emoji": "x" * 33}, "one emoji"),
            ({"t": "react", "message": "{bot}", "emoji": ""}, "one emoji"),
            ({"t": "unheard of"}, "does not understand"),
            ({"t": ["say"]}, "does not understand"),
            ({"t": "become", "user": str(BOT_USER_ID)}, "Bots play themselves"),
            ({"t": "press", "message": "1", "custom_id": "x"}, "not connected"),
            ({"t": "submit", "interaction": "1", "values": {}}, "not connected"),
        ],
    )
    async def test_refuses_with_a_sentence(self, practice: PracticeServer, asked: dict[str, Any], told: str) -> None:
        ada = support.people(practice.world)[0]
        async with pane(practice) as page:
            dm = await page.become(ada.id)
            known = {
                "{bot}": await practice.bot_says(int(dm), "Hi"),
                "{own}": await practice.member_says(ada.id, "dm", "Ho"),
            }
            message = known.get(str(asked.get("message")))
            asked = asked | ({"message": str(message.id)} if isinstance(message, Message) else {})
            await page.ask(**({"channel": dm, "ref": 9} | asked))
            error = await page.hear("error")
            assert told in error["text"]
            assert error["ref"] == 9
        assert [row.content for row in practice.world.messages[int(dm)].values()] == ["Hi", "Ho"]

    async def test_refuses_what_is_no_object(self, practice: PracticeServer) -> None:
        async with pane(practice) as page:
            for text in ("[]", "1", "nonsense", '"say"', "null"):
                await page.socket.send_str(text)
                assert "does not understand" in (await page.hear("error"))["text"]


class TestChatFiles:
    async def test_name_no_other_place(self, practice: PracticeServer) -> None:
        async with aiohttp.ClientSession() as session:
            paths = [f"chat/{name}.js" for name in MODULES] + [f"chat/{name}.css" for name in SHEETS]
            for path in ("", *paths):
                async with session.get(practice.chat_url + path) as response:
                    assert response.status == 200, path
                    assert "default-src 'none'" in response.headers["Content-Security-Policy"]
                    assert not re.search(r"(src|href|url|import)\W{1,3}(https?:)?//", await response.text()), path

    def test_are_all_served(self) -> None:
        found = {each.name for each in (STATIC / "chat").iterdir()}
        assert found == {f"{name}.js" for name in MODULES} | {f"{name}.css" for name in SHEETS}

    @pytest.mark.parametrize("name", MODULES)
    def test_write_text_as_text(self, name: str) -> None:
        text = (STATIC / "chat" / f"{name}.js").read_text()
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|DOMParser|srcdoc", text)


@pytest_asyncio.fixture(loop_scope="class", scope="class")
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as player:
        arguments = ["--no-sandbox", "--headless=new"]
        browser = await player.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield browser
        await browser.close()


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
@pytest.mark.asyncio(loop_scope="class")
class TestInABrowser:
    """One browser for all, a window of its own for each; the servers run in the browser's loop."""

    @pytest_asyncio.fixture(loop_scope="class")
    async def practice(self) -> AsyncIterator[PracticeServer]:
        async with support.running_practice() as server:
            yield server

    @contextlib.asynccontextmanager
    async def page(
        self, browser: Browser, practice: PracticeServer, at: str = "", **options: Any
    ) -> AsyncIterator[Page]:
        context = await browser.new_context(**options)
        page = await context.new_page()
        faults: list[str] = []
        asked: list[str] = []
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda line: faults.append(line.text) if line.type == "error" else None)
        page.on("request", lambda request: asked.append(request.url))
        await page.goto(practice.chat_url + at)
        yield page
        await context.close()
        assert faults == []
        assert [url for url in asked if not url.startswith((practice.chat_url, "data:"))] == []

    @contextlib.asynccontextmanager
    async def panel(self, browser: Browser, practice: PracticeServer) -> AsyncIterator[tuple[Page, Locator]]:
        """Open the private panel of the bot as Ada; the focus is on its first button."""
        ada = support.people(practice.world)[0]
        async with connected(practice, PanelBot()), self.page(browser, practice, f"#{ada.id}/dm") as page:
            await box(page).fill("/panel")
            await page.keyboard.press("Enter")
            await page.get_by_role("button", name="Use command").press("Enter")
            panel = page.get_by_role("log").locator("li", has_text="Only you can see this")
            await panel.get_by_role("button", name="Count").focus()
            yield page, panel

    async def test_the_keyboard_is_enough(self, browser: Browser, practice: PracticeServer) -> None:
        async with connected(practice) as bot, self.page(browser, practice) as page:
            ada = support.people(practice.world)[0]
            await page.get_by_role("searchbox", name="Search members").focus()
            await page.keyboard.type("ada")
            await page.keyboard.press("Enter")
            await expect(box(page)).to_be_focused()
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
            await expect(page.get_by_role("option")).to_have_count(self.count(practice))
            await page.keyboard.type("hel")
            await expect(page.get_by_role("option").first).to_contain_text("Say hello.")
            await page.keyboard.press("Escape")
            await page.keyboard.press("Control+A")
            await page.keyboard.type("/hello")
            await page.keyboard.press("Enter")
            await page.keyboard.type("world")
            await page.keyboard.press("Enter")
            await expect(page.get_by_text("Hello world").first).to_be_visible()
            await page.get_by_role("button", name="Dismiss message").press("Enter")
            await expect(page.get_by_role("log")).not_to_contain_text("Only you can see this")
            await expect(box(page)).to_be_focused()
            assert practice.dm_texts(ada.id)[0] == "Hello <img"

    def count(self, practice: PracticeServer) -> int:
        """Return how many commands the menu shows: a group is shown as its parts."""
        rows = practice.world.commands[None]
        groups = [[each for each in row["options"] if each["type"] == 1] for row in rows]
        return sum(len(group) or 1 for group in groups)

    async def test_a_phone_shows_one_thing_at_a_time(self, browser: Browser, practice: PracticeServer) -> None:
        bruno = support.people(practice.world)[1]
        screen = {"width": 360, "height": 700}
        shown = self.page(browser, practice, viewport=screen, color_scheme="dark", reduced_motion="reduce")
        async with connected(practice) as bot, shown as page:
            await (await bot.fetch_user(bruno.id)).send("See https://example.org and **this**, not javascript:alert(1)")
            row = page.get_by_role("button", name="Bruno Vega")
            await expect(row).to_contain_text("private message")
            await row.click()
            await page.get_by_role("button", name="Checkback online").click()
            await expect(page.get_by_role("link", name="https://example.org")).to_be_visible()
            assert await page.locator("strong", has_text="this").count() == 1
            assert await page.evaluate("document.documentElement.scrollWidth") == 360
            await expect(box(page)).to_be_in_viewport(ratio=1)
            await expect(row).not_to_be_visible()
            await page.go_back()
            await page.get_by_role("button", name="Back to the members").click()
            await expect(row).to_be_visible()
            await expect(row).not_to_contain_text("private message")
            sizes = await page.evaluate("[...document.querySelectorAll('button')].map((each) => each.offsetHeight)")
            assert min(size for size in sizes if size) >= 44

    async def test_the_focus_stays_when_the_bot_redraws_a_panel(
        self, browser: Browser, practice: PracticeServer
    ) -> None:
        async with self.panel(browser, practice) as (page, panel):
            for number in range(1, 4):
                await page.keyboard.press("Enter")  # each press gives the button another custom_id
                await expect(panel).to_contain_text(f"Counted {number}")
                await expect(panel.get_by_role("button", name="Count")).to_be_focused()
            await expect(panel.get_by_role("button", name="Off")).to_be_disabled()
            await expect(panel.get_by_role("link", name="Site")).to_have_attribute("href", "https://example.org/")

    async def test_menus_are_chosen_from_by_keyboard(self, browser: Browser, practice: PracticeServer) -> None:
        async with self.panel(browser, practice) as (page, panel):
            one = panel.get_by_role("combobox", name="One colour")
            await one.press("ArrowDown")
            await expect(page.get_by_role("option")).to_have_count(4)
            await page.keyboard.type("<b>")  # by its first letters
            await page.keyboard.press("Enter")
            await expect(panel).to_contain_text("Chose <b>Dusk</b>")
            await expect(one).to_be_focused()
            await expect(one).to_have_accessible_name("One colour: <b>Dusk</b>")
            some = panel.get_by_role("combobox", name="Some colours")
            await some.press("Enter")
            await expect(page.get_by_role("option", selected=True)).to_have_text("✓<b>Dusk</b>The <b>Dusk</b> one")
            await page.keyboard.press("Space")  # none is too few
            await expect(page.get_by_role("button", name="Done")).to_be_disabled()
            for _ in range(4):
                await page.keyboard.press("ArrowDown")
                await page.keyboard.press("Space")
            await expect(page.get_by_text("No more than 3.")).to_be_visible()
            await page.keyboard.press("Enter")
            await expect(panel).to_contain_text("Chose Amber, Blue, Crimson")
            await expect(some).to_be_focused()
            await page.keyboard.press("Enter")
            await page.keyboard.press("Space")
            await page.keyboard.press("Escape")
            await expect(some).to_have_accessible_name("Some colours: Amber, Blue, Crimson")
            await expect(some).to_have_attribute("aria-expanded", "false")

    async def test_a_form_is_filled_checked_and_sent_by_keyboard(
        self, browser: Browser, practice: PracticeServer
    ) -> None:
        async with self.panel(browser, practice) as (page, panel):
            write = panel.get_by_role("button", name="Write")
            form = page.get_by_role("dialog", name="A <b>note</b>")
            await write.press("Enter")
            title = form.get_by_role("textbox", name="Title")
            await expect(title).to_be_focused()
            await page.keyboard.press("Escape")
            await expect(form).to_have_count(0)
            await expect(write).to_be_focused()
            await page.keyboard.press("Enter")
            await expect(title).to_be_focused()
            await page.keyboard.press("Enter")
            await expect(form).to_contain_text("This must not be empty.")
            await page.keyboard.type("ab")
            await expect(form).to_contain_text("At least 3 characters, 1 more.")
            await page.keyboard.type("c")
            await page.keyboard.press("Shift+Tab")  # Tab stays inside
            await expect(form.get_by_role("button", name="Submit")).to_be_focused()
            await page.keyboard.press("Tab")
            await expect(title).to_be_focused()
            await page.keyboard.press("Tab")
            await page.keyboard.press("End")
            await page.keyboard.press("Enter")  # a line in the long field
            await page.keyboard.type("<i>more</i>")
            await page.keyboard.press("Control+Enter")
            await expect(panel).to_contain_text("Wrote abc / As before\n<i>more</i>")
            await expect(form).to_have_count(0)
            await expect(write).to_be_focused()

    async def test_a_press_without_an_answer_fails_and_can_be_repeated(
        self, browser: Browser, practice: PracticeServer
    ) -> None:
        practice.chat.patience = 0.05
        async with self.panel(browser, practice) as (page, panel):
            silent = panel.get_by_role("button", name="Silent")
            await silent.press("Enter")
            await expect(panel).to_contain_text("This interaction failed")
            await expect(silent).to_be_focused()
            practice.chat.patience = 3
            await panel.get_by_role("combobox", name="One colour").click()
            await page.get_by_role("option", name="Blue").click()
            await expect(panel).to_contain_text("Chose Blue")
            await expect(panel).not_to_contain_text("This interaction failed")
            await page.reload()
            await expect(box(page)).to_be_visible()
            await expect(page.get_by_role("log")).not_to_contain_text("Only you can see this")

    async def test_options_are_chosen_by_keyboard(self, browser: Browser, practice: PracticeServer) -> None:
        farah = support.people(practice.world)[5]
        place = next(practice.world.channels())
        at = f"#{farah.id}/{place.id}"
        async with connected(practice, PanelBot()), self.page(browser, practice, at) as page:
            await box(page, "#welcome").press_sequentially("/sta")  # for the team: she is not of it
            await expect(page.get_by_role("listbox")).to_contain_text("No command begins like that.")
            await page.keyboard.press("Control+A")
            await page.keyboard.type("/choose 3 size:lar")
            await page.keyboard.press("Enter")
            await expect(page.get_by_role("combobox", name="who")).to_be_focused()
            await page.keyboard.type("brun")
            await expect(page.get_by_role("option")).to_have_text("Bruno Vega@bruno")
            await page.keyboard.press("Enter")
            await page.keyboard.press("Enter")
            await expect(page.get_by_role("combobox", name="size")).to_have_js_property(
                "validationMessage", "Choose one of the list."
            )
            await page.get_by_role("combobox", name="size").fill("")
            await page.keyboard.press("ArrowDown")
            await page.keyboard.press("Enter")
            await page.keyboard.press("Enter")
            await expect(page.get_by_role("log")).to_contain_text("4 days, large, bruno")
            await expect(page.get_by_role("log")).to_contain_text("Farah Haddad used /choose")
            await page.get_by_role("button", name="Bruno Vega").click()  # a moderator
            await page.get_by_role("button", name="welcome").click()
            await box(page, "#welcome").press_sequentially("/sta")
            await expect(page.get_by_role("option")).to_contain_text("Only for those who look after the community.")

    async def test_own_messages_are_changed_answered_and_deleted_by_keyboard(
        self, browser: Browser, practice: PracticeServer
    ) -> None:
        ada, bruno = support.people(practice.world)[:2]
        place = next(practice.world.channels())
        async with self.page(browser, practice, f"#{ada.id}/{place.id}") as page:
            log = page.get_by_role("log")
            await box(page, "#welcome").press_sequentially("Hello @Bruno Vega")
            await page.keyboard.press("Enter")
            await expect(log.locator(".mention")).to_have_text("@Bruno Vega")
            await page.keyboard.press("ArrowUp")
            await expect(box(page, "#welcome")).to_have_value("Hello @Bruno Vega")
            await page.keyboard.type(" again")
            await page.keyboard.press("Enter")
            await expect(log).to_contain_text("Hello @Bruno Vega again (edited)")
            assert [row.content for row in practice.world.messages[place.id].values()] == [f"Hello <@{bruno.id}> again"]
            await page.keyboard.press("Shift+Tab")  # from the box to the newest message
            newest = log.get_by_role("listitem").last
            await expect(newest).to_be_focused()
            await page.keyboard.press("Enter")
            await page.keyboard.press("Enter")  # the first of the reactions
            await expect(log.get_by_role("button", name="👍 1: take yours back")).to_have_attribute(
                "aria-pressed", "true"
            )
            await newest.press("Enter")
            await page.get_by_role("menuitem", name="Reply").press("Enter")
            await page.keyboard.type("To myself")
            await page.keyboard.press("Enter")
            await expect(log).to_contain_text("In reply to Ada Quill Hello @Bruno Vega again")
            await page.keyboard.press("ArrowUp")
            await page.keyboard.press("Control+A")
            await page.keyboard.press("Delete")
            await page.keyboard.press("Enter")
            await expect(page.get_by_role("dialog", name="Delete this message?")).to_contain_text("To myself")
            await page.keyboard.press("Tab")
            await page.keyboard.press("Enter")
            await expect(log).not_to_contain_text("To myself")
            await expect(box(page, "#welcome")).to_be_focused()

    async def test_text_of_others_is_text(self, browser: Browser, practice: PracticeServer) -> None:
        ada = support.people(practice.world)[0]
        evil = "<img src=x onerror=alert(1)> [x](javascript:alert(1)) <t:0:F> ||<script>alert(1)</script>||"
        embed = discord.Embed(title=evil[:40], description=evil, color=0x336699, url="https://example.org/")
        embed.add_field(name=evil, value=evil).set_footer(text=evil).set_author(name=evil)
        at = f"#{ada.id}/dm"
        async with (
            connected(practice) as bot,
            self.page(browser, practice, at, timezone_id="Asia/Tokyo", locale="en-GB") as page,
        ):
            log = page.get_by_role("log")
            file = discord.File(io.BytesIO(b'{"a": 1}'), "<b>all<b>.json")
            await (await bot.fetch_user(ada.id)).send(
                f"# {evil}\n> {evil}\n- {evil}\n`{evil}`\n```{evil}```", embed=embed, file=file
            )
            await expect(log).to_contain_text("<img src=x onerror=alert(1)> [x](javascript:alert(1))")
            assert await log.locator("img, script, b b, iframe, [onerror], a[href^=javascript]").count() == 0
            await expect(log.locator("h3 time")).to_have_text(
                re.compile("1 January 1970.* 0?9:00")
            )  # the reader's zone
            async with page.expect_download() as begun:
                await log.get_by_role("link", name="Download, 8 bytes").click()
            download = await begun.value
            assert (await download.path()).read_bytes() == b'{"a": 1}'

    async def test_shows_threads_news_and_older_messages(self, browser: Browser, practice: PracticeServer) -> None:
        ada, bruno = support.people(practice.world)[:2]
        place = next(practice.world.channels())
        start = practice.community.now() - timedelta(days=2)
        practice.community.clock = lambda: start
        for number in range(60):
            await practice.member_says(bruno.id, place.id, f"Message {number} of sixty")
        async with self.page(browser, practice, f"#{ada.id}/{place.id}") as page:
            log = page.get_by_role("log")
            await expect(log).to_contain_text("Message 59 of sixty")
            await expect(log).not_to_contain_text("Message 9 of sixty")
            await page.get_by_role("button", name="Show older messages").press("Enter")
            await expect(log).to_contain_text("Message 0 of sixty")
            thread = practice.community.open_thread(place, bruno.id, "Beside")
            row = page.get_by_role("button", name="Beside thread")
            await practice.member_says(bruno.id, thread.id, "One")
            await expect(row).to_contain_text("new messages")
            await row.click()
            await expect(log).to_contain_text("One")
            await expect(row).not_to_contain_text("new messages")
            await page.get_by_role("button", name="welcome").click()
            await practice.member_says(bruno.id, thread.id, "Two")
            await row.click()
            await expect(log.locator("li").nth(2)).to_have_text("New messages from here")
            await expect(page.locator("#live")).not_to_contain_text("Two")
            await practice.member_says(bruno.id, thread.id, "Three")
            await expect(page.locator("#live")).to_contain_text("Bruno Vega: Three")


def box(page: Page, name: str = "Checkback") -> Locator:
    return page.get_by_role("textbox", name=f"Message to {name}")
