"""The governor at the wire: every request that discord.py makes waits for its slot, and its refusal is counted."""

import asyncio
import math
import time
from collections import Counter, deque
from collections.abc import Iterable
from types import SimpleNamespace
from typing import Final

import aiohttp
import structlog
from django.db import Error as DatabaseError
from yarl import URL

from bots import conf, failures
from bots.database import run_unit
from bots.governor import pace, refusals, tries

log = structlog.get_logger(__name__)

ASKS_PER_SECOND: Final = 10
"""Under load so many slots are taken at once that the database is asked no more often."""
BUSY_SECONDS: Final = 2 / ASKS_PER_SECOND
"""Whoever asks again within this time is under load."""
KEEP_SECONDS: Final = 0.05
"""A slot that was not used for so long is let go: kept ones would add up to a burst."""
PATIENCE_SECONDS: Final = 15.0
"""Opening a channel and sending may both wait so long within the relay's patience with a message: so no request goes
out which the relay has given up.
"""
WRITE_SECONDS: Final = 1.0
SHARE_WITHOUT_DATABASE: Final = 5
"""Without a database each process makes a fifth of the requests: nobody knows how many others there are."""


class NotSent(aiohttp.ClientError):
    """The governor let a request not go out."""


class Calls:
    """The requests of one bot in this process. Until `account_id` is known, at the login, nothing waits."""

    def __init__(self) -> None:
        self.account_id: int | None = None
        self._turn = asyncio.Lock()
        self._waiting = 0
        self._slots: deque[float] = deque()  # when each may be used, by the monotonic clock
        self._asked_at = -math.inf
        self._local_slot = 0.0
        self._is_local = False
        self._is_stopped = False
        self._refusals: Counter[int] = Counter()
        self._writes = asyncio.Lock()
        self._writer: asyncio.Task[None] | None = None

    def trace(self) -> aiohttp.TraceConfig:
        """What discord.py's client takes as `http_trace`."""
        trace = aiohttp.TraceConfig()
        trace.on_request_start.append(self._before)
        trace.on_request_end.append(self._after)
        trace.on_request_exception.append(self._failed)
        return trace

    async def finish(self) -> None:
        """Write down what was counted since the last time, at the end of the process."""
        if self._writer is not None:
            self._writer.cancel()
            await asyncio.wait({self._writer})
        await self._write()

    # --- the pace ---

    async def slot(self) -> None:
        """Wait for the next slot, behind those who wait already.

        Raises:
            NotSent: none is free soon, or Discord has refused too many requests.
        """
        self._waiting += 1
        try:
            async with asyncio.timeout(PATIENCE_SECONDS), self._turn:
                # Whoever's turn it is keeps it while they wait. So the next slots are asked for when these are used,
                # which keeps processes even, and a request that is cut off wastes one slot at most.
                await asyncio.sleep(await self._next_slot() - time.monotonic())
        except TimeoutError:
            raise NotSent(f"No slot was free within {PATIENCE_SECONDS:.0f} s; nothing was sent.") from None
        finally:
            self._waiting -= 1

    async def _before(
        self, session: aiohttp.ClientSession, context: SimpleNamespace, params: aiohttp.TraceRequestStartParams
    ) -> None:
        if self.account_id is not None and _is_paced(params.url):
            await self.slot()
            if self._is_stopped and tries.is_counted():
                # discord.py may have waited long to repeat it: the switch counts until the very last moment.
                raise NotSent("The bot was stopped; nothing was sent.")
        tries.of_this_call().begin()

    async def _failed(
        self, session: aiohttp.ClientSession, context: SimpleNamespace, params: aiohttp.TraceRequestExceptionParams
    ) -> None:
        tries.of_this_call().failed(params.exception)

    async def _next_slot(self) -> float:
        oldest = time.monotonic() - KEEP_SECONDS
        while self._slots and self._slots[0] < oldest:
            self._slots.popleft()
        if not self._slots:
            self._slots.extend(await self._ask())
        return self._slots.popleft()

    async def _ask(self) -> Iterable[float]:
        assert self.account_id is not None  # noqa: S101 - nobody waits before it is known
        per_second = conf.current().requests_per_second
        is_busy = self._waiting > 1 or time.monotonic() - self._asked_at < BUSY_SECONDS
        number = math.ceil(per_second / ASKS_PER_SECOND) if is_busy else 1
        self._asked_at = time.monotonic()
        try:
            slots = await run_unit(pace.take, self.account_id, number=number, per_second=per_second)
        except DatabaseError as error:
            return [self._without_database(per_second, error)]
        self._is_local = False
        if slots is None:
            raise NotSent("Discord refused too many requests of late; nothing is sent until they are fewer.")
        self._is_stopped = slots.is_stopped
        first = time.monotonic() + slots.wait
        return [first + index * slots.gap for index in range(slots.number)]

    def _without_database(self, per_second: int, error: BaseException) -> float:
        """A database that is away must not stop what the bot still can do."""
        if not self._is_local:
            log.warning("bot.paces_alone", **failures.describe(error))
        self._is_local = True
        slot = max(time.monotonic(), self._local_slot)
        self._local_slot = slot + SHARE_WITHOUT_DATABASE / per_second
        return slot

    # --- what Discord refused ---

    async def _after(
        self, session: aiohttp.ClientSession, context: SimpleNamespace, params: aiohttp.TraceRequestEndParams
    ) -> None:
        answer = params.response
        tries.of_this_call().answered(answer.status)
        is_shared = answer.headers.get("X-RateLimit-Scope") == "shared"  # not our doing, and not held against us
        if answer.status in refusals.COUNTED and not is_shared and _is_api(params.url):
            self._refusals[answer.status] += 1
            if self._writer is None or self._writer.done():
                self._writer = asyncio.create_task(self._write_soon())

    async def _write_soon(self) -> None:
        while self._refusals:
            await asyncio.sleep(WRITE_SECONDS)
            await asyncio.shield(self._write())  # whoever cuts this off must not cut off a write: `finish` waits for it

    async def _write(self) -> None:
        async with self._writes:
            counts, self._refusals = self._refusals, Counter()
            if not counts:
                return
            try:
                await run_unit(refusals.record, counts)
            except DatabaseError as error:
                self._refusals += counts
                log.warning("bot.refusals_not_counted", number=counts.total(), **failures.describe(error))


def _is_api(url: URL) -> bool:
    """Not the gateway, nor a file."""
    return url.path.startswith("/api/")


def _is_paced(url: URL) -> bool:
    """Answers to interactions and requests by a webhook's token do not count at Discord; people wait for them."""
    return _is_api(url) and not any(f"/{name}/" in url.path for name in ("interactions", "webhooks"))
