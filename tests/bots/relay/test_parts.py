"""Long texts go in parts: one row, one outcome, each part once, also when the relay dies between two."""

import asyncio
from datetime import timedelta
from typing import Any

import discord
import pytest
from django.utils import timezone

from bots import attachments, panels
from bots.database import run_unit
from bots.panels import Panel
from bots.practice.faults import Fault, Kind
from bots.practice.server import PracticeServer
from bots.relay.calls import part_nonce
from followups.models import UserProfile
from socialmedia import outbox
from socialmedia.models import Message
from tests.bots import running
from tests.bots.relay.acting import MINUTE, age, drain, forget, make_due, opt_out, people, state_of
from tests.bots.relay.test_clearance import resume, stop
from tests.bots.running import queue, queue_automated, relays

pytestmark = pytest.mark.usefixtures("database")

LONG = "a" * 2000 + "b" * 2000 + "c"
PARTS = ["a" * 2000, "b" * 2000, "c"]


def texts(server: PracticeServer) -> list[str]:
    """What the first of the community's people has got."""
    return server.dm_texts(people(server)[0])


def record_first_part(server: PracticeServer) -> None:
    """Be a relay that dies right after the first part arrived, which is recorded."""
    (held,) = outbox.claim(account=running.bot_account(server), limit=5, lease=MINUTE)
    assert outbox.record_part(held, external_message_id="1", lease=MINUTE)
    Message.objects.filter(status="sending").update(lease_expires_at=timezone.now() - MINUTE)


class TestLongTexts:
    async def test_arrive_in_order_with_a_nonce_each(self, practice: PracticeServer) -> None:
        message = await run_unit(queue, practice, LONG)
        async with relays(practice) as (relay,):
            await drain(relay)
        assert texts(practice) == PARTS
        arrived = [practice.sent.get_nowait() for _ in PARTS]
        assert [part.nonce for part in arrived] == [message.nonce, f"{message.nonce}-2", f"{message.nonce}-3"]
        stored = await run_unit(state_of, message)
        assert (stored.status, stored.external_message_id, stored.attempts) == ("sent", str(arrived[-1].id), 1)
        assert stored.metadata["parts"] == [str(part.id) for part in arrived[:-1]]

    @pytest.mark.parametrize("kind", [Kind.DROPPED, Kind.ANSWER_LOST])
    @pytest.mark.parametrize("minutes", [0, 3])
    async def test_go_on_at_the_part_that_was_lost(self, practice: PracticeServer, kind: Kind, minutes: int) -> None:
        message = await run_unit(queue, practice, LONG)
        first = practice.faults.add(Fault(Kind.HELD_AFTER))
        async with relays(practice) as (relay,):
            delivering = asyncio.create_task(relay.run_once())
            async with asyncio.timeout(10):
                await first.struck.wait()
                practice.faults.add(Fault(kind))
                first.release.set()
                await delivering
            assert (await run_unit(state_of, message)).status == "queued"
            await run_unit(age, message, timedelta(minutes=minutes))
            await run_unit(make_due, message)
            await drain(relay)
        is_lost_for_good = minutes and kind is Kind.DROPPED
        assert texts(practice) == (PARTS[:1] if is_lost_for_good else PARTS)
        assert (await run_unit(state_of, message)).status == ("unknown" if is_lost_for_good else "sent")

    async def test_go_on_after_a_crash_at_the_first_part_that_is_not_recorded(self, practice: PracticeServer) -> None:
        message = await run_unit(queue, practice, LONG)
        await run_unit(record_first_part, practice)
        async with relays(practice) as (relay,):
            await drain(relay)
        assert texts(practice) == PARTS[1:]
        assert (await run_unit(state_of, message)).status == "sent"

    async def test_do_not_take_an_equal_part_for_the_one_that_was_lost(self, practice: PracticeServer) -> None:
        message = await run_unit(queue, practice, "a" * 4000)
        first = practice.faults.add(Fault(Kind.HELD_AFTER))
        async with relays(practice) as (relay,):
            delivering = asyncio.create_task(relay.run_once())
            async with asyncio.timeout(10):
                await first.struck.wait()
                practice.faults.add(Fault(Kind.DROPPED))
                first.release.set()
                await delivering
            await run_unit(age, message, timedelta(minutes=3))
            await run_unit(make_due, message)
            await drain(relay)
        assert (await run_unit(state_of, message)).status == "unknown"

    async def test_are_left_to_the_relay_that_took_over(self, practice: PracticeServer) -> None:
        message = await run_unit(queue, practice, LONG)
        first = practice.faults.add(Fault(Kind.HELD_AFTER))
        async with relays(practice, 2) as (slow, quick):
            delivering = asyncio.create_task(slow.run_once())
            async with asyncio.timeout(10):
                await first.struck.wait()
                await run_unit(age, message, timedelta())
                await quick.run_once()
                first.release.set()
                await delivering
        assert texts(practice) == PARTS
        assert (await run_unit(state_of, message)).status == "sent"

    async def test_stop_between_two_parts_and_go_on_later(self, practice: PracticeServer) -> None:
        message = await run_unit(queue, practice, LONG)
        first = practice.faults.add(Fault(Kind.HELD_AFTER))
        async with relays(practice) as (relay,):
            delivering = asyncio.create_task(relay.run_once())
            async with asyncio.timeout(10):
                await first.struck.wait()
                await run_unit(stop, practice)
                first.release.set()
                await delivering
            assert texts(practice) == PARTS[:1]
            await run_unit(resume, practice)
            await run_unit(make_due, message)
            await drain(relay)
        assert texts(practice) == PARTS

    async def test_end_where_the_member_opts_out(self, practice: PracticeServer) -> None:
        message = await run_unit(queue_automated, practice, LONG)
        first = practice.faults.add(Fault(Kind.HELD_AFTER))
        async with relays(practice) as (relay,):
            delivering = asyncio.create_task(relay.run_once())
            async with asyncio.timeout(10):
                await first.struck.wait()
                await run_unit(opt_out, practice)
                first.release.set()
                await delivering
        assert texts(practice) == PARTS[:1]
        assert (await run_unit(state_of, message)).status == "suppressed"

    async def test_of_which_a_part_was_refused_for_now_have_not_lost_it(self, practice: PracticeServer) -> None:
        message = await run_unit(queue, practice, LONG)
        first = practice.faults.add(Fault(Kind.HELD_AFTER))
        async with relays(practice) as (relay,):
            delivering = asyncio.create_task(relay.run_once())
            async with asyncio.timeout(10):
                await first.struck.wait()
                practice.faults.add(Fault(Kind.RATE_LIMITED, retry_after=600))
                first.release.set()
                await delivering
            stored = await run_unit(state_of, message)
            assert (stored.status, stored.first_attempt_at) == ("queued", None)
            await run_unit(make_due, message)
            await drain(relay)
        assert texts(practice) == PARTS


