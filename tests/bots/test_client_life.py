"""How the bot starts, listens, stands by and ends, over the real gateway."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from itertools import count
from typing import Any

import discord
import pytest
import yarl
from discord.gateway import DiscordWebSocket
from django.db import OperationalError, connection
from structlog.testing import capture_logs

from bots import gateway_lock, presence, relay, sessions
from bots.client import EndedByItself
from bots.database import run_unit
from bots.gateway_lock import GatewayTaken
from bots.governor import refusals
from bots.models import BotHeartbeat, InvalidRequests
from bots.practice.faults import GATEWAY, Fault, Kind
from bots.practice.gateway import shard_of
from bots.practice.server import PracticeServer
from bots.practice.world import Channel, snowflake
from socialmedia.models import ChannelActivity, ListeningGap, Message
from tests.bots import running, support
from tests.bots.running import HastyBot, checkback, eventually
from tests.bots.test_runbot import rename_table

pytestmark = pytest.mark.usefixtures("database")

READY = {"has_gateway": True, "is_connected": True, "is_ready": True}


@pytest.fixture(autouse=True)
def _hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each bot here counts as a process of its own, and asks for the lock and beats often."""
    monkeypatch.setattr(presence, "EVERY_SECONDS", 0.05)
    number = count(1)
    monkeypatch.setattr(presence, "worker_name", lambda: f"host:{next(number)}")
    for name in ("ASK_SECONDS", "AGAIN_SECONDS", "STEP_BACK_SECONDS"):
        monkeypatch.setattr(gateway_lock, name, 0.05)


@contextlib.asynccontextmanager
async def started(
    server: PracticeServer, bot: HastyBot | None = None
) -> "AsyncIterator[tuple[HastyBot, asyncio.Event, asyncio.Task[None]]]":
    """A bot that is on its way, with what stops it and its run, which the block must await."""
    stop = asyncio.Event()
    async with bot or HastyBot() as one:
        run = asyncio.create_task(one.run_until(stop, server.token))
        try:
            yield one, stop, run
            async with asyncio.timeout(20):
                await asyncio.wait({run})
        finally:
            run.cancel()


def listeners(**state: bool) -> Callable[[], list[str]]:
    """Which processes say this of themselves."""
    rows = BotHeartbeat.objects.filter(**state).order_by("process")
    return lambda: list(rows.values_list("process", flat=True))


def texts() -> list[str]:
    """What members wrote to the bot."""
    return list(Message.objects.filter(is_outgoing=False).order_by("pk").values_list("message_text", flat=True))


async def known(server: PracticeServer, bot: HastyBot) -> int:
    """A member who has written before, by number."""
    person = support.people(server.world)[0].id
    before = await server.member_says(person, "dm", "before")
    await bot.has_handled(before.id)
    return person


async def logged(logs: list[dict[str, object]], event: str) -> None:
    """Wait for a line of the log."""
    async with asyncio.timeout(20):
        while not any(line["event"] == event for line in logs):
            await asyncio.sleep(0.01)


def second_community(server: PracticeServer) -> Channel:
    """A channel of a community that another one of two shards has."""
    first = next(iter(server.world.guilds))
    guild_id = next(number for number in count(first, 1 << 22) if shard_of(number, 2) != shard_of(first, 2))
    now = datetime(2025, 3, 2, tzinfo=UTC)
    owner = support.people(server.world)[0].id
    guild = server.world.add_guild(guild_id, "Second", owner_id=owner, now=now)
    server.world.join(guild.id, owner, now=now)
    return server.world.add_channel(Channel(snowflake(now, 9), "far", guild.id))


class TestShards:
    async def test_are_as_many_as_discord_says_and_hear_everything(self, practice: PracticeServer) -> None:
        far, person = second_community(practice), support.people(practice.world)[0].id
        practice.gateway.shards = 2
        async with checkback(practice) as bot:
            assert sorted((each.shard, each.shards) for each in practice.gateway.sessions.values()) == [(0, 2), (1, 2)]
            assert {guild.name for guild in bot.guilds} == {"Lantern Works", "Second"}
            for where in ("dm", support.general(practice), far.id):
                written = await practice.member_says(person, where, "Hello")
                await bot.has_handled(written.id)
        assert await run_unit(texts) == ["Hello"]
        assert await run_unit(ChannelActivity.objects.count) == 2

    async def test_count_as_connected_only_together(self, practice: PracticeServer) -> None:
        """A lost first shard hears no private messages, and so no `stop`."""
        practice.gateway.shards = 2
        async with checkback(practice) as bot:
            await eventually(listeners(**READY), "all is well")
            away = practice.faults.add(Fault(Kind.RECONNECT, method=GATEWAY, path="CONNECT", times=None))
            practice.gateway.drop(0)
            await eventually(listeners(has_gateway=True, is_connected=False, is_ready=False), "the loss")
            assert not await run_unit(presence.is_listened, bot.account.pk)
            practice.faults.remove(away)
            await eventually(listeners(**READY), "all is well again")
            assert await run_unit(presence.is_listened, bot.account.pk)


