"""One listener for each bot: the lock that says which process has the gateway.

Two processes of one token at the gateway would hear everything twice. The lock belongs to a database session: when its
process dies, however, the server ends the session and another process has the lock within seconds.
"""

import asyncio
from typing import Any, Final

import psycopg
import structlog
from django.db import Error as DatabaseError

from bots import database, failures

log = structlog.get_logger(__name__)

ASK_SECONDS: Final = 1.0
AGAIN_SECONDS: Final = 0.2
STEP_BACK_SECONDS: Final = 3.0
"""After a restart of the database the one that listens should go on listening, so it asks sooner than who stands by."""
PATIENCE_SECONDS: Final = 10.0
"""Shorter than the server takes to notice that our machine is gone (below)."""
KEEPALIVE: Final = (("tcp_keepalives_idle", 5), ("tcp_keepalives_interval", 5), ("tcp_keepalives_count", 3))
"""By default a server notices only after two hours that a machine has lost its power, and keeps the lock so long."""
_TROUBLE: Final = (psycopg.Error, DatabaseError, OSError, TimeoutError)


class GatewayTaken(Exception):
    """Another process listens for this bot now: while our database session was cut off, it took the lock."""


class GatewayLock:
    """The lock of one bot account, on a database session of its own. It needs no transaction: each question is one
    statement, and nobody waits inside the database, where a waiting statement would hold up vacuum.
    """

    def __init__(self, account_id: int) -> None:
        self._name = f"gateway of bot account {account_id}"
        self._session: psycopg.AsyncConnection[Any] | None = None
        self.is_held = False
        self._is_cut_off = False

    async def take_at_once(self) -> bool:
        """Take the lock if nobody has it."""
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                self.is_held = await self._ask()
        except _TROUBLE as error:
            if not self._is_cut_off:
                log.warning("bot.gateway_lock_unreachable", **failures.describe(error))
            self._is_cut_off = True
            await self.release()
        else:
            self._is_cut_off = False
        return self.is_held

    async def take(self) -> None:
        """Wait until the lock is ours, however long. A database that is away is waited for."""
        while not await self.take_at_once():
            await asyncio.sleep(STEP_BACK_SECONDS if self._is_cut_off else ASK_SECONDS)

    async def keep(self) -> None:
        """Watch over the lock. As long as the database is away nobody else can have it, and we go on listening.

        Raises:
            GatewayTaken: another process has the lock now.
        """
        while True:
            await asyncio.sleep(ASK_SECONDS if self.is_held else AGAIN_SECONDS)
            if not await self.take_at_once() and not self._is_cut_off:
                raise GatewayTaken("Another process listens for this bot now.")

    async def release(self) -> None:
        """Give the lock back by ending its session."""
        self.is_held = False
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def _ask(self) -> bool:
        """Whether the lock is ours: the same question takes it and, in the session that has it, confirms it."""
        if self._session is None:
            self._session = await database.session_of_its_own()
            for name, seconds in KEEPALIVE:
                await self._session.execute("SELECT set_config(%s, %s, false)", [name, str(seconds)])
        cursor = await self._session.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", [self._name])
        row = await cursor.fetchone()
        return bool(row and row[0])
