"""`mydata` over the wire: the file, the question, and its button. PEERS 9."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest

from bots import texts
from bots.database import run_unit
from bots.operations import my_data
from bots.panels import confirming
from bots.practice.faults import Fault, Kind
from bots.practice.server import PracticeServer
from bots.practice.things import Message as Shown
from followups.models import ErasureReceipt, UserProfile
from socialmedia.models import Account, Message
from tests.bots import running, support
from tests.bots.running import checkback


def person(server: PracticeServer, index: int = 0) -> int:
    """One of the community's people."""
    return support.people(server.world)[index].id


def button(message: Shown) -> str:
    """The id of a message's only button."""
    ((one,),) = [row["components"] for row in message.components]
    return str(one["custom_id"])


async def question(server: PracticeServer, where: Any = "dm") -> Shown:
    """Ask to be forgotten by a slash command, and return the question."""
    (shown,) = await server.invoke_slash(person(server), "mydata forget", where=where)
    return shown


async def is_answered(shown: Shown, words: str) -> None:
    """Wait until the question has become the answer."""
    async with asyncio.timeout(10):
        while words not in shown.content:
            await asyncio.sleep(0.01)


async def remembered(server: PracticeServer) -> bool:
    """Whether the asker has an account or a profile with us."""
    user_id = str(person(server))
    return await run_unit(
        lambda: UserProfile.objects.filter(pk=user_id).exists() or Account.objects.filter(external_id=user_id).exists()
    )


@pytest.mark.usefixtures("database")
class TestExport:
    async def test_hands_out_a_file_to_the_asker_alone(self, practice: PracticeServer) -> None:
        await run_unit(running.opt_in, practice)
        async with checkback(practice):
            (shown,) = await practice.invoke_slash(person(practice), "mydata export", where=support.general(practice))
        (file,) = shown.attachments
        assert shown.ephemeral_for == person(practice)
        assert file.filename.startswith(f"checkback-{person(practice)}-")
        assert json.loads(file.data)["consent"][0]["state"] == "granted"

    async def test_sends_the_typed_ones_in_private_and_not_twice_a_minute(self, practice: PracticeServer) -> None:
        async with checkback(practice) as bot, asyncio.timeout(20):
            for _ in range(4):
                wrote = await practice.member_says(person(practice), support.general(practice), "!mydata export")
            first, second = await practice.sent.get(), await practice.sent.get()
            await bot.has_handled(wrote.id)
        assert {first.channel_id, second.channel_id} == {practice.channel_for(person(practice), "dm").id}
        assert [len(shown.attachments) for shown in (first, second)] == [1, 0], [first.content, second.content]
        assert "you can use that again in" in second.content
        assert await run_unit(Message.objects.filter(is_outgoing=True).count) == 2


@pytest.mark.usefixtures("database")
class TestForget:
    async def test_erases_by_the_press_and_recreates_nobody(self, practice: PracticeServer) -> None:
        await run_unit(running.opt_in, practice)
        async with checkback(practice):
            shown = await question(practice)
            assert shown.ephemeral_for == person(practice)
            assert await remembered(practice)
            await practice.press_button(person(practice), shown, button(shown))
            await is_answered(shown, my_data.FORGOTTEN)
            assert shown.components == []
            assert not await remembered(practice)
            assert my_data.NOTHING_HELD in (await question(practice)).content
        assert not await remembered(practice)
        receipt = await run_unit(ErasureReceipt.objects.get)
        assert receipt.source == "button"

    async def test_survives_a_restart_and_works_in_the_private_channel(self, practice: PracticeServer) -> None:
        await run_unit(running.opt_in, practice)
        async with checkback(practice), asyncio.timeout(20):
            await practice.member_says(person(practice), support.general(practice), "!mydata forget")
            shown = await practice.sent.get()
        async with checkback(practice):
            await practice.press_button(person(practice), shown, button(shown))
            await is_answered(shown, my_data.FORGOTTEN)
            assert not await remembered(practice)

    async def test_twice_at_once_is_done_once(self, practice: PracticeServer) -> None:
        await run_unit(running.opt_in, practice)
        async with checkback(practice):
            shown = await question(practice)
            pressed = button(shown)
            await asyncio.gather(
                *(practice.press_button(person(practice), shown, pressed, stale=True) for _ in range(2))
            )
            await is_answered(shown, "forg")
            await running.eventually(ErasureReceipt.objects.exists, "the receipt")
        assert await run_unit(ErasureReceipt.objects.count) == 1
        assert not await remembered(practice)

    @pytest.mark.parametrize(
        ("later", "words"),
        [
            (timedelta(minutes=14), my_data.FORGOTTEN),
            (timedelta(minutes=16), "too old"),
            (timedelta(days=366), "too old"),
        ],
    )
    async def test_is_not_done_when_the_question_is_old(
        self, practice: PracticeServer, later: timedelta, words: str
    ) -> None:
        await run_unit(running.opt_in, practice)
        async with checkback(practice), asyncio.timeout(20):
            await practice.member_says(person(practice), "dm", "!mydata forget")
            shown = await practice.sent.get()
            clock = practice.community.clock
            practice.community.clock = lambda: clock() + later
            await practice.press_button(person(practice), shown, button(shown))
            await is_answered(shown, words)
            assert await remembered(practice) is (words == "too old")
        assert shown.components == []

    async def test_is_for_the_asker_alone(self, practice: PracticeServer) -> None:
        await run_unit(running.opt_in, practice)
        async with checkback(practice):
            posted = await practice.bot_says(support.general(practice), "Shall I?")
            view = confirming._draw("forget", str(person(practice)))
            posted.components = view.to_components()  # type: ignore[assignment]
            row = await practice.press_button(person(practice, 1), posted, button(posted))
            (answer,) = row.answers
        assert (answer.content, answer.ephemeral_for) == (confirming.SOMEBODY_ELSES, person(practice, 1))
        assert await remembered(practice)

    async def test_is_told_beside_a_question_that_is_gone(self, practice: PracticeServer) -> None:
        await run_unit(running.opt_in, practice)
        practice.faults.add(Fault(Kind.REFUSED, method="PATCH", path="/webhooks/*", status=404, code=10008))
        async with checkback(practice):
            shown = await question(practice)
            row = await practice.press_button(person(practice), shown, button(shown))
            async with asyncio.timeout(10):
                while not row.answers:
                    await row.changed.wait()
        assert [(each.content, each.ephemeral_for) for each in row.answers] == [(my_data.FORGOTTEN, person(practice))]

    @pytest.mark.parametrize("custom_id", ["confirm:nothing:1", "confirm:", "survey:7"])
    async def test_a_button_that_is_gone_is_answered(self, practice: PracticeServer, custom_id: str) -> None:
        async with checkback(practice):
            posted = await practice.bot_says(support.general(practice), "Long ago.")
            row = await practice.press_button(person(practice), posted, custom_id, stale=True)
            (answer,) = row.answers
        assert (answer.content, answer.ephemeral_for) == (texts.GONE, person(practice))

    async def test_apologises_when_the_database_says_no(self, practice: PracticeServer) -> None:
        await run_unit(running.opt_in, practice)
        async with checkback(practice):
            shown = await question(practice)
            with running.database_away():
                row = await practice.press_button(person(practice), shown, button(shown))
                async with asyncio.timeout(10):
                    while not row.answers:
                        await row.changed.wait()
            assert row.answers[-1].content == texts.TRY_AGAIN
        assert await remembered(practice)