class TestLostConnection:
    @pytest.mark.parametrize("how", ["drop", "op 7", "op 9 resumable", "code 4000", "code 4009"])
    async def test_that_is_resumed_loses_and_doubles_nothing(self, practice: PracticeServer, how: str) -> None:
        gateway = practice.gateway
        ways: dict[str, Callable[[], None]] = {
            "drop": gateway.drop,
            "op 7": gateway.ask_to_reconnect,
            "op 9 resumable": lambda: gateway.invalidate(resumable=True),
            "code 4000": lambda: gateway.close_all(4000),
            "code 4009": lambda: gateway.close_all(4009),
        }
        async with checkback(practice) as bot:
            person = await known(practice, bot)
            ways[how]()
            written = await practice.member_says(person, "dm", "meanwhile")
            await bot.has_handled(written.id)
            await eventually(listeners(**READY), "it is ready again")
        assert await run_unit(texts) == ["before", "meanwhile"]
        assert gateway.moments.count("IDENTIFY") == 1

    @pytest.mark.parametrize("shards", [1, 2])
    async def test_that_begins_anew_reads_what_was_missed(self, practice: PracticeServer, shards: int) -> None:
        """Of several shards only the lost one tells that it is ready again."""
        practice.gateway.shards = shards
        async with checkback(practice) as bot:
            person = await known(practice, bot)
            practice.gateway.invalidate(0)
            written = await practice.member_says(person, "dm", "meanwhile")
            await bot.has_handled(written.id)
            await practice.gateway.wait("IDENTIFY", shards + 1)
            await eventually(listeners(**READY), "it is ready again")
        assert await run_unit(texts) == ["before", "meanwhile"]

    async def test_is_not_ready_before_it_has_read_what_was_missed(self, practice: PracticeServer) -> None:
        async with checkback(practice) as bot:
            await known(practice, bot)
            held = practice.faults.add(Fault(Kind.HELD_BEFORE, method="GET"))
            practice.gateway.invalidate()
            await eventually(listeners(is_connected=True, is_ready=False), "it is connected")
            async with asyncio.timeout(10):
                await held.struck.wait()
            assert not await run_unit(presence.is_listened, bot.account.pk)
            held.release.set()
            await eventually(listeners(**READY), "it is ready")


