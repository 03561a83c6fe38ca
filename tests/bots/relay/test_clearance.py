"""What is asked before each claim and each call: the switch, the listener, the policy, the budget of new channels."""

import asyncio
from datetime import timedelta

import pytest
from django.utils import timezone

from bots.database import run_unit
from bots.governor import controls
from bots.models import BotHeartbeat
from bots.practice.faults import Fault, Kind
from bots.practice.server import PracticeServer
from followups.planning import JOB_TYPE
from jobs import pauses
from socialmedia import outbox
from socialmedia.models import Message
from tests.bots import running
from tests.bots.relay.acting import MINUTE, drain, make_due, opt_out, people, state_of
from tests.bots.running import FreeOpenings, queue, queue_automated, relays

pytestmark = pytest.mark.usefixtures("database")


def stop(server: PracticeServer) -> None:
    """Throw the kill switch."""
    assert controls.stop(running.bot_account(server).pk, by="Ada", now=timezone.now())


def resume(server: PracticeServer) -> None:
    """And back."""
    assert controls.resume(running.bot_account(server).pk, by="Ada", now=timezone.now())


def opening(kind: Kind, **options: object) -> Fault:
    """A fault of the call that opens a private channel."""
    return Fault(kind, path="/users/@me/channels", **options)  # type: ignore[arg-type]


def has_asked_for_a_channel(server: PracticeServer) -> bool:
    """Whether the relay has tried to open one."""
    return any(request.path.endswith("/users/@me/channels") for request in server.requests)


class TestStopped:
    """PEERS 34: off is checked at the claim and just before the call."""

    async def test_claims_nothing(self, practice: PracticeServer) -> None:
        message = await run_unit(queue, practice)
        await run_unit(stop, practice)
        async with relays(practice) as (relay,):
            assert not await relay.run_once()
            assert (await run_unit(state_of, message)).attempts == 0
            await run_unit(resume, practice)
            await drain(relay)
        assert practice.sent.qsize() == 1

    async def test_puts_back_what_is_claimed_as_it_was(self, practice: PracticeServer) -> None:
        message = await run_unit(queue_automated, practice)
        account = await run_unit(running.bot_account, practice)
        (held,) = await run_unit(outbox.claim, account=account, limit=5, lease=MINUTE)
        await run_unit(stop, practice)
        async with relays(practice) as (relay,):
            await relay._courier.deliver(held)
        stored = await run_unit(state_of, message)
        assert (stored.status, stored.attempts, stored.first_attempt_at) == ("queued", 0, None)
        assert stored.next_attempt_at is not None
        assert stored.next_attempt_at - timezone.now() < timedelta(seconds=10)
        assert not has_asked_for_a_channel(practice)

    @pytest.mark.parametrize("how", [stop, opt_out])
    async def test_wins_while_the_channel_is_being_opened(self, practice: PracticeServer, how: object) -> None:
        message = await run_unit(queue_automated, practice)
        held = practice.faults.add(opening(Kind.HELD_AFTER))
        async with relays(practice) as (relay,):
            delivering = asyncio.create_task(relay.run_once())
            async with asyncio.timeout(10):
                await held.struck.wait()
                await run_unit(how, practice)  # type: ignore[arg-type]
                held.release.set()
                await delivering
        assert practice.sent.empty()
        stored = await run_unit(state_of, message)
        assert stored.status == ("queued" if how is stop else "suppressed")


class TestPaused:
    async def test_lets_what_it_holds_come_back_one_after_another(self, practice: PracticeServer) -> None:
        """Thousands at once, every two minutes, would be in the way of answers."""
        for index in range(3):
            await run_unit(queue_automated, practice, f"{index}", index)
        await run_unit(pauses.pause, JOB_TYPE, by="ada", now=timezone.now())
        async with relays(practice) as (relay,):
            await drain(relay)
        waiting = Message.objects.filter(status="queued", attempts=0).order_by("next_attempt_at")
        first, second, third = await run_unit(lambda: list(waiting.values_list("next_attempt_at", flat=True)))
        assert first > timezone.now() + MINUTE
        assert min(second - first, third - second) > timedelta(milliseconds=100)


class TestListening:
    async def test_is_needed_for_every_claim(self, practice: PracticeServer) -> None:
        await run_unit(queue, practice)
        async with relays(practice, is_listened=False) as (relay,):
            assert not await relay.run_once()
            account = await run_unit(running.bot_account, practice)
            await run_unit(running.somebody_listens, account)
            beats = BotHeartbeat.objects.all()
            for deaf in ({"is_ready": False}, {"is_ready": True, "beat_at": timezone.now() - timedelta(seconds=20)}):
                await run_unit(beats.update, **deaf)
                assert not await relay.run_once()
            await run_unit(beats.update, beat_at=timezone.now())
            assert await relay.run_once()

    async def test_of_another_account_does_not_count(self, practice: PracticeServer) -> None:
        await run_unit(queue, practice)
        async with relays(practice, is_listened=False) as (relay,):
            await run_unit(lambda: running.somebody_listens(running.profile_of(practice).account))
            assert not await relay.run_once()


