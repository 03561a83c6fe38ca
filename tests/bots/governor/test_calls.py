"""The governor at the wire: the real discord.py with its trace, and real threads."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta

import aiohttp
import discord
import pytest
from aiohttp import web
from django.utils import timezone
from structlog.testing import capture_logs

from bots.database import run_unit
from bots.governor import calls, pace, refusals, tries
from bots.governor.calls import Calls, NotSent
from bots.governor.pace import Slots
from bots.models import BotControl, InvalidRequests
from bots.practice.faults import Fault, Kind, rate_limited
from bots.practice.server import PracticeServer
from tests.bots import running, support
from tests.bots.governor.test_pace import refuse
from tests.bots.running import database_away
from tests.concurrency import at_once
from tests.socialmedia.factories import make_bot

pytestmark = pytest.mark.usefixtures("database")


async def calls_of_a_bot() -> Calls:
    """The calls of a new bot that is logged in."""
    made = Calls()
    made.account_id = (await run_unit(make_bot)).pk
    return made


async def fetch(server: PracticeServer, bot: discord.Client) -> None:
    """Let discord.py ask for a person."""
    await bot.fetch_user(support.people(server.world)[0].id)


def fetched(server: PracticeServer) -> int:
    """How many requests for a person have arrived."""
    return sum(request.path.removeprefix("/users/").isdecimal() for request in server.requests)


def slots_until_barred(mine: Calls, number: int) -> Callable[[], Awaitable[None]]:
    """Let the governor give out so many slots, and then see too many refused requests."""
    given = iter(range(number))

    async def slot() -> None:
        if next(given, None) is None:
            await run_unit(refuse, 5000)
            mine._slots.clear()
        await Calls.slot(mine)

    return slot


@contextlib.asynccontextmanager
async def answering(status: int, **headers: str) -> AsyncIterator[str]:
    """A server that answers everything like this; yields its address."""

    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=status, headers=headers)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


class TestRunningBot:
    async def test_paces_what_discord_py_asks_for(self, practice: PracticeServer) -> None:
        async with running.checkback(practice) as bot:
            bot.calls._slots.clear()  # taken before
            row = await run_unit(BotControl.objects.get, pk=bot.account.pk)
            await asyncio.gather(*(fetch(practice, bot) for _ in range(4)))
            later = await run_unit(BotControl.objects.get, pk=bot.account.pk)
        assert later.next_call_at - row.next_call_at >= 4 * timedelta(seconds=1) / 46

    async def test_counts_each_refused_try_and_loses_none_at_its_end(self, practice: PracticeServer) -> None:
        """PEERS 4. A 429 that discord.py waits out and tries again was an invalid request, too."""
        async with running.checkback(practice) as bot:
            practice.faults.add(rate_limited(method="GET", path="/users/*", times=2))
            await fetch(practice, bot)
            practice.faults.add(Fault(Kind.REFUSED, method="GET", path="/users/*", times=3, status=403, code=50001))
            for _ in range(3):
                with pytest.raises(discord.Forbidden):
                    await fetch(practice, bot)
        counts = InvalidRequests.objects.values_list("status", "count")
        assert dict(await run_unit(list, counts)) == {429: 2, 403: 3}

    async def test_makes_no_request_once_too_many_were_refused(self, practice: PracticeServer) -> None:
        """PEERS 4."""
        async with running.checkback(practice) as bot:
            await run_unit(refuse, 5000)
            bot.calls._slots.clear()  # taken before, and good for a moment only
            with pytest.raises(NotSent):
                await fetch(practice, bot)
            assert fetched(practice) == 0
            await run_unit(InvalidRequests.objects.update, count=4999)
            await fetch(practice, bot)
            assert fetched(practice) == 1

    async def test_tells_a_call_whether_an_earlier_try_of_discord_pys_may_have_got_through(
        self, practice: PracticeServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """After a 429 it did not, whatever ends the call then."""
        async with running.checkback(practice) as bot:
            lost = practice.faults.add(Fault(Kind.ANSWER_LOST, method="GET", path="/users/*", times=None))
            with tries.counted() as mine, pytest.raises(aiohttp.ClientError):
                await fetch(practice, bot)
            assert mine.may_have_arrived
            practice.faults.remove(lost)
            practice.requests.clear()
            practice.faults.add(rate_limited(method="GET", path="/users/*"))
            monkeypatch.setattr(bot.calls, "slot", slots_until_barred(bot.calls, 1))
            with tries.counted() as mine, pytest.raises(NotSent):
                await fetch(practice, bot)
            assert (fetched(practice), mine.may_have_arrived) == (1, False)


class TestSlot:
    async def test_is_shared_by_two_processes(self, monkeypatch: pytest.MonkeyPatch) -> None:
        account_id = (await run_unit(make_bot)).pk
        asks = []
        take = pace.take

        def counted(*arguments: int, **options: int) -> Slots | None:
            asks.append(1)
            return take(*arguments, **options)

        monkeypatch.setattr(pace, "take", counted)

        async def use_fifteen() -> list[float]:
            mine = Calls()
            mine.account_id = account_id
            return await asyncio.gather(*(use(mine) for _ in range(15)))

        async def use(mine: Calls) -> float:
            await mine.slot()
            return time.monotonic()

        began = time.monotonic()
        used = await asyncio.to_thread(at_once, 2, lambda _: asyncio.run(use_fifteen()))
        # Thirty slots: no moment sees more of them used than the pace allows since the beginning.
        for number, at in enumerate(sorted(used[0] + used[1])):
            assert number <= (at - began) * 45.01 + 1
        assert len(asks) < 30  # under load, several at once

    async def test_goes_on_without_a_database(self) -> None:
        mine = await calls_of_a_bot()
        with capture_logs() as logs, database_away():
            await mine.slot()
            first = mine._local_slot
            await mine.slot()
            assert mine._local_slot >= first + calls.SHARE_WITHOUT_DATABASE / 45
        assert [line["event"] for line in logs] == ["bot.paces_alone"]
        await mine.slot()
        assert not mine._is_local

    async def test_is_not_waited_for_too_long(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A request that goes out after the relay has given it up could arrive twice."""
        monkeypatch.setattr(calls, "PATIENCE_SECONDS", 0.05)
        mine = await calls_of_a_bot()
        far = timezone.now() + timedelta(seconds=50)
        await run_unit(BotControl.objects.create, account_id=mine.account_id, next_call_at=far)
        with pytest.raises(NotSent, match="nothing was sent"):
            await mine.slot()

    async def test_of_a_request_that_is_cut_off_holds_up_nobody(self) -> None:
        mine = await calls_of_a_bot()
        async with asyncio.timeout(10):
            waiting = [asyncio.create_task(mine.slot()) for _ in range(5)]
            await asyncio.sleep(0)
            waiting[0].cancel()
            waiting[2].cancel()
            done = await asyncio.gather(*waiting, return_exceptions=True)
        assert done[1] is done[3] is done[4] is None