class TestIsReady:
    async def test_only_when_what_it_has_heard_is_in_the_database(
        self, practice: PracticeServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It may be a `stop`, and a relay would not know of it."""
        monkeypatch.setattr(HastyBot, "retry_seconds", (600.0,))

        def take_in() -> None:
            raise OperationalError

        async with checkback(practice) as bot:
            await eventually(listeners(**READY), "it is ready")
            late = asyncio.create_task(bot.listening.persist(take_in))
            await eventually(listeners(**READY | {"is_ready": False}), "it is not")
            late.cancel()
            await eventually(listeners(**READY), "it is again")

    async def test_whatever_becomes_of_posts_for_staff(self, practice: PracticeServer, settings: Any) -> None:
        settings.DISCORD_STAFF_CHANNEL = support.general(practice)
        await run_unit(rename_table, "staff_posts", "away")
        try:
            with capture_logs() as logs:
                async with checkback(practice):
                    await logged(logs, "staff.trouble")
                    await eventually(listeners(**READY), "it is ready")
        finally:
            await run_unit(rename_table, "away", "staff_posts")


class TestEnd:
    @pytest.mark.parametrize("code", [4004, 4011, 4012])
    async def test_is_what_discord_says_and_leaves_nothing(self, practice: PracticeServer, code: int) -> None:
        """4004: the token was revoked while it ran."""
        async with started(practice) as (bot, _, run):
            await eventually(listeners(**READY), "it is ready")
            practice.gateway.close_all(code)
            with pytest.raises(discord.ConnectionClosed) as caught:
                await asyncio.wait_for(run, 20)
        assert caught.value.code == code
        assert not await run_unit(BotHeartbeat.objects.exists)
        assert not bot.is_connected

    async def test_comes_when_the_gateway_does_not_answer(
        self, practice: PracticeServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(HastyBot, "patience_seconds", 0.2)
        monkeypatch.setattr(DiscordWebSocket, "DEFAULT_GATEWAY", yarl.URL("ws://127.0.0.1:9/"))
        async with started(practice) as (_, _, run):
            with pytest.raises(EndedByItself, match="gateway can't be reached"):
                await asyncio.wait_for(run, 20)

    @pytest.mark.parametrize("path", ["/users/@me", "/applications/*/commands", "/gateway/bot", "/channels/*/messages"])
    async def test_can_be_asked_for_at_any_time(self, practice: PracticeServer, path: str) -> None:
        """At the login, before the gateway, and while it reads what was missed."""
        async with checkback(practice) as bot:
            await known(practice, bot)
        held = practice.faults.add(Fault(Kind.HELD_BEFORE, method="GET", path=path))
        async with started(practice) as (_, stop, run):
            async with asyncio.timeout(10):
                await held.struck.wait()
            stop.set()
            await asyncio.wait_for(run, 10)
        assert not await run_unit(BotHeartbeat.objects.exists)

    async def test_is_not_missed_while_it_connects(self, practice: PracticeServer) -> None:
        """CPython 86296: what discord.py connects with can swallow a cancellation."""

        class Deaf(HastyBot):
            async def connect(self, *, reconnect: bool = True) -> None:
                with contextlib.suppress(asyncio.CancelledError):
                    await super().connect(reconnect=reconnect)
                await asyncio.Event().wait()

        async with started(practice, Deaf()) as (_, stop, run):
            await eventually(listeners(**READY), "it is ready")
            stop.set()
            await asyncio.wait_for(run, 10)

    async def test_waits_for_what_is_being_sent_until_there_is_a_hurry(
        self, practice: PracticeServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(relay, "STOP_PATIENCE_SECONDS", 600)
        message = await run_unit(running.queue, practice)
        held = practice.faults.add(Fault(Kind.HELD_AFTER))
        async with started(practice) as (bot, stop, run):
            async with asyncio.timeout(10):
                await held.struck.wait()
            stop.set()
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(asyncio.shield(run), 0.2)
            bot.hurry.set()
            await asyncio.wait_for(run, 10)
        stored = await run_unit(Message.objects.get, pk=message.pk)
        assert (stored.status, stored.first_attempt_at is None) == ("queued", False)

    async def test_that_was_asked_for_is_no_failure_whatever_happens_meanwhile(self, practice: PracticeServer) -> None:
        message = await run_unit(running.queue, practice)
        held = practice.faults.add(Fault(Kind.HELD_AFTER))
        async with started(practice) as (bot, stop, run):
            async with asyncio.timeout(10):
                await held.struck.wait()
            stop.set()
            practice.gateway.close_all(4004)
            await eventually(lambda: not bot.is_connected, "the connection is lost")
            held.release.set()
            await asyncio.wait_for(run, 10)
        assert (await run_unit(Message.objects.get, pk=message.pk)).status != "sending"

    async def test_gives_up_a_send_when_the_patience_is_over(
        self, practice: PracticeServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(relay, "STOP_PATIENCE_SECONDS", 0.1)
        message = await run_unit(running.queue, practice)
        held = practice.faults.add(Fault(Kind.HELD_AFTER))
        async with started(practice) as (_, stop, _run):
            async with asyncio.timeout(10):
                await held.struck.wait()
            stop.set()
        assert (await run_unit(Message.objects.get, pk=message.pk)).status == "queued"


class TestSessionStarts:
    async def test_are_waited_for_when_there_are_too_few(self, practice: PracticeServer) -> None:
        practice.gateway.session_starts, practice.gateway.session_starts_reset_ms = 10, 50
        with capture_logs() as logs:
            async with started(practice) as (_, stop, _run):
                await logged(logs, "bot.waits_to_connect")
                await eventually(listeners(has_gateway=True, is_connected=False), "it is not connected")
                assert practice.gateway.moments == []
                practice.gateway.session_starts = 1000
                await eventually(listeners(**READY), "it is ready")
                stop.set()

    async def test_are_waited_for_while_our_own_governor_lets_nothing_out(
        self, practice: PracticeServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sessions, "HELD_UP_SECONDS", 0.05)
        await run_unit(refusals.record, {403: refusals.NOTHING_FROM})
        with capture_logs() as logs:
            async with started(practice) as (_, stop, _run):
                await logged(logs, "bot.waits_to_connect")
                await run_unit(InvalidRequests.objects.all().delete)
                await eventually(listeners(**READY), "it is ready")
                stop.set()

    async def test_end_the_bot_that_needs_too_many(self, practice: PracticeServer) -> None:
        """Its next start waits. Within one connection it would go on until Discord resets the token."""
        async with started(practice) as (_, _, run):
            await eventually(listeners(**READY), "it is ready")
            practice.gateway.session_starts = 400
            practice.gateway.invalidate()
            with pytest.raises(EndedByItself, match="400 are left"):
                await asyncio.wait_for(run, 20)
        assert practice.gateway.moments.count("IDENTIFY") == 1


class TestStandingBy:
    async def test_takes_over_when_the_first_ends(self, practice: PracticeServer) -> None:
        with capture_logs() as logs:
            async with started(practice) as (first, stop, run):
                await eventually(listeners(**READY), "the first is ready")
                person = await known(practice, first)
                puts = len([request for request in practice.requests if request.method == "PUT"])
                async with started(practice) as (second, stop_second, _):
                    await logged(logs, "bot.standing_by")
                    standing = listeners(has_gateway=False, is_connected=False, is_ready=False)
                    assert await eventually(standing, "the second stands by") == ["host:2"]
                    assert len(practice.gateway.sessions) == 1
                    stop.set()
                    await asyncio.wait_for(run, 20)
                    missed = await practice.member_says(person, "dm", "meanwhile")
                    await second.has_handled(missed.id)
                    assert await eventually(listeners(**READY), "the second is ready") == ["host:2"]
                    stop_second.set()
        assert await run_unit(texts) == ["before", "meanwhile"]
        assert len([request for request in practice.requests if request.method == "PUT"]) == puts
        assert not await run_unit(ListeningGap.objects.exists)

    async def test_delivers_meanwhile(self, practice: PracticeServer) -> None:
        """The one that listens has no relay here."""
        async with started(practice) as (first, stop, _):
            await eventually(listeners(**READY), "the first is ready")
            await first._end_relay()
            async with started(practice) as (_, stop_second, _second):
                await eventually(listeners(has_gateway=False), "the second stands by")
                await run_unit(running.queue, practice, "From the second.")
                async with asyncio.timeout(10):
                    assert (await practice.sent.get()).content == "From the second."
                stop_second.set()
            stop.set()

    async def test_can_be_asked_to_stop(self, practice: PracticeServer) -> None:
        async with checkback(practice):
            async with started(practice) as (_, stop, run):
                await eventually(listeners(has_gateway=False), "the second stands by")
                stop.set()
                await asyncio.wait_for(run, 10)
            assert await eventually(listeners(**READY), "the first goes on") == ["host:1"]
        assert not await run_unit(BotHeartbeat.objects.exists)

    async def test_gets_the_gateway_when_the_first_is_cut_off_from_the_database(
        self, practice: PracticeServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(gateway_lock, "AGAIN_SECONDS", 0.5)  # later than the second one asks
        async with started(practice) as (first, _, run):
            await eventually(listeners(**READY), "the first is ready")
            async with started(practice) as (_, stop_second, _second):
                await eventually(listeners(has_gateway=False), "the second stands by")
                await run_unit(end_session_of_lock)
                with pytest.raises(GatewayTaken):
                    await asyncio.wait_for(run, 20)
                assert not first.is_connected
                assert await eventually(listeners(**READY), "the second is ready") == ["host:2"]
                assert len(practice.gateway.sessions) == 1
                stop_second.set()

    async def test_is_not_needed_after_a_restart_of_the_database(self, practice: PracticeServer) -> None:
        async with checkback(practice) as bot:
            await eventually(listeners(**READY), "it is ready")
            person = await known(practice, bot)
            await run_unit(end_session_of_lock)
            await eventually(holders, "it has the lock again")
            written = await practice.member_says(person, "dm", "meanwhile")
            await bot.has_handled(written.id)
        assert practice.gateway.moments.count("IDENTIFY") == 1


LOCKS = "FROM pg_locks WHERE locktype = 'advisory' AND granted AND database ="
OURS = "(SELECT oid FROM pg_database WHERE datname = current_database())"


def end_session_of_lock() -> None:
    """Let the server end the session that has the gateway's lock, and wait until it has."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT pg_terminate_backend(pid, 5000) {LOCKS} {OURS}")


def holders() -> list[int]:
    """The sessions that have a lock of the gateway."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT pid {LOCKS} {OURS}")
        return [pid for (pid,) in cursor.fetchall()]
