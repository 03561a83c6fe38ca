"""`manage.py runbot` as a real process against a practice server in this one."""

import asyncio
import contextlib
import signal
import subprocess
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import discord
import pytest
from django.db import connection
from django.utils import timezone

from bots.database import run_unit
from bots.gateway_lock import GatewayTaken
from bots.management.commands.runbot import told_of
from bots.models import BotHeartbeat
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
    async def test_finishes_the_running_send_and_exits_with_0(self, practice: PracticeServer, tmp_path: Path) -> None:
        message = await run_unit(running.queue, practice)
        held = practice.faults.add(Fault(Kind.HELD_AFTER))
        async with runbot(practice, tmp_path / "log") as process:
            await practice.wait_connected(30)
            async with asyncio.timeout(30):
                await held.struck.wait()
            process.send_signal(signal.SIGTERM)
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
            process.send_signal(signal.SIGINT)
            await eventually(lambda: "bot.stopping" in (tmp_path / "log").read_text(), "that it has heard", seconds=30)
            process.send_signal(signal.SIGTERM)  # in a hurry
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


class TestTwo:
    """PEERS: two processes of one token, be it for safety or by mistake."""

    async def test_started_at_once_share_the_work_and_stop_without_a_trace(
        self, practice: PracticeServer, tmp_path: Path
    ) -> None:
        messages = [await run_unit(running.queue, practice, f"Number {n}.", n % 6) for n in range(50)]
        logs = tmp_path / "first.log", tmp_path / "second.log"
        async with runbot(practice, logs[0]) as first, runbot(practice, logs[1]) as second:
            await eventually(lambda: BotHeartbeat.objects.count() == 2, "both are there", seconds=30)
            await eventually(lambda: are_sent(messages), "the outcomes", seconds=60)
            assert await run_unit(BotHeartbeat.objects.filter(has_gateway=True).count) == 1
            assert len(practice.gateway.sessions) == 1
            assert sorted("bot.standing_by" in log.read_text() for log in logs) == [False, True]
            for process in (first, second):
                process.send_signal(signal.SIGTERM)
            assert [await exit_code(process) for process in (first, second)] == [0, 0]
        seen = [text for person in support.people(practice.world) for text in practice.dm_texts(person.id)]
        assert sorted(seen) == sorted(f"Number {n}." for n in range(50))
        assert not await run_unit(Message.objects.exclude(status="sent").exists)
        assert not await run_unit(BotHeartbeat.objects.exists)

    async def test_are_enough_when_one_is_killed(self, practice: PracticeServer, tmp_path: Path) -> None:
        async with runbot(practice, tmp_path / "first.log") as first:
            ready = BotHeartbeat.objects.filter(has_gateway=True, is_ready=True)
            await eventually(ready.exists, "the first is ready", seconds=30)
            async with runbot(practice, tmp_path / "second.log") as second:
                await eventually(
                    lambda: "bot.standing_by" in (tmp_path / "second.log").read_text(), "it stands by", seconds=30
                )
                first.send_signal(signal.SIGKILL)
                await exit_code(first)
                mine = ready.filter(process__endswith=f":{second.pid}")
                await eventually(mine.exists, "the second takes over", seconds=30)
                assert await run_unit(BotHeartbeat.objects.filter(has_gateway=True).count) == 1
                dead = BotHeartbeat.objects.filter(process__endswith=f":{first.pid}", is_ready=False)
                assert await run_unit(dead.exists)  # it could not say goodbye
                written = await practice.member_says(support.people(practice.world)[0].id, "dm", "Still there?")
                await eventually(
                    lambda: Message.objects.filter(external_message_id=str(written.id)).exists(), "that it hears"
                )


class TestReasons:
    @pytest.mark.parametrize(
        ("code", "returncode", "words"),
        [
            (4004, 2, "does not accept DISCORD_BOT_TOKEN"),
            (4014, 2, "privileged intents"),
            (4013, 2, "newer Checkback"),
            (4012, 2, "newer Checkback"),
            (4011, 1, "code 4011"),
            (4010, 1, "code 4010"),
        ],
    )
    def test_of_discord_tell_whether_starting_again_helps(self, code: int, returncode: int, words: str) -> None:
        """4011: it needs more shards, and a start asks how many."""
        error = discord.ConnectionClosed(SimpleNamespace(close_code=code), shard_id=0, code=code)  # type: ignore[arg-type]
        told = told_of(error)
        assert (told.returncode, words in str(told)) == (returncode, True)

    @pytest.mark.parametrize(
        "error", [GatewayTaken("Another process listens for this bot now."), OSError(), discord.GatewayNotFound()]
    )
    def test_of_ours_are_a_case_for_the_supervisor(self, error: Exception) -> None:
        assert told_of(error).returncode == 1


class TestRelayDied:
    async def test_ends_the_process_for_the_supervisor(self, practice: PracticeServer, tmp_path: Path) -> None:
        async with runbot(practice, tmp_path / "log") as process:
            await eventually(BotHeartbeat.objects.filter(is_ready=True).exists, "it is ready", seconds=30)
            await run_unit(rename_table, "social_media_messages", "away")
            try:
                assert await exit_code(process) == 1
            finally:
                await run_unit(rename_table, "away", "social_media_messages")
        assert "The relay of queued messages ended." in sentence(tmp_path / "log")


def are_sent(messages: list[Message]) -> bool:
    """Whether all have arrived and are recorded so."""
    return Message.objects.filter(pk__in=[message.pk for message in messages], status="sent").count() == len(messages)


def rename_table(old: str, new: str) -> None:
    """Take a table away, or bring it back."""
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {old} RENAME TO {new}")
