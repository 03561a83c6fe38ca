"""The bot's heartbeat: a row that says it is alive, for the check-up and the console, and that it listens."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Final

import structlog
from django.db import Error as DatabaseError
from django.db import connection
from django.db.models.functions import Now
from django.utils import timezone

from bots import failures
from bots.database import run_unit
from bots.models import BotHeartbeat
from jobs.runner import worker_name
from socialmedia import listening

log = structlog.get_logger(__name__)

EVERY_SECONDS = 5.0
FORGET_AFTER_SECONDS = 24 * 3600
BELIEVED: Final = timedelta(seconds=15)
"""So long after its last beat a process is taken to listen still: three beats."""


def is_listened(account_id: int) -> bool:
    """Whether somebody hears what the account's members write, and has read what came while nobody did."""
    ready = BotHeartbeat.objects.filter(account_id=account_id, is_ready=True, beat_at__gt=Now() - BELIEVED)
    return ready.exists()


def beat(process: str, *, account_id: int, is_connected: bool, is_first: bool = False) -> None:
    """Record that this process is alive, by the database's clock, and forget those that died a day ago.

    The first beat takes over what an earlier process of the same name has left: in a container it had the same number.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO bot_heartbeats (process, account_id, is_connected, is_ready, beat_at) "
            "VALUES (%s, %s, %s, %s, now()) "
            "ON CONFLICT (process) DO UPDATE SET account_id = excluded.account_id, "
            "is_connected = excluded.is_connected, is_ready = excluded.is_ready, beat_at = now(), "
            "started_at = CASE WHEN %s THEN now() ELSE bot_heartbeats.started_at END",
            [process, account_id, is_connected, is_connected, is_first],
        )
        cursor.execute(
            "DELETE FROM bot_heartbeats WHERE beat_at < now() - %s * interval '1 second'", [FORGET_AFTER_SECONDS]
        )
    if is_connected:
        listening.heard(account_id, now=timezone.now())


def leave(process: str) -> None:
    """Take the heartbeat back at a clean stop."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM bot_heartbeats WHERE process = %s", [process])


async def keep(*, account_id: int, is_connected: Callable[[], bool]) -> None:
    """Beat until cancelled, then take the heartbeat back. Without a database it waits for the next beat."""
    process, has_begun = worker_name(), False
    try:
        while True:
            connected = is_connected()
            written = await _try(beat, process, account_id=account_id, is_connected=connected, is_first=not has_begun)
            has_begun = has_begun or written
            await asyncio.sleep(EVERY_SECONDS)
    finally:
        await _try(leave, process)


async def _try(function: Callable[..., None], *args: object, **kwargs: object) -> bool:
    try:
        await run_unit(function, *args, **kwargs)
    except DatabaseError as error:
        log.warning("bot.heartbeat_failed", **failures.describe(error))
        return False
    return True
