from datetime import timedelta
from typing import Any

import discord
import pytest

from bots.practice.server import PracticeServer
from bots.practice.world import Message, NotAllowed, UnknownThing
from tests.bots import support
from tests.bots.practice.bot import TinyBot, connected, soon


class Feedback(discord.ui.Modal, title="How was it?"):
    """A form with all that a member can fill in."""

    mood = discord.ui.TextInput["Feedback"](label="In a word", custom_id="mood", max_length=10)
    more = discord.ui.Label["Feedback"](
        text="Anything else?",
        component=discord.ui.TextInput(custom_id="more", default="Nothing", required=False),
    )
    again = discord.ui.Label["Feedback"](
        text="Again?",
        component=discord.ui.Select(
            custom_id="again", options=[discord.SelectOption(label="Yes", value="y"), discord.SelectOption(label="No")]
        ),
    )

    async def on_submit(self, interaction: discord.Interaction[Any], /) -> None:
        assert isinstance(self.more.component, discord.ui.TextInput)
        assert isinstance(self.again.component, discord.ui.Select)
        text = f"{self.mood.value}, {self.more.component.value}, {self.again.component.values}"
        await interaction.response.send_message(text, ephemeral=True)


async def open_form(interaction: discord.Interaction[Any]) -> None:
    await interaction.response.send_modal(Feedback(custom_id="feedback"))


async def offer(server: PracticeServer, bot: TinyBot, *items: discord.ui.Item[Any]) -> Message:
    """Let the bot send the first member a message with buttons and menus."""
    view = discord.ui.View(timeout=None)
    for item in items:
        view.add_item(item)
    await (await bot.fetch_user(support.people(server.world)[0].id)).send("Well?", view=view)
    row = await soon(server.sent.get())
    assert isinstance(row, Message)
    return row


def button(custom_id: str = "yes", **options: Any) -> discord.ui.Button[Any]:
    return discord.ui.Button(label="Yes", custom_id=custom_id, **options)


class TestForms:
    async def test_are_opened_by_a_button_and_submitted(self, practice: PracticeServer) -> None:
        ada = support.people(practice.world)[0]
        async with connected(practice) as bot:
            bot.acts["yes"] = open_form
            asked = await practice.press_button(ada.id, await offer(practice, bot, button()), "yes")
            assert asked.modal is not None
            assert (asked.modal["title"], asked.modal["custom_id"]) == ("How was it?", "feedback")
            sent = await practice.submit_form(ada.id, asked, {"mood": "fine", "again": "y"})
            assert [answer.content for answer in sent.answers] == ["fine, Nothing, ['y']"]
            assert sent.on_message is asked.on_message

    async def test_are_opened_by_a_command_too(self, practice: PracticeServer) -> None:
        ada = support.people(practice.world)[0]

        @discord.app_commands.command()
        async def review(interaction: discord.Interaction[Any]) -> None:
            """Open the form."""
            await open_form(interaction)

        async with connected(practice) as bot:
            bot.tree.add_command(review)
            await bot.tree.sync()
            asked = await practice.run_slash(ada.id, "review", where=support.general(practice))
            sent = await practice.submit_form(ada.id, asked, {"mood": "fine", "more": "", "again": "No"})
            assert [(answer.content, answer.is_ephemeral) for answer in sent.answers] == [("fine, , ['No']", True)]
            assert (sent.on_message, sent.name) == (None, "review")

    async def test_are_checked_as_the_app_does(self, practice: PracticeServer) -> None:
        ada, bruno = support.people(practice.world)[:2]
        async with connected(practice) as bot:
            bot.acts["yes"] = open_form
            asked = await practice.press_button(ada.id, await offer(practice, bot, button()), "yes")
            good = {"mood": "fine", "again": "y"}
            for wrong, told in (
                ({"mood": ""}, "required"),
                ({"mood": "much too long"}, "between 0 and 10"),
                ({"again": "z"}, "not one of the choices"),
                ({"strange": "x"}, "no field strange"),
            ):
                with pytest.raises(NotAllowed, match=told):
                    await practice.submit_form(ada.id, asked, good | wrong)
            with pytest.raises(NotAllowed, match="Somebody else"):
                await practice.submit_form(bruno.id, asked, good)
            sent = await practice.submit_form(ada.id, asked, good)
            with pytest.raises(UnknownThing):
                await practice.submit_form(ada.id, sent, good)

    async def test_that_break_the_rules_are_refused(self, practice: PracticeServer) -> None:
        ada = support.people(practice.world)[0]
        failed: list[discord.HTTPException] = []

        async def too_long(interaction: discord.Interaction[Any]) -> None:
            try:
                await interaction.response.send_modal(Feedback(title="x" * 46))
            except discord.HTTPException as error:
                failed.append(error)
            await interaction.response.send_modal(Feedback(title="x" * 45))

        async with connected(practice) as bot:
            bot.acts["yes"] = too_long
            await practice.press_button(ada.id, await offer(practice, bot, button()), "yes")
        (error,) = failed
        assert (error.status, error.code) == (400, 50035)
        assert "data.title" in error.text

    async def test_do_not_follow_each_other(self, practice: PracticeServer) -> None:
        ada = support.people(practice.world)[0]

        class Endless(discord.ui.Modal, title="More"):
            word = discord.ui.TextInput["Endless"](label="Word", custom_id="word")

            async def on_submit(self, interaction: discord.Interaction[Any], /) -> None:
                with pytest.raises(discord.HTTPException) as caught:
                    await interaction.response.send_modal(Endless())
                await interaction.response.send_message(str(caught.value.code))

        async def act(interaction: discord.Interaction[Any]) -> None:
            await interaction.response.send_modal(Endless())

        async with connected(practice) as bot:
            bot.acts["yes"] = act
            asked = await practice.press_button(ada.id, await offer(practice, bot, button()), "yes")
            sent = await practice.submit_form(ada.id, asked, {"word": "x"})
            assert [answer.content for answer in sent.answers] == ["50035"]


