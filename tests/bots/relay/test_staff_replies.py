"""What staff write in the console reaches the member over the wire, unless the conversation was shut since."""

import pytest
from django.utils import timezone

from bots.database import run_unit
from bots.practice.server import PracticeServer
from socialmedia import outbox
from socialmedia.desk import replies, threads
from socialmedia.models import Message, StaffReply
from tests.bots import running
from tests.bots.relay.acting import MINUTE, drain, state_of
from tests.bots.running import ada, checkback, conversation_with, eventually, relays
from tests.socialmedia.desk.factories import make_later, say, start_job

pytestmark = pytest.mark.usefixtures("database")


def answer(server: PracticeServer) -> StaffReply:
    """Somebody of the staff answers Ada, at a time; its job runs."""
    chat = conversation_with(server)
    say(chat, "Is anybody there?")
    reply = make_later(chat, "Yes, {name}, we are.")
    replies.send_due(start_job(reply), now=timezone.now())
    reply.refresh_from_db()
    assert reply.message is not None
    return reply


def block(server: PracticeServer) -> None:
    """Staff block the conversation with Ada."""
    threads.block(conversation_with(server).pk, by="ann", now=timezone.now())


class TestStaffReply:
    async def test_reaches_the_member_and_is_shown_as_sent(self, practice: PracticeServer) -> None:
        async with checkback(practice):
            await practice.member_says(ada(practice).id, "dm", "Hello?")
            await eventually(Message.objects.exists, "the question")
            reply = await run_unit(answer, practice)
            await eventually(lambda: StaffReply.objects.filter(pk=reply.pk, message__status="sent").exists(), "it")
        assert practice.dm_texts(ada(practice).id)[-1] == f"Yes, {ada(practice).display_name}, we are."

    async def test_stays_here_when_the_conversation_is_blocked_before_it_went(self, practice: PracticeServer) -> None:
        async with relays(practice) as (relay,):
            await run_unit(answer, practice)
            account = await run_unit(running.bot_account, practice)
            (held,) = await run_unit(outbox.claim, account=account, limit=1, lease=MINUTE)
            await run_unit(block, practice)
            await relay._courier.deliver(held)
            await run_unit(running.queue, practice, "You are opted out.")
            await drain(relay)
        assert practice.dm_texts(ada(practice).id) == ["You are opted out."]
        assert (await run_unit(state_of, held.message)).status == "suppressed"