class TestBudget:
    """PEERS 1: new channels are scarce."""

    async def test_holds_who_needs_a_new_channel_and_nobody_else(self, practice: PracticeServer) -> None:
        async with relays(practice) as (relay,):
            await run_unit(queue, practice, "opens it", 0)
            await drain(relay)
        until = timezone.now() + timedelta(hours=1)
        new = await run_unit(queue, practice, "new", 1)
        await run_unit(queue, practice, "known", 0)
        practice.requests.clear()
        async with relays(practice, openings=FreeOpenings(until)) as (relay,):
            await drain(relay)
        assert practice.dm_texts(people(practice)[0]) == ["opens it", "known"]
        assert not has_asked_for_a_channel(practice)
        stored = await run_unit(state_of, new)
        assert (stored.status, stored.attempts, stored.first_attempt_at) == ("queued", 0, None)
        assert stored.next_attempt_at == until
        assert stored.error_message == "the budget of new private channels is used up"

    async def test_lets_those_who_wait_come_back_one_after_another_and_answers_first(
        self, practice: PracticeServer
    ) -> None:
        until = timezone.now() + timedelta(hours=1)
        for index in range(3):
            await run_unit(queue_automated, practice, f"{index}", index)
        answer = await run_unit(queue, practice, "answer", 3)
        async with relays(practice, openings=FreeOpenings(until)) as (relay,):
            await drain(relay)
        waiting = Message.objects.filter(status="queued").values_list("next_attempt_at", flat=True)
        assert len(set(await run_unit(lambda: list(waiting)))) == 4
        assert (await run_unit(state_of, answer)).next_attempt_at == until

    async def test_is_told_of_an_opened_channel_even_when_the_member_cannot_be_written_to(
        self, practice: PracticeServer
    ) -> None:
        await run_unit(queue, practice)
        practice.faults.add(Fault(Kind.REFUSED, code=50007, message="Cannot send messages to this user"))
        budget = FreeOpenings()
        async with relays(practice, openings=budget) as (relay,):
            await relay.run_once()
        assert (len(budget.reserved), budget.settled, budget.tripped) == (1, [(True, "")], [])

    @pytest.mark.parametrize(
        ("code", "text"),
        [
            (40003, "You are opening direct messages too fast"),
            (20026, "Your bot has been flagged by our anti-spam system for abusive behavior."),
            (0, "While your bot is quarantined, it is unable to send any direct messages"),
        ],
    )
    async def test_is_tripped_by_the_first_warning(self, practice: PracticeServer, code: int, text: str) -> None:
        message = await run_unit(queue, practice)
        practice.faults.add(opening(Kind.REFUSED, code=code, message=text))
        budget = FreeOpenings()
        async with relays(practice, openings=budget) as (relay,):
            await relay.run_once()
        assert budget.settled == [(False, str(code))]
        assert budget.tripped == [f"{code}: {text}"]
        stored = await run_unit(state_of, message)
        assert (stored.status, stored.first_attempt_at, stored.error_message) == ("queued", None, text)
        assert stored.next_attempt_at is not None
        assert stored.next_attempt_at > timezone.now() + 9 * MINUTE

    async def test_is_told_when_the_member_cannot_even_be_opened_a_channel(self, practice: PracticeServer) -> None:
        message = await run_unit(queue, practice)
        practice.faults.add(opening(Kind.REFUSED, status=400, code=50007, message="Cannot send messages to this user"))
        budget = FreeOpenings()
        async with relays(practice, openings=budget) as (relay,):
            await relay.run_once()
        assert (budget.settled, budget.tripped) == ([(False, "50007")], [])
        assert (await run_unit(state_of, message)).status == "failed"

    async def test_is_told_when_the_answer_was_lost_and_the_message_is_untried(self, practice: PracticeServer) -> None:
        message = await run_unit(queue, practice)
        practice.faults.add(opening(Kind.ANSWER_LOST))
        budget = FreeOpenings()
        async with relays(practice, openings=budget) as (relay,):
            await relay.run_once()
            assert (await run_unit(state_of, message)).first_attempt_at is None
            await run_unit(make_due, message)
            await relay.run_once()
        assert budget.settled == [(False, "ServerDisconnectedError"), (True, "")]
        assert practice.sent.qsize() == 1

    async def test_is_not_asked_for_a_channel_that_is_open(self, practice: PracticeServer) -> None:
        budget = FreeOpenings()
        async with relays(practice, openings=budget) as (relay,):
            for _ in range(2):
                await run_unit(queue, practice)
                await drain(relay)
        assert len(budget.reserved) == 1
