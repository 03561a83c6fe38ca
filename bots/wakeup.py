"""Hearing of new messages in the outbox: a LISTEN on a connection of its own."""

import asyncio

import psycopg
import structlog

from bots import database

log = structlog.get_logger(__name__)

CHANNEL = "checkback_outbox"
RETRY_SECONDS = 5.0


async def listen(wake: asyncio.Event) -> None:
    """Set `wake` at every notification, until cancelled. A lost connection is made again; polling goes on meanwhile."""
    while True:
        try:
            await _listen_once(wake)
        except (psycopg.Error, OSError) as error:
            log.warning("relay.listen_lost", error=type(error).__name__)
        await asyncio.sleep(RETRY_SECONDS)


async def _listen_once(wake: asyncio.Event) -> None:
    async with await database.session_of_its_own() as listener:
        await listener.execute(f"LISTEN {CHANNEL}")
        wake.set()  # what was queued before we listened
        async for _ in listener.notifies():
            wake.set()
