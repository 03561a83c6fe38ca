"""Which of several processes of a bot has the gateway."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from itertools import count

import psycopg
import pytest
from django.db import connection

from bots import database, gateway_lock
from bots.database import run_unit
from bots.gateway_lock import GatewayLock, GatewayTaken

pytestmark = pytest.mark.usefixtures("database")

ACCOUNT = 77


@pytest.fixture(autouse=True)
def _hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask often."""
    for name in ("ASK_SECONDS", "AGAIN_SECONDS", "STEP_BACK_SECONDS"):
        monkeypatch.setattr(gateway_lock, name, 0.02)


@contextlib.asynccontextmanager
async def locks(number: int, *, account_id: int = ACCOUNT) -> AsyncIterator[list[GatewayLock]]:
    """Locks of one account, as so many processes would have them; given back at the end."""
    made = [GatewayLock(account_id) for _ in range(number)]
    try:
        yield made
    finally:
        for lock in made:
            await lock.release()


def sessions(state: str) -> list[int]:
    """The database sessions of locks, by their number, that are in this state and hold no snapshot."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pid FROM pg_stat_activity WHERE state = %s AND datname = current_database()"
            " AND query LIKE 'SELECT pg_try_advisory_lock%%' AND backend_xmin IS NULL AND xact_start IS NULL",
            [state],
        )
        return [pid for (pid,) in cursor.fetchall()]


def end(pids: list[int]) -> None:
    """Let the database server end sessions, as at a restart."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(pid) FROM unnest(%s::int[]) AS pid", [pids])


class TestTake:
    async def test_is_for_one_of_those_who_ask_at_once(self) -> None:
        async with locks(5) as five:
            taken = await asyncio.gather(*(lock.take_at_once() for lock in five))
        assert sorted(taken) == [False] * 4 + [True]

    async def test_does_not_keep_out_another_bot(self) -> None:
        async with locks(1) as (ours,), locks(1, account_id=ACCOUNT + 1) as (other,):
            assert await ours.take_at_once()
            assert await other.take_at_once()

    async def test_waits_for_the_one_before(self) -> None:
        async with locks(2) as (first, second):
            await first.take()
            waiting = asyncio.create_task(second.take())
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(asyncio.shield(waiting), 0.1)
            await first.release()
            await asyncio.wait_for(waiting, 10)
            assert (first.is_held, second.is_held) == (False, True)

    async def test_waits_without_a_snapshot(self) -> None:
        """A statement that waits inside the database would hold up vacuum for as long as a process stands by."""
        async with locks(2) as (first, second):
            await first.take()
            waiting = asyncio.create_task(second.take())
            async with asyncio.timeout(10):
                while len(await run_unit(sessions, "idle")) < 2:
                    await asyncio.sleep(0.01)
            waiting.cancel()

    async def test_waits_for_a_database_that_is_away(self, monkeypatch: pytest.MonkeyPatch) -> None:
        real, tries = database.session_of_its_own, count(1)

        async def broken() -> psycopg.AsyncConnection[object]:
            if next(tries) < 3:
                raise psycopg.OperationalError
            return await real()

        monkeypatch.setattr(database, "session_of_its_own", broken)
        async with locks(1) as (lock,):
            assert not await lock.take_at_once()
            await asyncio.wait_for(lock.take(), 10)
            assert lock.is_held


class TestKeep:
    async def test_takes_it_again_when_its_session_was_ended(self) -> None:
        async with locks(1) as (lock,):
            await lock.take()
            (before,) = await run_unit(sessions, "idle")
            keeping = asyncio.create_task(lock.keep())
            await run_unit(end, [before])
            async with asyncio.timeout(10):
                while await run_unit(sessions, "idle") in ([], [before]) or not lock.is_held:
                    await asyncio.sleep(0.01)
            assert not keeping.done()
            keeping.cancel()

    async def test_ends_when_another_process_was_quicker(self) -> None:
        async with locks(2) as (first, second):
            await first.take()
            (before,) = await run_unit(sessions, "idle")
            await run_unit(end, [before])
            await asyncio.wait_for(second.take(), 10)
            with pytest.raises(GatewayTaken):
                await asyncio.wait_for(first.keep(), 10)
            assert not first.is_held
