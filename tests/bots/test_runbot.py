"""`manage.py runbot` as a real process against a practice server in this one."""

import asyncio
import contextlib
import signal
import subprocess
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.utils import timezone

from bots.database import run_unit
from bots.practice import faults
from bots.practice.faults import Fault, Kind
from bots.practice.server import PracticeServer
from socialmedia.models import Message
from tests import processes
from tests.bots import running, support
from tests.bots.running import eventually

pytestmark = [pytest.mark.usefixtures("database"), pytest.mark.slow]


@contextlib.asynccontextmanager
async def runbot(server: PracticeServer | None, log: Path, **extra: str) -> "AsyncIterator[subprocess.Popen[bytes]]":
    """A process of the bot; killed at the end when it still runs."""
    addresses = {"DISCORD_API_URL": server.api_url, "DISCORD_GATEWAY_URL": server.gateway_url} if server else {}
    token = server.token if server else ""
    process = processes.start("runbot", log=log, **{"DISCORD_BOT_TOKEN": token, **addresses, **extra})
    try:
        yield process
    finally:
        await asyncio.to_thread(processes.kill_group, process)


async def exit_code(process: "subprocess.Popen[bytes]", within: float = 30) -> int:
    """Wait for the process's end."""
    return await asyncio.to_thread(process.wait, within)


def sentence(log: Path) -> str:
    """The one line that a failed command leaves beside the log."""
    (line,) = [line for line in log.read_text().splitlines() if line.startswith("CommandError: ")]
    assert "Traceback" not in log.read_text()
    return line


def is_sent(message: Message) -> bool:
    """Whether the message has arrived and is recorded so."""
    return Message.objects.filter(pk=message.pk, status="sent").exists()


class TestKilled:
    async def test_between_send_and_record_the_member_sees_one_message(
        self, practice: PracticeServer, tmp_path: Path
    ) -> None:
        message = await run_unit(running.queue, practice, "Exactly once.")
        held = practice.faults.add(Fault(Kind.HELD_AFTER))
        async with runbot(practice, tmp_path / "first.log") as process:
            async with asyncio.timeout(30):
                await held.struck.wait()
            process.send_signal(signal.SIGKILL)
            assert await exit_code(process) == -signal.SIGKILL
        held.release.set()
        # Discord has it, our row does not know. The lease of the dead relay runs out.
        assert practice.dm_texts(support.people(practice.world)[0].id) == ["Exactly once."]
        stranded = Message.objects.filter(pk=message.pk, status="sending")
        assert await run_unit(stranded.update, lease_expires_at=timezone.now() - timedelta(seconds=1)) == 1
        async with runbot(practice, tmp_path / "second.log"):
            await eventually(lambda: is_sent(message), "the outcome", seconds=30)
        assert practice.dm_texts(support.people(practice.world)[0].id) == ["Exactly once."]
        stored = await run_unit(Message.objects.get, pk=message.pk)
        assert stored.external_message_id == str(practice.sent.get_nowait().id)
        assert stored.attempts == 2


class TestStopped:
    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
    async def test_finishes_the_running_send_and_exits_with_0(
        self, practice: PracticeServer, tmp_path: Path, number: signal.Signals
    ) -> None:
        message = await run_unit(running.queue, practice)
        held = practice.faults.add(Fault(Kind.HELD_AFTER))
        async with runbot(practice, tmp_path / "log") as process:
            await practice.wait_connected(30)
            async with asyncio.timeout(30):
                await held.struck.wait()
            process.send_signal(number)
            held.release.set()
            assert await exit_code(process) == 0
        assert await run_unit(is_sent, message)

    async def test_leaves_nothing_in_delivery_when_discord_does_not_answer(
        self, practice: PracticeServer, tmp_path: Path
    ) -> None:
        message = await run_unit(running.queue, practice)
        held = practice.faults.add(Fault(Kind.HELD_AFTER))
        async with runbot(practice, tmp_path / "log") as process:
            async with asyncio.timeout(30):
                await held.struck.wait()
            process.send_signal(signal.SIGTERM)
            assert await exit_code(process) == 0
        stored = await run_unit(Message.objects.get, pk=message.pk)
        assert stored.status == "queued"
        assert stored.first_attempt_at is not None


class TestRefusedToStart:
    async def test_without_a_token(self, tmp_path: Path) -> None:
        async with runbot(None, tmp_path / "log", DISCORD_API_URL="", DISCORD_GATEWAY_URL="") as process:
            assert await exit_code(process) == 2
        assert "DISCORD_BOT_TOKEN is not set" in sentence(tmp_path / "log")
        assert "manage.py up" in sentence(tmp_path / "log")

    async def test_with_a_wrong_token(self, practice: PracticeServer, tmp_path: Path) -> None:
        async with runbot(practice, tmp_path / "log", DISCORD_BOT_TOKEN="wrong") as process:
            assert await exit_code(process) == 2
        assert "does not accept DISCORD_BOT_TOKEN" in sentence(tmp_path / "log")

    async def test_with_a_token_that_the_gateway_refuses(self, practice: PracticeServer, tmp_path: Path) -> None:
        practice.faults.add(faults.gateway_closes(4004))
        async with runbot(practice, tmp_path / "log") as process:
            assert await exit_code(process) == 2
        assert "does not accept DISCORD_BOT_TOKEN" in sentence(tmp_path / "log")

    async def test_without_the_privileged_intents(self, practice: PracticeServer, tmp_path: Path) -> None:
        practice.faults.add(faults.gateway_closes(4014))
        async with runbot(practice, tmp_path / "log") as process:
            assert await exit_code(process) == 2
        assert "privileged intents" in sentence(tmp_path / "log")

    async def test_at_a_foreign_address(self, tmp_path: Path) -> None:
        addresses = {"DISCORD_API_URL": "http://192.0.2.1/api", "DISCORD_GATEWAY_URL": "ws://192.0.2.1/"}
        async with runbot(None, tmp_path / "log", DISCORD_BOT_TOKEN="t", **addresses) as process:
            assert await exit_code(process) == 2
        assert "DISCORD_API_URL" in sentence(tmp_path / "log")


class TestUnreachable:
    async def test_discord_is_a_case_for_the_supervisor(self, practice: PracticeServer, tmp_path: Path) -> None:
        await practice.stop()
        async with runbot(practice, tmp_path / "log") as process:
            assert await exit_code(process) == 1
        assert "Discord can't be reached" in sentence(tmp_path / "log")


class TestRelayDied:
    async def test_ends_the_process_for_the_supervisor(self, practice: PracticeServer, tmp_path: Path) -> None:
        async with runbot(practice, tmp_path / "log") as process:
            await practice.wait_connected(30)
            await run_unit(rename_table, "social_media_messages", "away")
            try:
                assert await exit_code(process) == 1
            finally:
                await run_unit(rename_table, "away", "social_media_messages")
        assert "The relay of queued messages ended." in sentence(tmp_path / "log")


def rename_table(old: str, new: str) -> None:
    """Take a table away, or bring it back."""
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {old} RENAME TO {new}")
