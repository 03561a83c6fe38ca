"""Every kind of answer that Discord gives, over the wire (DISCORD.md 3.3 to 3.6 and 6)."""

from datetime import timedelta

import aiohttp
import pytest
from django.utils import timezone

from bots.database import run_unit
from bots.governor import tries
from bots.governor.calls import NotSent
from bots.practice import faults
from bots.practice.faults import Fault, Kind
from bots.practice.server import PracticeServer
from bots.relay import calls
from followups.models import UserProfile
from socialmedia.models import Conversation, Message
from tests.bots.relay.acting import MINUTE, dm_channel, drain, make_due, people, state_of
from tests.bots.running import queue, relays

pytestmark = pytest.mark.usefixtures("database")


async def deliver(server: PracticeServer, *fault: Fault) -> Message:
    """Queue a message, make a fault, and try once. The message as it is then."""
    message = await run_unit(queue, server)
    for each in fault:
        server.faults.add(each)
    async with relays(server) as (relay,):
        await relay.run_once()
    return await run_unit(state_of, message)


class TestRateLimits:
    @pytest.mark.parametrize("globally", [False, True])
    async def test_are_waited_for_when_they_are_short(self, practice: PracticeServer, globally: bool) -> None:
        stored = await deliver(practice, faults.rate_limited(globally=globally))
        assert (stored.status, stored.attempts) == ("sent", 1)
        assert practice.sent.qsize() == 1

    async def test_without_via_make_the_relay_ask_for_nothing(self, practice: PracticeServer) -> None:
        """A ban by Cloudflare: each further request would make it longer."""
        banned = practice.faults.add(Fault(Kind.CLOUDFLARE_BANNED, times=None))
        message = await run_unit(queue, practice)
        async with relays(practice) as (relay,):
            await relay.run_once()
            await run_unit(queue, practice, "another", 1)
            assert not await relay.run_once()
        assert banned.count == 1
        stored = await run_unit(state_of, message)
        assert (stored.status, stored.first_attempt_at) == ("queued", None)
        assert stored.next_attempt_at is not None
        assert stored.next_attempt_at > timezone.now() + timedelta(seconds=50)


class TestRefusals:
    @pytest.mark.parametrize(
        ("status", "code", "is_unreachable"),
        [(403, 50007, True), (403, 50278, True), (403, 200000, False), (400, 50035, False), (403, 50001, False)],
    )
    async def test_are_final(self, practice: PracticeServer, status: int, code: int, is_unreachable: bool) -> None:
        stored = await deliver(practice, Fault(Kind.REFUSED, status=status, code=code, message="No."))
        assert (stored.status, stored.error_code, stored.error_message) == ("failed", str(code), "No.")
        profile = await run_unit(UserProfile.objects.get, pk=str(people(practice)[0]))
        assert (profile.unreachable_since is not None) is is_unreachable

    async def test_of_a_member_without_a_community_in_common_mark_them(self, practice: PracticeServer) -> None:
        await practice.member_leaves(people(practice)[0])
        stored = await deliver(practice)
        assert (stored.status, stored.error_code) == ("failed", "50278")

    async def test_of_the_token_put_everything_off(self, practice: PracticeServer) -> None:
        refused = practice.faults.add(Fault(Kind.REFUSED, status=401, message="401: Unauthorized", times=None))
        message = await run_unit(queue, practice)
        async with relays(practice) as (relay,):
            await relay.run_once()
            await run_unit(queue, practice, "another", 1)
            assert not await relay.run_once()
        assert refused.count == 1
        stored = await run_unit(state_of, message)
        assert (stored.status, stored.first_attempt_at) == ("queued", None)


class TestTrouble:
    async def test_behind_an_accepted_message_does_not_double_it(self, practice: PracticeServer) -> None:
        stored = await deliver(practice, Fault(Kind.BAD_GATEWAY_AFTER))
        assert (stored.status, stored.attempts) == ("sent", 1)  # discord.py asks again by itself, with the nonce
        assert practice.sent.qsize() == 1

    @pytest.mark.parametrize("status", [503, 520])
    async def test_that_discord_py_does_not_wait_for_is_asked_again(
        self, practice: PracticeServer, status: int
    ) -> None:
        message = await run_unit(queue, practice)
        practice.faults.add(Fault(Kind.REFUSED, status=status, message="away"))
        async with relays(practice) as (relay,):
            await relay.run_once()
            waiting = await run_unit(state_of, message)
            assert (waiting.status, waiting.error_message) == ("queued", f"no answer: HTTP {status}")
            assert waiting.first_attempt_at is not None
            await run_unit(make_due, message)
            await drain(relay)
        assert practice.sent.qsize() == 1

    async def test_of_an_answer_that_does_not_come_ends_with_our_patience(
        self, practice: PracticeServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        channel = await dm_channel(practice)
        message = await run_unit(queue, practice)
        await run_unit(Conversation.objects.update, external_channel_id=str(channel))
        monkeypatch.setattr(calls, "PATIENCE_SECONDS", 0.3)
        held = practice.faults.add(Fault(Kind.HELD_AFTER))
        async with relays(practice) as (relay,):
            await relay.run_once()
            waiting = await run_unit(state_of, message)
            assert (waiting.status, waiting.error_message) == ("queued", "no answer: TimeoutError")
            assert waiting.next_attempt_at is not None
            assert waiting.next_attempt_at < timezone.now() + MINUTE
            monkeypatch.undo()
            held.release.set()  # until then discord.py lets no other request of this channel pass
            await run_unit(make_due, message)
            await drain(relay)
        assert (await run_unit(state_of, message)).status == "sent"
        assert practice.sent.qsize() == 1

    async def test_is_not_even_asked_for_when_our_patience_is_over_before(
        self, practice: PracticeServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A request that nobody waits for could arrive long after the next one."""
        message = await run_unit(queue, practice)
        monkeypatch.setattr(calls, "PATIENCE_SECONDS", 0.0)
        async with relays(practice) as (relay,):
            practice.requests.clear()
            await relay.run_once()
            stored = await run_unit(state_of, message)
            assert (stored.status, stored.first_attempt_at) == ("queued", None)
            assert practice.requests == []


class TestRequestsThatAreNotMade:
    """The governor lets a request not go out."""

    @pytest.mark.parametrize("is_first", [True, False])
    async def test_leave_the_message_as_it_was_unless_an_earlier_try_was_made(
        self, practice: PracticeServer, is_first: bool
    ) -> None:
        async def refuse(_session: object, _context: object, params: aiohttp.TraceRequestStartParams) -> None:
            if params.url.path.endswith("/messages"):
                if not is_first:
                    tries.of_this_call().begin()
                raise NotSent("Too many requests were refused.")

        trace = aiohttp.TraceConfig()
        trace.on_request_start.append(refuse)
        message = await run_unit(queue, practice)
        async with relays(practice, http_trace=trace) as (relay,):
            await relay.run_once()
            await run_unit(queue, practice, "another", 1)
            assert not await relay.run_once()
        stored = await run_unit(state_of, message)
        assert (stored.status, stored.error_message) == ("queued", "Too many requests were refused.")
        assert (stored.first_attempt_at is None) is is_first