class TestTrace:
    async def test_holds_back_all_that_discord_counts(self) -> None:
        mine = await calls_of_a_bot()
        await run_unit(refuse, 5000)
        async with answering(200) as address, aiohttp.ClientSession(trace_configs=[mine.trace()]) as session:
            for path in (
                "/api/v10/interactions/1/token/callback",
                "/api/v10/webhooks/1/token/messages/@original",
                "/?v=10&encoding=json",
            ):
                assert (await session.get(address + path)).status == 200
            for path in ("/api/v10/channels/1/messages", "/api/v10/channels/1/webhooks"):
                with pytest.raises(NotSent):
                    await session.get(address + path)

    async def test_waits_for_nothing_before_the_login(self) -> None:
        await run_unit(refuse, 5000)
        async with answering(200) as address, aiohttp.ClientSession(trace_configs=[Calls().trace()]) as session:
            assert (await session.get(address + "/api/v10/users/@me")).status == 200

    async def test_counts_what_discord_holds_against_us(self) -> None:
        mine = Calls()  # the address is barred whoever asked, so the account does not matter
        for status, scope, path in (
            (401, "", "/api/v10/users/@me"),
            (403, "", "/api/v10/webhooks/1/token"),
            (429, "user", "/api/v10/channels/1"),
            (429, "global", "/api/v10/channels/1"),
            (429, "shared", "/api/v10/channels/1"),
            (404, "", "/api/v10/channels/1"),
            (403, "", "/attachments/1/picture.png"),
        ):
            async with (
                answering(status, **{"X-RateLimit-Scope": scope}) as address,
                aiohttp.ClientSession(trace_configs=[mine.trace()]) as session,
            ):
                await session.get(address + path)
        await mine.finish()
        counts = InvalidRequests.objects.values_list("status", "count")
        assert dict(await run_unit(list, counts)) == {401: 1, 403: 1, 429: 2}

    async def test_writes_within_a_moment_and_keeps_what_could_not_be_written(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(calls, "WRITE_SECONDS", 0.01)
        mine = Calls()
        async with answering(403) as address, aiohttp.ClientSession(trace_configs=[mine.trace()]) as session:
            with capture_logs() as logs, database_away():
                await session.get(address + "/api/v10/users/@me")
                async with asyncio.timeout(10):
                    while not logs:
                        await asyncio.sleep(0.005)
            await session.get(address + "/api/v10/users/@me")
            await running.eventually(lambda: refusals.recent() == 2, "both refusals")
        assert {line["event"] for line in logs} == {"bot.refusals_not_counted"}
        await mine.finish()