class TestUpdates:
    @pytest.mark.parametrize("private", [True, False])
    async def test_change_the_message_of_the_button(self, practice: PracticeServer, private: bool) -> None:
        """Also a private one, which no channel's history holds."""
        ada = support.people(practice.world)[0]

        async def show(interaction: discord.Interaction[Any]) -> None:
            view = discord.ui.View(timeout=None)
            view.add_item(button("at once"))
            view.add_item(button("later"))
            await interaction.response.send_message("Page 1", view=view, ephemeral=private)

        async def at_once(interaction: discord.Interaction[Any]) -> None:
            await interaction.response.edit_message(content="Page 2")

        async def later(interaction: discord.Interaction[Any]) -> None:
            await interaction.response.defer()
            await interaction.edit_original_response(content="Page 3", view=None)
            await interaction.followup.send("Done", ephemeral=True)

        async with connected(practice) as bot:
            bot.acts |= {"yes": show, "at once": at_once, "later": later}
            shown = await practice.press_button(ada.id, await offer(practice, bot, button()), "yes")
            (page,) = shown.answers
            assert (page.content, page.is_ephemeral) == ("Page 1", private)
            first = await practice.press_button(ada.id, page, "at once")
            assert (page.content, first.answers, first.original) == ("Page 2", [], page)
            await practice.press_button(ada.id, page, "later")
            for _ in range(3):
                await soon(bot.pressed.get())
            assert (page.content, page.components) == ("Page 3", [])

    async def test_of_a_private_answer_are_its_readers(self, practice: PracticeServer) -> None:
        ada, bruno = support.people(practice.world)[:2]
        async with connected(practice):
            (answer,) = await practice.invoke_slash(ada.id, "hello", where=support.general(practice))
            with pytest.raises(NotAllowed, match="Only its reader"):
                await practice.press_button(bruno.id, answer, "yes")


class TestMenus:
    async def test_are_chosen_from(self, practice: PracticeServer) -> None:
        ada = support.people(practice.world)[0]
        options = [discord.SelectOption(label=each) for each in "abc"]
        async with connected(practice) as bot:
            menu: discord.ui.Select[Any] = discord.ui.Select(custom_id="menu", options=options, max_values=2)
            row = await offer(practice, bot, menu, button("off", disabled=True))
            await practice.choose(ada.id, row, "menu", ["a", "c"])
            assert (await soon(bot.pressed.get())).data["values"] == ["a", "c"]
            for values, told in ((["d"], "not one"), (["a", "b", "c"], "between 1 and 2"), ([], "between 1 and 2")):
                with pytest.raises(NotAllowed, match=told):
                    await practice.choose(ada.id, row, "menu", values)
            with pytest.raises(NotAllowed, match="switched off"):
                await practice.press_button(ada.id, row, "off")
            with pytest.raises(NotAllowed, match="no such button"):
                await practice.press_button(ada.id, row, "gone")

    async def test_of_people_bring_them_along(self, practice: PracticeServer) -> None:
        ada, bruno = support.people(practice.world)[:2]
        chosen: list[Any] = []

        class Pick(discord.ui.View):
            @discord.ui.select(cls=discord.ui.UserSelect, custom_id="who")
            async def who(self, interaction: discord.Interaction[Any], menu: discord.ui.UserSelect[Any]) -> None:
                chosen.extend(menu.values)
                await interaction.response.defer()

        async def act(_interaction: discord.Interaction[Any]) -> None:
            """The view answers."""

        async with connected(practice) as bot:
            bot.acts["who"] = act
            channel = bot.get_channel(support.general(practice))
            assert isinstance(channel, discord.TextChannel)
            await channel.send("Who?", view=Pick(timeout=None))
            await practice.choose(ada.id, await soon(practice.sent.get()), "who", [str(bruno.id)])
        assert [(type(each), each.id) for each in chosen] == [(discord.Member, bruno.id)]

    async def test_of_an_old_page_are_allowed_when_it_is_one(self, practice: PracticeServer) -> None:
        ada = support.people(practice.world)[0]
        async with connected(practice) as bot:
            row = await offer(practice, bot, button())
            practice.community.edit(row, {"components": []})
            practice.community.at(practice.community.now() + timedelta(days=366))
            asked = await practice.press_button(ada.id, row, "yes", stale=True)
            pressed = await soon(bot.pressed.get())
            assert pressed.created_at - row.sent_at > timedelta(days=365)
            assert asked.asked_at - row.sent_at > timedelta(days=365)