class TestNonces:
    def test_of_parts_are_never_longer_than_discord_takes(self) -> None:
        assert part_nonce("ob-1", 1) == "ob-1"
        assert part_nonce("ob-1", 2) == "ob-1-2"
        long = f"ob-{10**20}"
        assert len({part_nonce(long, number) for number in range(1, 200)}) == 199
        assert max(len(part_nonce(long, number)) for number in range(1, 200)) <= 25


class TestExtras:
    """Panels and files are made fresh when the answer goes."""

    @pytest.fixture(autouse=True)
    def _registered(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(panels.PANELS, "name", Panel(self.read, self.draw))
        monkeypatch.setitem(attachments.ATTACHMENTS, "story", self.make)

    def read(self, user_id: str, *, now: Any) -> str:
        return UserProfile.objects.get(pk=user_id).account.username

    def draw(self, name: str) -> discord.ui.View:
        view = discord.ui.View(timeout=None)
        view.add_item(discord.ui.Button(label=name, custom_id="press"))
        return view

    def make(self, user_id: str, *, now: Any) -> discord.File:
        import io

        return discord.File(io.BytesIO(self.read(user_id, now=now).encode()), "story.txt")

    def queue(self, server: PracticeServer, text: str, **metadata: str) -> Message:
        conversation = running.conversation_with(server)
        return outbox.queue_reply(conversation=conversation, text=text, metadata=metadata, now=timezone.now())

    async def test_go_with_the_last_part(self, practice: PracticeServer) -> None:
        await run_unit(self.queue, practice, LONG, panel="name")
        async with relays(practice) as (relay,):
            await drain(relay)
        arrived = [practice.sent.get_nowait() for _ in PARTS]
        assert [bool(part.components) for part in arrived] == [False, False, True]
        assert arrived[-1].components[0]["components"][0]["label"] == "ada"

    async def test_are_sent_as_files_and_made_again_for_another_attempt(self, practice: PracticeServer) -> None:
        message = await run_unit(self.queue, practice, "Here it is.", panel="name", attachment="story")
        practice.faults.add(Fault(Kind.DROPPED))
        async with relays(practice) as (relay,):
            await relay.run_once()
            await run_unit(make_due, message)
            await drain(relay)
        sends = [request.body for request in practice.requests if request.path.endswith("/messages")]
        assert [body["attachments"][0]["filename"] for body in sends] == ["story.txt"] * 2
        assert practice.sent.qsize() == 1

    async def test_of_a_member_who_was_forgotten_go_nowhere(self, practice: PracticeServer) -> None:
        await run_unit(self.queue, practice, "Here it is.", panel="name", attachment="story")
        account = await run_unit(running.bot_account, practice)
        (held,) = await run_unit(outbox.claim, account=account, limit=5, lease=MINUTE)
        await run_unit(forget, practice)
        async with relays(practice) as (relay,):
            await relay._courier.deliver(held)
        assert practice.sent.empty()
