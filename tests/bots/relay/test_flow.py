"""The steady flow: a free place takes the next message, whatever the others wait for."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from bots import relay as relay_package
from bots.database import run_unit
from bots.governor.calls import Calls
from bots.practice.faults import Fault, Kind
from bots.practice.server import PracticeServer
from bots.relay import Relay, finish, flow
from socialmedia.models import Conversation, Message
from tests.bots.relay.acting import make_due, people, state_of
from tests.bots.running import FreeOpenings, eventually, queue, queue_automated, relays

pytestmark = pytest.mark.usefixtures("database")


@contextlib.asynccontextmanager
async def running(*relays: Relay) -> AsyncIterator[None]:
    """Let relays deliver until the block ends."""
    tasks = {asyncio.create_task(relay.run()): relay for relay in relays}
    try:
        yield
    finally:
        await asyncio.gather(*(finish(task, relay) for task, relay in tasks.items()))
        for task in tasks:
            if not task.cancelled():
                task.result()


async def arrived(server: PracticeServer, number: int) -> list[str]:
    """Wait for so many messages; their texts."""
    async with asyncio.timeout(30):
        return [(await server.sent.get()).content for _ in range(number)]


def in_delivery() -> int:
    """How many messages are claimed."""
    return Message.objects.filter(status="sending").count()


class TestRun:
    async def test_lets_a_slow_call_hold_up_nobody_but_its_conversation(self, practice: PracticeServer) -> None:
        slow = practice.faults.add(Fault(Kind.HELD_BEFORE, user_id=people(practice)[0]))
        async with relays(practice) as (relay,), running(relay):
            await run_unit(queue, practice, "slow", 0)
            async with asyncio.timeout(10):
                await slow.struck.wait()
            await run_unit(queue, practice, "after the slow one", 0)
            for turn in range(3):
                await run_unit(queue, practice, f"quick {turn}", 1)
                await run_unit(queue, practice, f"quick {turn}", 2)
                assert await arrived(practice, 2) == [f"quick {turn}"] * 2
            assert practice.dm_texts(people(practice)[0]) == []
            slow.release.set()
            assert await arrived(practice, 2) == ["slow", "after the slow one"]

    async def test_takes_no_more_than_it_has_places_for(
        self, practice: PracticeServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(flow, "PLACES", 2)
        held = practice.faults.add(Fault(Kind.HELD_BEFORE, times=2))
        for index in range(4):
            await run_unit(queue, practice, "Hello.", index)
        async with relays(practice) as (relay,), running(relay):
            await eventually(lambda: in_delivery() == 2, "two are on their way")
            assert await run_unit(Message.objects.filter(status="queued", attempts=0).count) == 2
            held.release.set()
            await arrived(practice, 4)

    async def test_hears_of_a_message_at_once(self, practice: PracticeServer, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(flow, "POLL_SECONDS", 600.0)
        async with relays(practice) as (relay,), running(relay):
            for turn in range(3):
                await run_unit(queue, practice, f"{turn}")
                assert await arrived(practice, 1) == [f"{turn}"]

    async def test_of_two_relays_sends_each_message_once_and_in_order(self, practice: PracticeServer) -> None:
        def fill() -> None:
            for number in range(12):
                for index in range(5):
                    queue(practice, f"{index}: {number}", index)

        async with relays(practice, 2) as both, running(*both):
            await run_unit(fill)
            await arrived(practice, 60)
            await eventually(lambda: Message.objects.filter(status="sent").count() == 60, "all are recorded")
        assert practice.sent.empty()
        for index, person in enumerate(people(practice)[:5]):
            assert practice.dm_texts(person) == [f"{index}: {number}" for number in range(12)]

    async def test_takes_over_what_a_dead_relay_has_left(self, practice: PracticeServer) -> None:
        message = await run_unit(queue, practice)
        await run_unit(
            Message.objects.filter(pk=message.pk).update,
            status="sending",
            lease_token="0" * 32,
            lease_expires_at=message.created_at,
            first_attempt_at=message.created_at,
        )
        async with relays(practice) as (relay,), running(relay):
            await arrived(practice, 1)
            await eventually(lambda: state_of(message).status == "sent", "it is recorded")


class TestFinish:
    async def test_waits_for_what_is_on_the_wire(self, practice: PracticeServer) -> None:
        message = await run_unit(queue, practice)
        held = practice.faults.add(Fault(Kind.HELD_AFTER))
        async with relays(practice) as (relay,), running(relay):
            async with asyncio.timeout(10):
                await held.struck.wait()
            relay.stop()
            held.release.set()
        assert (await run_unit(state_of, message)).status == "sent"

    async def test_leaves_nothing_in_delivery(self, practice: PracticeServer, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(relay_package, "STOP_PATIENCE_SECONDS", 0.05)
        async with relays(practice) as (relay,), running(relay):
            await run_unit(queue, practice, "opens the channel", 1)
            await arrived(practice, 1)
            practice.faults.add(Fault(Kind.HELD_AFTER))
            on_the_wire = await run_unit(queue, practice, "may have arrived", 1)
            await arrived(practice, 1)
            opening = practice.faults.add(Fault(Kind.HELD_BEFORE, path="/users/@me/channels"))
            untouched = await run_unit(queue, practice, "never left", 0)
            async with asyncio.timeout(10):
                await opening.struck.wait()
        assert await run_unit(in_delivery) == 0
        assert (await run_unit(state_of, untouched)).first_attempt_at is None
        assert (await run_unit(state_of, on_the_wire)).first_attempt_at is not None

    async def test_puts_back_untried_what_waits_for_its_slot(
        self, practice: PracticeServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Else the next start, were it minutes later, would not know whether it arrived."""
        monkeypatch.setattr(relay_package, "STOP_PATIENCE_SECONDS", 0.05)
        mine, waits = Calls(), asyncio.Event()

        async def slot() -> None:
            waits.set()
            await asyncio.Event().wait()

        monkeypatch.setattr(mine, "slot", slot)
        message = await run_unit(queue, practice)
        channel = practice.channel_for(people(practice)[0], "dm").id
        await run_unit(Conversation.objects.update, external_channel_id=str(channel))
        async with relays(practice, http_trace=mine.trace()) as (relay,):
            mine.account_id = 1
            async with running(relay), asyncio.timeout(10):
                await waits.wait()
        stored = await run_unit(state_of, message)
        assert (stored.status, stored.first_attempt_at) == ("queued", None)


