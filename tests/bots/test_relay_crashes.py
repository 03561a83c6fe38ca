"""A relay that dies at every point of a delivery: members see each message exactly once, or its row says `unknown`."""

import asyncio
import contextlib
import signal
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection, connections, transaction
from django.utils import timezone

from bots.database import run_unit
from bots.models import BotHeartbeat
from bots.practice.faults import Fault, Kind
from bots.practice.server import PracticeServer
from bots.relay.clearance import NONCE_WINDOW
from socialmedia.models import Conversation, Message
from tests.bots import running, support
from tests.bots.running import eventually, relays
from tests.bots.test_runbot import exit_code, is_sent, runbot

pytestmark = [pytest.mark.usefixtures("database"), pytest.mark.slow]

POINTS = ("before the call", "on its way", "after the call", "before the commit", "after the commit")


def hold(server: PracticeServer, point: str, user_id: int) -> Fault | None:
    """Let the delivery to this member stand still at a point of it."""
    opening = "/users/@me/channels"
    if point == "before the call":
        return server.faults.add(Fault(Kind.HELD_BEFORE, path=opening, user_id=user_id))
    if point == "on its way":
        return server.faults.add(Fault(Kind.HELD_BEFORE, user_id=user_id))
    if point == "after the commit":
        return None
    return server.faults.add(Fault(Kind.HELD_AFTER, user_id=user_id))


def queue(server: PracticeServer, point: str, index: int) -> Message:
    """Queue one message. Only one member's private channel is not open yet: discord.py opens them one by one."""
    message = running.queue(server, f"Message {index}.", index)
    if point != "before the call":
        channel = server.channel_for(support.people(server.world)[index].id, "dm")
        Conversation.objects.filter(pk=message.conversation_id).update(external_channel_id=str(channel.id))
    return message


@contextlib.contextmanager
def row_locked(message: Message) -> Iterator[None]:
    """Let nobody write the message's row, from a connection of this thread."""
    with transaction.atomic():
        Message.objects.select_for_update().get(pk=message.pk)
        yield


def is_waited_for() -> bool:
    """Whether somebody waits for a lock of this test."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock')")
        return bool(cursor.fetchone()[0])


def strand(*, is_remembered: bool) -> None:
    """Let the dead relay's leases run out, and its heartbeat; else, let Discord have forgotten the nonces, too."""
    now = timezone.now()
    BotHeartbeat.objects.all().delete()
    sending = Message.objects.filter(status="sending")
    sending.update(lease_expires_at=now - timedelta(seconds=1))
    if not is_remembered:
        sending.update(first_attempt_at=now - 2 * NONCE_WINDOW)


class TestKilledAtEveryPoint:
    @pytest.mark.parametrize("is_remembered", [True, False], ids=["nonce remembered", "nonce forgotten"])
    async def test_shows_each_message_once_or_says_that_it_does_not_know(
        self, practice: PracticeServer, tmp_path: Path, is_remembered: bool
    ) -> None:
        people = [user.id for user in support.people(practice.world)]
        holds = {point: hold(practice, point, people[index]) for index, point in enumerate(POINTS)}
        rows = {point: await run_unit(queue, practice, point, index) for index, point in enumerate(POINTS)}
        async with runbot(practice, tmp_path / "log") as process:
            async with asyncio.timeout(30):
                for fault in holds.values():
                    if fault is not None:
                        await fault.struck.wait()
            await eventually(lambda: is_sent(rows["after the commit"]), "the one that is not held", seconds=30)
            locked = asyncio.Event()
            done = asyncio.Event()
            keeping = asyncio.create_task(_keep_locked(rows["before the commit"], locked, done))
            await locked.wait()
            held = holds["before the commit"]
            assert held is not None
            held.release.set()
            await eventually(is_waited_for, "the relay waits to write what became of it")
            process.send_signal(signal.SIGKILL)
            await exit_code(process)
            done.set()
            await keeping
        practice.faults.clear()  # what was on its way arrives after the death of its sender
        await run_unit(strand, is_remembered=is_remembered)
        async with relays(practice) as (relay,):
            while await relay.run_once():
                pass
        seen = {point: practice.dm_texts(people[index]) for index, point in enumerate(POINTS)}
        found = {point: (await run_unit(Message.objects.get, pk=rows[point].pk)).status for point in POINTS}
        for index, point in enumerate(POINTS):
            assert seen[point] in ([f"Message {index}."], []), point
            assert found[point] == ("sent" if seen[point] else "unknown"), point
        assert {point for point in POINTS if seen[point]} == set(POINTS)


async def _keep_locked(message: Message, locked: asyncio.Event, done: asyncio.Event) -> None:
    """Keep the row locked in a thread of its own until told to let go."""
    loop = asyncio.get_running_loop()

    def keep() -> None:
        try:
            with row_locked(message):
                loop.call_soon_threadsafe(locked.set)
                asyncio.run_coroutine_threadsafe(done.wait(), loop).result(60)
        finally:
            connections.close_all()

    await asyncio.to_thread(keep)
