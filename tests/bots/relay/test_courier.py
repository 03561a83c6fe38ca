"""The relay over the real wire: each message once, and an outcome for each."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import aiohttp
import pytest
from django.utils import timezone
from pytest_django import Settings

from bots import inbound
from bots.database import run_unit
from bots.governor import openings
from bots.people import Letter, Person
from bots.practice import faults
from bots.practice.faults import Fault, Kind
from bots.practice.server import PracticeServer
from bots.relay.courier import MANY_LOST
from followups import consent
from followups.models import FollowUp, FollowUpHistory, UserProfile
from socialmedia import outbox
from socialmedia.models import AutomationAction, Conversation, Message
from tests.bots import running
from tests.bots.relay.acting import (
    MINUTE,
    age,
    claim_and_die,
    dm_channel,
    drain,
    forget,
    make_due,
    opt_out,
    people,
    state_of,
)
from tests.bots.running import queue, queue_automated, relays
from tests.followups import factories
from tests.followups.privacy.factories import places_with

pytestmark = pytest.mark.usefixtures("database")


class TestDelivery:
    async def test_sends_once_and_records_it(self, practice: PracticeServer) -> None:
        message = await run_unit(queue, practice, "Hello Ada.")
        async with relays(practice) as (relay,):
            assert await relay.run_once()
            assert not await relay.run_once()
        assert practice.dm_texts(people(practice)[0]) == ["Hello Ada."]
        delivered = practice.sent.get_nowait()
        stored = await run_unit(state_of, message)
        assert (stored.status, stored.external_message_id) == ("sent", str(delivered.id))
        assert delivered.nonce == message.nonce
        assert stored.attempts == 1

    async def test_opens_the_private_channel_once(self, practice: PracticeServer) -> None:
        async with relays(practice) as (relay,):
            for _ in range(2):
                message = await run_unit(queue, practice)
                await relay.run_once()
        async with relays(practice) as (relay,):
            await run_unit(queue, practice)
            await relay.run_once()
        opened = [request for request in practice.requests if request.path.endswith("/users/@me/channels")]
        assert len(opened) == 1
        conversation = await run_unit(Conversation.objects.get, pk=message.conversation_id)
        assert conversation.external_channel_id == str(practice.channel_for(people(practice)[0], "dm").id)

    async def test_opens_it_again_when_the_remembered_one_is_gone(self, practice: PracticeServer) -> None:
        def queue_with_old_channel() -> Message:
            message = queue(practice, "Hello Ada.")
            Conversation.objects.update(external_channel_id="4711")
            return message

        message = await run_unit(queue_with_old_channel)
        async with relays(practice) as (relay,):
            await relay.run_once()
            await relay.run_once()
        stored = await run_unit(state_of, message)
        assert (stored.status, stored.error_message) == ("sent", "")
        assert practice.dm_texts(people(practice)[0]) == ["Hello Ada."]

    async def test_gives_up_when_the_new_channel_is_gone_too(self, practice: PracticeServer) -> None:
        message = await run_unit(queue, practice)
        practice.faults.add(Fault(Kind.REFUSED, times=None, status=404, code=10003, message="Unknown Channel"))
        async with relays(practice) as (relay,):
            await drain(relay)
        stored = await run_unit(state_of, message)
        assert (stored.status, stored.error_code) == ("failed", "10003")

    async def test_pings_nobody(self, practice: PracticeServer) -> None:
        await run_unit(queue, practice, "Hi @everyone")
        async with relays(practice) as (relay,):
            await relay.run_once()
        sent = next(request for request in practice.requests if request.path.endswith("/messages"))
        assert sent.body["allowed_mentions"] == {"parse": []}
        assert sent.body["enforce_nonce"]

    async def test_keeps_the_order_of_a_conversation(self, practice: PracticeServer) -> None:
        texts = [f"number {index}" for index in range(6)]
        for text in texts:
            await run_unit(queue, practice, text)
        async with relays(practice) as (relay,):
            await drain(relay)
        assert practice.dm_texts(people(practice)[0]) == texts

    async def test_two_relays_at_once_send_each_message_once_and_in_order(self, practice: PracticeServer) -> None:
        def fill() -> None:
            for number in range(10):
                for index in range(3):
                    queue(practice, f"{index}: {number}", index)

        await run_unit(fill)
        async with relays(practice, 2) as both:
            await asyncio.gather(*(drain(relay) for relay in both))
            await drain(both[0])
        for index, person in enumerate(people(practice)[:3]):
            assert practice.dm_texts(person) == [f"{index}: {number}" for number in range(10)]
        assert await run_unit(Message.objects.filter(status="sent").count) == 30


class TestPolicy:
    async def test_suppresses_what_a_member_no_longer_wants(self, practice: PracticeServer) -> None:
        message = await run_unit(queue_automated, practice)
        person = str(people(practice)[0])
        # A withdrawal that the queue did not see: one row too many, nothing suppressed.
        await run_unit(UserProfile.objects.filter(pk=person).update, follow_ups_enabled=False)
        async with relays(practice) as (relay,):
            assert await relay.run_once()
        stored = await run_unit(state_of, message)
        assert stored.status == "suppressed"
        assert "consent" in stored.error_message
        assert practice.sent.empty()

    async def test_delivers_to_those_who_opted_in(self, practice: PracticeServer) -> None:
        message = await run_unit(queue_automated, practice, "How are you?")
        async with relays(practice) as (relay,):
            await relay.run_once()
        assert practice.dm_texts(people(practice)[0]) == ["How are you?"]
        assert (await run_unit(state_of, message)).status == "sent"

    async def test_does_not_repeat_a_lost_message_after_an_opt_out(self, practice: PracticeServer) -> None:
        message = await run_unit(queue_automated, practice)
        practice.faults.add(Fault(Kind.DROPPED))
        async with relays(practice) as (relay,):
            await relay.run_once()
            await run_unit(opt_out, practice)
            await run_unit(make_due, message)
            await relay.run_once()
        assert (await run_unit(state_of, message)).status == "suppressed"
        assert practice.sent.empty()

    async def test_records_a_lost_message_that_had_arrived_before_the_opt_out(self, practice: PracticeServer) -> None:
        message = await run_unit(queue_automated, practice)
        practice.faults.add(Fault(Kind.ANSWER_LOST))
        async with relays(practice) as (relay,):
            await relay.run_once()
            await run_unit(opt_out, practice)
            await run_unit(make_due, message)
            await relay.run_once()
        assert (await run_unit(state_of, message)).status == "sent"
        assert practice.sent.qsize() == 1


class TestForgotten:
    """A member is forgotten while the relay has their message in its hands."""

    async def test_on_the_wire_it_arrives_and_leaves_no_trace(self, practice: PracticeServer) -> None:
        await run_unit(queue_automated, practice, "Hello!")
        held = practice.faults.add(Fault(Kind.HELD_AFTER))
        async with relays(practice) as (relay,):
            running_late = asyncio.create_task(relay.run_once())
            async with asyncio.timeout(10):
                await held.struck.wait()
            await run_unit(forget, practice)
            held.release.set()
            async with asyncio.timeout(10):
                assert await running_late
            assert not await relay.run_once()
        assert practice.sent.qsize() == 1
        assert await run_unit(places_with, str(people(practice)[0])) == []

    @pytest.mark.parametrize("kind", [Kind.ANSWER_LOST, Kind.DROPPED])
    async def test_a_lost_answer_is_not_asked_for_again(self, practice: PracticeServer, kind: Kind) -> None:
        await run_unit(queue, practice)
        fault = practice.faults.add(Fault(kind))
        async with relays(practice) as (relay,):
            await relay.run_once()
            assert fault.count == 1
            await run_unit(forget, practice)
            assert not await relay.run_once()
        assert practice.sent.qsize() == (kind is Kind.ANSWER_LOST)

    @pytest.mark.parametrize("kind", [Kind.HELD_AFTER, Kind.DROPPED])
    async def test_while_a_channel_is_opened_no_place_of_the_budget_names_them(
        self, practice: PracticeServer, kind: Kind
    ) -> None:
        class Late(running.FreeOpenings):
            """Takes the place just after the member was forgotten."""

            def reserve(self, account_id: int, *, user_id: str, now: datetime) -> None:
                forget(practice)
                assert openings.reserve(account_id, user_id=user_id, now=now) is None

            settle = staticmethod(openings.settle)
            forget = staticmethod(openings.forget)

        await run_unit(queue, practice)
        practice.faults.add(Fault(kind, path="/users/@me/channels")).release.set()
        async with relays(practice, openings=Late()) as (relay,):
            await relay.run_once()
        assert practice.sent.empty()
        assert await run_unit(places_with, str(people(practice)[0])) == []
        assert await run_unit(AutomationAction.objects.count) == 1

    async def test_nothing_claimed_goes_out_any_more(self, practice: PracticeServer) -> None:
        """Forgotten between the claim and the call, also an answer that the policy would let pass."""
        await run_unit(queue, practice)
        account = await run_unit(running.bot_account, practice)
        (held,) = await run_unit(outbox.claim, account=account, limit=5, lease=MINUTE)
        await run_unit(forget, practice)
        async with relays(practice) as (relay,):
            await relay._courier.deliver(held)
        assert practice.sent.empty()
        assert await run_unit(places_with, str(people(practice)[0])) == []


class TestLostAnswers:
    @pytest.mark.parametrize("kind", [Kind.ANSWER_LOST, Kind.DROPPED])
    async def test_are_asked_for_again_with_the_same_nonce(self, practice: PracticeServer, kind: Kind) -> None:
        message = await run_unit(queue, practice, "Once.")
        fault = practice.faults.add(Fault(kind))
        async with relays(practice) as (relay,):
            await relay.run_once()
            assert fault.count == 1
            waiting = await run_unit(state_of, message)
            assert (waiting.status, waiting.attempts) == ("queued", 1)
            assert waiting.first_attempt_at is not None
            await run_unit(make_due, message)
            await relay.run_once()
        assert practice.dm_texts(people(practice)[0]) == ["Once."]
        stored = await run_unit(state_of, message)
        assert (stored.status, stored.attempts) == ("sent", 2)
        assert stored.external_message_id == str(practice.sent.get_nowait().id)

    async def test_are_looked_up_when_discord_has_forgotten_the_nonce(self, practice: PracticeServer) -> None:
        message = await run_unit(queue, practice, "Once.")
        practice.faults.add(Fault(Kind.ANSWER_LOST))
        async with relays(practice) as (relay,):
            await relay.run_once()
            await run_unit(age, message, timedelta(minutes=3))
            await run_unit(make_due, message)
            await relay.run_once()
        sends = [request for request in practice.requests if request.method == "POST" and "/messages" in request.path]
        assert len(sends) == 1
        stored = await run_unit(state_of, message)
        assert (stored.status, stored.external_message_id) == ("sent", str(practice.sent.get_nowait().id))

    async def test_are_left_to_a_person_when_even_the_history_does_not_tell(self, practice: PracticeServer) -> None:
        message = await run_unit(queue, practice, "Never arrived.")
        practice.faults.add(Fault(Kind.DROPPED))
        async with relays(practice) as (relay,):
            await relay.run_once()
            await run_unit(age, message, timedelta(minutes=3))
            await run_unit(make_due, message)
            await relay.run_once()
            assert not await relay.run_once()
        assert (await run_unit(state_of, message)).status == "unknown"
        assert practice.sent.empty()

    async def test_do_not_take_another_message_with_the_same_words_for_theirs(self, practice: PracticeServer) -> None:
        await run_unit(queue, practice, "Same words.")
        async with relays(practice) as (relay,):
            await relay.run_once()
            message = await run_unit(queue, practice, "Same words.")
            practice.faults.add(Fault(Kind.DROPPED))
            await relay.run_once()
            await run_unit(age, message, timedelta(minutes=3))
            await run_unit(make_due, message)
            await relay.run_once()
        assert (await run_unit(state_of, message)).status == "unknown"


class Network(aiohttp.TCPConnector):
    """Makes no connection while it has an error."""

    error: Exception | None = None

    async def connect(self, *args: Any, **kwargs: Any) -> Any:
        if isinstance(self.error, OSError) and not isinstance(self.error, TimeoutError):
            raise aiohttp.ClientConnectorError(args[0].connection_key, self.error)
        if self.error is not None:
            raise self.error
        return await super().connect(*args, **kwargs)


class TestDiscordAway:
    async def test_keeps_what_cannot_have_left_in_the_queue(self, practice: PracticeServer) -> None:
        """However long it took to find out: a name server that is away, or a network, lets one wait."""
        message = await run_unit(queue, practice, "Later.")
        network = Network()
        async with relays(practice, connector=network) as (relay,):
            await run_unit(Conversation.objects.update, external_channel_id=str(await dm_channel(practice)))
            for network.error in (TimeoutError(), OSError("No address associated with hostname")):
                await relay.run_once()
                stored = await run_unit(state_of, message)
                assert (stored.status, stored.first_attempt_at) == ("queued", None)
                await run_unit(make_due, message)
            network.error = None
            await relay.run_once()
        assert practice.dm_texts(people(practice)[0]) == ["Later."]
        assert (await run_unit(state_of, message)).status == "sent"

    async def test_leaves_few_messages_in_doubt(self, practice: PracticeServer) -> None:
        """However long it is away: what was sent into the void may have to be looked at by a person."""

        def open_channels() -> None:
            for row in Conversation.objects.all():
                channel = practice.channel_for(int(row.participant_id), "dm")
                Conversation.objects.filter(pk=row.pk).update(external_channel_id=str(channel.id))

        def in_doubt() -> int:
            return Message.objects.exclude(first_attempt_at=None).count()

        for index in range(MANY_LOST):
            await run_unit(queue, practice, "lost", index)
        await run_unit(open_channels)
        away = practice.faults.add(Fault(Kind.DROPPED, times=None))
        async with relays(practice) as (relay,):
            await relay.run_once()
            assert await run_unit(in_doubt) == MANY_LOST
            later = timezone.now() + timedelta(hours=1)
            await run_unit(Message.objects.update, next_attempt_at=later)
            await run_unit(Message.objects.update, status="suppressed")  # so that their conversations are free
            for index in range(MANY_LOST):
                await run_unit(queue, practice, "waits", index)
            assert not await relay.run_once()  # for a while
            for number in (1, 2):
                relay._paused_until = 0.0
                assert await relay.run_once()
                assert await run_unit(in_doubt) == MANY_LOST + number
            practice.faults.remove(away)
            relay._paused_until = 0.0
            await relay.run_once()
            await relay.run_once()
        assert practice.sent.qsize() == MANY_LOST - 2

    async def test_waits_with_the_look_into_the_history(self, practice: PracticeServer) -> None:
        message = await run_unit(queue, practice, "Once.")
        practice.faults.add(Fault(Kind.ANSWER_LOST))
        async with relays(practice) as (relay,):
            await relay.run_once()
            await run_unit(age, message, timedelta(minutes=3))
            await run_unit(make_due, message)
            await run_unit(Message.objects.filter(pk=message.pk).update, attempts=50)
            away = practice.faults.add(Fault(Kind.DROPPED, method="GET", times=None))
            await relay.run_once()
            practice.faults.remove(away)
            assert (await run_unit(state_of, message)).status == "queued"
            await run_unit(make_due, message)
            await relay.run_once()
        assert (await run_unit(state_of, message)).status == "sent"
        assert practice.sent.qsize() == 1


class TestStranded:
    async def test_is_sent_again_with_the_same_nonce(self, practice: PracticeServer) -> None:
        message = await run_unit(queue, practice, "Once.")
        await run_unit(claim_and_die, practice)
        async with relays(practice) as (relay,):
            await relay.run_once()
        assert practice.dm_texts(people(practice)[0]) == ["Once."]
        assert (await run_unit(state_of, message)).status == "sent"

    @pytest.mark.parametrize("has_channel", [True, False])
    async def test_is_looked_up_later_unless_its_channel_was_not_even_open(
        self, practice: PracticeServer, has_channel: bool
    ) -> None:
        message = await run_unit(queue, practice, "Once.")
        if has_channel:
            await run_unit(Conversation.objects.update, external_channel_id=str(await dm_channel(practice)))
        await run_unit(claim_and_die, practice)
        await run_unit(age, message, timedelta(minutes=10))
        async with relays(practice) as (relay,):
            await relay.run_once()
        assert (await run_unit(state_of, message)).status == ("unknown" if has_channel else "sent")
        assert practice.sent.qsize() == (not has_channel)


class TestLostLease:
    async def test_leaves_the_outcome_to_the_relay_that_took_over(self, practice: PracticeServer) -> None:
        message = await run_unit(queue, practice, "Once.")
        held = practice.faults.add(Fault(Kind.HELD_AFTER))
        async with relays(practice, 2) as (slow, quick):
            running_late = asyncio.create_task(slow.run_once())
            async with asyncio.timeout(10):
                await held.struck.wait()
            await run_unit(age, message, timedelta())
            await quick.run_once()
            taken_over = await run_unit(state_of, message)
            assert (taken_over.status, taken_over.attempts) == ("sent", 2)
            held.release.set()
            async with asyncio.timeout(10):
                await running_late
        assert await run_unit(state_of, message) == taken_over
        assert (await run_unit(state_of, message)).delivered_at == taken_over.delivered_at
        assert practice.dm_texts(people(practice)[0]) == ["Once."]


class TestRefusals:
    async def test_mark_a_member_as_unreachable(self, practice: PracticeServer) -> None:
        message = await run_unit(queue, practice)
        person = people(practice)[0]
        practice.faults.add(faults.cannot_dm(person))
        async with relays(practice) as (relay,):
            await relay.run_once()
            assert not await relay.run_once()
        stored = await run_unit(state_of, message)
        assert (stored.status, stored.error_code) == ("failed", "50007")
        profile = await run_unit(UserProfile.objects.get, pk=str(person))
        assert profile.unreachable_since is not None

    async def test_pause_new_channels_but_not_open_ones(self, practice: PracticeServer) -> None:
        async with relays(practice) as (relay,):
            await run_unit(queue, practice, "first", 0)
            await relay.run_once()
            fault = practice.faults.add(faults.opening_dms_too_fast(times=None))
            refused = await run_unit(queue, practice, "second", 1)
            await relay.run_once()
            held = await run_unit(queue, practice, "third", 2)
            await run_unit(queue, practice, "fourth", 0)
            await relay.run_once()
        assert fault.count == 1
        assert practice.dm_texts(people(practice)[0]) == ["first", "fourth"]
        for message in (refused, held):
            stored = await run_unit(state_of, message)
            assert stored.status == "queued"
            assert stored.first_attempt_at is None
            assert stored.next_attempt_at is not None
            assert stored.next_attempt_at > timezone.now() + 9 * MINUTE

    async def test_of_the_rate_limit_wait_as_long_as_discord_says(self, practice: PracticeServer) -> None:
        message = await run_unit(queue, practice)
        practice.faults.add(faults.rate_limited(retry_after=90))
        async with relays(practice) as (relay,):
            await relay.run_once()
        stored = await run_unit(state_of, message)
        assert (stored.status, stored.first_attempt_at) == ("queued", None)
        assert stored.next_attempt_at is not None
        assert stored.next_attempt_at - timezone.now() > timedelta(seconds=80)

    async def test_of_any_other_kind_are_final(self, practice: PracticeServer) -> None:
        message = await run_unit(queue, practice)
        practice.faults.add(Fault(Kind.REFUSED, status=400, code=50035, message="Invalid Form Body"))
        async with relays(practice) as (relay,):
            await relay.run_once()
            assert not await relay.run_once()
        stored = await run_unit(state_of, message)
        assert (stored.status, stored.error_code) == ("failed", "50035")


class TestFollowUps:
    @pytest.fixture(autouse=True)
    def _never_quiet(self, settings: Settings) -> None:
        settings.FOLLOW_UP_QUIET_HOURS_START = settings.FOLLOW_UP_QUIET_HOURS_END = 0

    def queue_one(self, server: PracticeServer) -> FollowUp:
        """Plan a follow-up for one of the community's people and run its job: its message waits in the outbox."""
        running.bot_account(server)
        running.opt_in(server)
        now = timezone.now()
        planned = factories.make_plan(running.profile_of(server), due_at=now, now=now)
        queued = factories.execute(planned, now=now)
        assert queued.message is not None, queued.reason
        return queued

    async def test_are_executed_when_discord_took_them(self, practice: PracticeServer) -> None:
        follow_up = await run_unit(self.queue_one, practice)
        async with relays(practice) as (relay,):
            await relay.run_once()
        await run_unit(follow_up.refresh_from_db)
        assert follow_up.status == "executed"
        history = await run_unit(FollowUpHistory.objects.get)
        assert practice.dm_texts(people(practice)[0]) == [history.message_sent]
        profile = await run_unit(UserProfile.objects.get, pk=follow_up.user_id)
        assert profile.last_follow_up_sent == follow_up.executed_at

    async def test_are_sent_when_discord_took_them_and_not_when_we_heard(self, practice: PracticeServer) -> None:
        follow_up = await run_unit(self.queue_one, practice)
        practice.faults.add(Fault(Kind.ANSWER_LOST))
        async with relays(practice) as (relay,):
            await relay.run_once()
            arrived = practice.sent.get_nowait()
            assert follow_up.message is not None
            await run_unit(age, follow_up.message, timedelta(minutes=3))
            await run_unit(make_due, follow_up.message)
            await relay.run_once()
        history = await run_unit(FollowUpHistory.objects.get)
        assert abs(history.sent_at - arrived.sent_at) < timedelta(milliseconds=2)

    async def test_are_answered_even_before_we_heard_that_they_arrived(self, practice: PracticeServer) -> None:
        follow_up = await run_unit(self.queue_one, practice)
        held = practice.faults.add(Fault(Kind.HELD_AFTER))
        async with relays(practice) as (relay,):
            sending = asyncio.create_task(relay.run_once())
            async with asyncio.timeout(10):
                await held.struck.wait()
                await practice.sent.get()
            answered_at = timezone.now()
            await run_unit(
                inbound.receive_private,
                own=await run_unit(running.bot_account, practice),
                author=Person(follow_up.user_id, "ada"),
                channel_id=str(await dm_channel(practice)),
                letter=Letter("99", "All is well!", answered_at, {}),
                now=answered_at,
            )
            held.release.set()
            async with asyncio.timeout(10):
                await sending
        history = await run_unit(FollowUpHistory.objects.get)
        assert (history.response_received, history.response_time) == (True, answered_at)

    async def test_wait_for_the_end_of_quiet_hours(self, practice: PracticeServer, settings: Settings) -> None:
        follow_up = await run_unit(self.queue_one, practice)
        hour = timezone.now().hour
        settings.FOLLOW_UP_QUIET_HOURS_START = hour
        settings.FOLLOW_UP_QUIET_HOURS_END = (hour + 2) % 24
        settings.FOLLOW_UP_JITTER_MINUTES = 0
        async with relays(practice) as (relay,):
            await relay.run_once()
            await run_unit(queue, practice, "An answer does not wait.")
            await relay.run_once()
        assert practice.dm_texts(people(practice)[0]) == ["An answer does not wait."]
        message = await run_unit(Message.objects.get, pk=follow_up.message_id)
        assert (message.status, message.first_attempt_at) == ("queued", None)
        assert message.next_attempt_at is not None
        assert timezone.now() < message.next_attempt_at <= timezone.now() + timedelta(hours=2)

    async def test_are_skipped_with_the_reason_after_an_opt_out(self, practice: PracticeServer) -> None:
        follow_up = await run_unit(self.queue_one, practice)
        async with relays(practice) as (relay,):
            (held,) = await run_unit(
                outbox.claim, account=await run_unit(running.bot_account, practice), limit=1, lease=MINUTE
            )
            # The relay has it already: the withdrawal cannot take it out of the queue any more.
            await run_unit(
                consent.withdraw, user_id=follow_up.user_id, source="api", evidence="x", actor="x", now=timezone.now()
            )
            await run_unit(age, held.message, timedelta())
            await relay.run_once()
        await run_unit(follow_up.refresh_from_db)
        message = await run_unit(Message.objects.get, pk=follow_up.message_id)
        assert message.status == "suppressed"
        assert "opted out" in message.error_message
        assert follow_up.status in {"skipped", "cancelled"}
        assert "consent" in follow_up.reason
        assert practice.sent.empty()

    async def test_fail_when_the_member_cannot_be_reached(self, practice: PracticeServer) -> None:
        follow_up = await run_unit(self.queue_one, practice)
        practice.faults.add(faults.cannot_dm(people(practice)[0]))
        async with relays(practice) as (relay,):
            await relay.run_once()
        await run_unit(follow_up.refresh_from_db)
        assert follow_up.status == "failed"
        assert await run_unit(FollowUpHistory.objects.count) == 0