class TestAutocomplete:
    async def test_offers_choices(self, practice: PracticeServer) -> None:
        ada = support.people(practice.world)[0]
        async with connected(practice):
            choices = await practice.ask_autocomplete(ada.id, "hello", "name", "A")
            assert [each["value"] for each in choices] == ["Ada", "Alma"]


def row_of(*components: dict[str, Any]) -> dict[str, Any]:
    return {"type": 1, "components": list(components)}


def raw_button(custom_id: str = "a", **more: Any) -> dict[str, Any]:
    return {"type": 2, "style": 1, "label": "Yes", "custom_id": custom_id, **more}


def raw_menu(**more: Any) -> dict[str, Any]:
    options = [{"label": "A", "value": "a"}, {"label": "B", "value": "b"}]
    return {"type": 3, "custom_id": "m", "options": options, **more}


class TestComponents:
    @pytest.mark.parametrize(
        ("components", "field"),
        [
            ([row_of(raw_button(str(n))) for n in range(6)], "components:"),
            ([row_of(*(raw_button(str(n)) for n in range(6)))], "components.0.components:"),
            ([row_of()], "components.0.components:"),
            ([row_of(raw_menu(), raw_button())], "components.0.components.1"),
            ([row_of(raw_button(), raw_button())], "components:"),
            ([row_of(raw_button("x" * 101))], "components.0.components.0.custom_id"),
            ([row_of({"type": 2, "style": 1, "label": "No id"})], "components.0.components.0.custom_id"),
            ([row_of(raw_button(label="x" * 81))], "components.0.components.0.label"),
            ([row_of(raw_menu(placeholder="x" * 151))], "components.0.components.0.placeholder"),
            ([row_of(raw_menu(options=[]))], "components.0.components.0.options"),
            ([row_of(raw_menu(options=[{"label": "x", "value": str(n)} for n in range(26)]))], "options"),
            ([row_of(raw_menu(options=[{"label": "x", "value": "a"}] * 2))], "options.1.value"),
            ([row_of(raw_menu(options=[{"label": "x" * 101, "value": "a"}]))], "options.0.label"),
            ([row_of(raw_menu(max_values=3))], "max_values"),
            ([row_of(raw_menu(min_values=2))], "max_values"),
            ([row_of({"type": 4, "custom_id": "t", "style": 1, "label": "x"})], "components.0.components.0.type"),
            ([raw_button()], "components.0.type"),
        ],
    )
    async def test_that_break_a_limit_are_refused(
        self, practice: PracticeServer, components: list[dict[str, Any]], field: str
    ) -> None:
        async with connected(practice) as bot:
            with pytest.raises(discord.HTTPException) as caught:
                await send_raw(bot, support.general(practice), components)
            assert (caught.value.status, caught.value.code) == (400, 50035)
            assert field in str(caught.value)
        assert practice.sent.empty()

    async def test_at_the_limits_are_taken(self, practice: PracticeServer) -> None:
        rows = [row_of(*(raw_button(f"{line}{n}".ljust(100), label="x" * 80) for n in range(5))) for line in range(4)]
        options = [{"label": "x" * 100, "value": str(n).ljust(100)} for n in range(25)]
        rows.append(row_of(raw_menu(placeholder="x" * 150, options=options, min_values=0, max_values=25)))
        async with connected(practice) as bot:
            await send_raw(bot, support.general(practice), rows)
            assert (await soon(practice.sent.get())).components == rows


async def send_raw(bot: TinyBot, channel_id: int, components: list[dict[str, Any]]) -> None:
    """Send what discord.py itself would not build."""
    route = discord.http.Route("POST", "/channels/{channel_id}/messages", channel_id=channel_id)
    await bot.http.request(route, json={"content": "Well?", "components": components})
