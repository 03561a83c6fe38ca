"""The bot's heartbeat: a row that says it is alive, what it does, and since when somebody listens.

The check-up and the console read it, and so do the relays: while nobody hears a `stop`, nobody is written to.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

import structlog
from django.db import Error as DatabaseError
from django.db import connection, transaction
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


@dataclass(frozen=True)
class State:
    """What a process of the bot says of itself."""

    has_gateway: bool = False
    is_connected: bool = False
    is_ready: bool = False
    has_read_all: bool = False
    """Nothing is left to read of what was written while nobody listened."""


@dataclass
class Hearing:
    """Which shards hear, with nothing missed before. One may be lost again while it still reads what it has missed."""

    shards: set[int] = field(default_factory=set)
    times_lost: Counter[int] = field(default_factory=Counter)

    def lost(self, shard_id: int) -> None:
        self.shards.discard(shard_id)
        self.times_lost[shard_id] += 1

    def heard(self, shard_id: int, *, times_lost: int) -> None:
        """The shard hears, unless it was lost once more since we knew of `times_lost`."""
        if self.times_lost[shard_id] == times_lost:
            self.shards.add(shard_id)

    def is_complete(self, shard_count: int | None) -> bool:
        return len(self.shards) == shard_count


def is_listened(account_id: int) -> bool:
    """Whether somebody hears what the account's members write, and has read what came while nobody did."""
    ready = BotHeartbeat.objects.filter(account_id=account_id, is_ready=True, beat_at__gt=Now() - BELIEVED)
    return ready.exists()


def beat(
    process: str,
    *,
    account_id: int,
    is_connected: bool,
    has_gateway: bool = False,
    is_ready: bool = False,
    has_read_all: bool = False,
    is_first: bool = False,
    takes_over: bool = False,
) -> None:
    """Record that this process is alive, by the database's clock, and forget those that died a day ago.

    The first beat takes over what an earlier process of the same name has left: in a container it had the same number.
    The first one with the gateway takes it from the row of whoever died with it: one process of an account has it.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        if takes_over:
            cursor.execute(
                "UPDATE bot_heartbeats SET has_gateway = false, is_connected = false, is_ready = false "
                "WHERE account_id = %s AND process <> %s AND has_gateway",
                [account_id, process],
            )
        cursor.execute(
            "INSERT INTO bot_heartbeats (process, account_id, is_connected, has_gateway, is_ready, beat_at) "
            "VALUES (%s, %s, %s, %s, %s, now()) ON CONFLICT (process) DO UPDATE SET account_id = excluded.account_id, "
            "is_connected = excluded.is_connected, has_gateway = excluded.has_gateway, is_ready = excluded.is_ready, "
            "beat_at = now(), started_at = CASE WHEN %s THEN now() ELSE bot_heartbeats.started_at END",
            [process, account_id, is_connected, has_gateway, is_ready, is_first],
        )
        cursor.execute(
            "DELETE FROM bot_heartbeats WHERE beat_at < now() - %s * interval '1 second'", [FORGET_AFTER_SECONDS]
        )
    if has_gateway and is_ready and has_read_all:  # a next start reads from there on
        listening.heard(account_id, now=timezone.now())


def leave(process: str) -> None:
    """Take the heartbeat back at a clean stop."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM bot_heartbeats WHERE process = %s", [process])


class Heart:
    """Beats for this process until it is stopped. Without a database it waits for the next beat."""

    def __init__(self, account_id: int, state: Callable[[], State]) -> None:
        self._account_id = account_id
        self._state = state
        self._process = worker_name()
        self._said: State | None = None
        self._one_at_a_time = asyncio.Lock()
        self._is_stopped = False
        self._beating = asyncio.create_task(self._go_on())

    async def beat(self) -> None:
        """Beat now: the state has changed."""
        async with self._one_at_a_time:
            state = self._state()
            if not self._is_stopped and await _try(
                beat,
                self._process,
                account_id=self._account_id,
                is_connected=state.is_connected,
                has_gateway=state.has_gateway,
                is_ready=state.is_ready,
                has_read_all=state.has_read_all,
                is_first=self._said is None,
                takes_over=state.has_gateway and not (self._said and self._said.has_gateway),
            ):
                self._said = state

    async def stop(self) -> None:
        """Beat no more, and take the heartbeat back."""
        self._is_stopped = True
        self._beating.cancel()
        await asyncio.wait({self._beating})
        async with self._one_at_a_time:
            await _try(leave, self._process)

    async def _go_on(self) -> None:
        while True:
            await self.beat()
            await asyncio.sleep(EVERY_SECONDS)


async def _try(function: Callable[..., None], *args: object, **kwargs: object) -> bool:
    try:
        await run_unit(function, *args, **kwargs)
    except DatabaseError as error:
        log.warning("bot.heartbeat_failed", **failures.describe(error))
        return False
    return True