class TestOrder:
    async def test_holds_back_an_answer_behind_one_that_waits_for_its_next_attempt(
        self, practice: PracticeServer
    ) -> None:
        first = await run_unit(queue, practice, "first")
        practice.faults.add(Fault(Kind.DROPPED))
        async with relays(practice) as (relay,):
            await relay.run_once()
            await run_unit(queue, practice, "second")
            assert not await relay.run_once()
            await run_unit(make_due, first)
            while await relay.run_once():
                pass
        assert practice.dm_texts(people(practice)[0]) == ["first", "second"]

    async def test_lets_an_answer_pass_an_automated_message_that_waits(self, practice: PracticeServer) -> None:
        automated = await run_unit(queue_automated, practice)
        async with relays(practice, openings=FreeOpenings(until=automated.created_at.replace(year=2100))) as (relay,):
            await relay.run_once()
            await run_unit(
                Conversation.objects.update, external_channel_id=str(practice.channel_for(people(practice)[0], "dm").id)
            )
            await run_unit(queue, practice, "the answer")
            await relay.run_once()
        assert practice.dm_texts(people(practice)[0]) == ["the answer"]

    async def test_lets_a_broken_message_hold_up_no_others(self, practice: PracticeServer) -> None:
        broken = await run_unit(queue, practice, "broken", 0)
        await run_unit(Conversation.objects.filter(pk=broken.conversation_id).update, participant_id="nobody")
        await run_unit(queue, practice, "whole", 1)
        async with relays(practice) as (relay,), running(relay):
            assert await arrived(practice, 1) == ["whole"]
            await eventually(lambda: state_of(broken).status == "queued", "it is put back")
            await run_unit(Message.objects.filter(pk=broken.pk).update, attempts=30, next_attempt_at=broken.created_at)
            await run_unit(queue, practice, "whole again", 1)
            assert await arrived(practice, 1) == ["whole again"]
            await eventually(lambda: state_of(broken).status == "unknown", "a person must look")
