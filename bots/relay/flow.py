"""The steady flow: claims a message for each free place, so that a slow call holds up nobody."""

import asyncio
import time
from datetime import timedelta
from typing import Final

import discord
import structlog
from django.db import ProgrammingError

from bots import database, failures, presence, wakeup
from bots.database import run_unit
from bots.governor import controls
from bots.governor import openings as budget
from bots.outcomes import Openings
from bots.relay.calls import LEASE
from bots.relay.courier import Courier
from socialmedia import outbox
from socialmedia.models import Account
from socialmedia.outbox import Delivery

log = structlog.get_logger(__name__)

PLACES: Final = 16
"""So many messages are on their way at once: at 45 a second over all processes a third of a second for each."""
POLL_SECONDS: Final = 1.0


class Relay:
    """One relay of one bot account. Any number of them may run, in one process or many."""

    def __init__(self, client: discord.Client, account: Account, openings: Openings = budget) -> None:
        self._account = account
        self._courier = Courier(client, openings, self._pause)
        self._wake = asyncio.Event()
        self._stopping = asyncio.Event()
        self._running: set[asyncio.Task[None]] = set()
        self._failure: BaseException | None = None
        self._paused_until = 0.0
        self._looked_for_stranded_at = 0.0

    async def run(self) -> None:
        """Deliver until `stop` is called. A database that is away is waited for."""
        listener = asyncio.create_task(wakeup.listen(self._wake))
        try:
            while not self._stopping.is_set():
                self._wake.clear()
                await self._fill()
                if self._failure is not None:
                    raise self._failure
                await self._wait()
            if self._running:
                await asyncio.wait(self._running)
        finally:
            cut_off = {listener, *self._running}
            for task in cut_off:
                task.cancel()
            # Not gather: a second cancellation must not reach those that put their messages back.
            await asyncio.wait(cut_off)

    def stop(self) -> None:
        """Claim nothing more; `run` returns when what is being sent has been recorded."""
        self._stopping.set()
        self._wake.set()

    async def run_once(self) -> bool:
        """Take what is due, deliver and record it. Answers whether there was any work."""
        taken = await self._take(self._places, with_stranded=True)
        # Never two of the same conversation. Not a TaskGroup: one failure must not cut off the others' calls.
        outcomes = await asyncio.gather(*(self._courier.deliver(held) for held in taken), return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome
        return bool(taken)

    @property
    def _places(self) -> int:
        return 1 if self._courier.is_discord_away else PLACES

    async def _fill(self) -> None:
        """Give every free place a message, as far as there are any."""
        free = self._places - len(self._running)
        if free <= 0:
            return
        is_time = time.monotonic() - self._looked_for_stranded_at >= POLL_SECONDS
        try:
            taken = await self._take(free, with_stranded=is_time)
        except database.AWAY as error:
            # What was claimed stays `sending` and is taken over when its lease runs out.
            log.warning("relay.database_away", **failures.describe(error))
            return
        for held in taken:
            delivery = asyncio.create_task(self._courier.deliver(held))
            self._running.add(delivery)
            delivery.add_done_callback(self._end)

    def _end(self, delivery: "asyncio.Task[None]") -> None:
        """A place is free again, and so is the conversation."""
        self._running.discard(delivery)
        self._wake.set()
        error = None if delivery.cancelled() else delivery.exception()
        if isinstance(error, database.AWAY):
            log.warning("relay.database_away", **failures.describe(error))
        elif error is not None:
            self._failure = error

    async def _take(self, limit: int, *, with_stranded: bool) -> list[Delivery]:
        if time.monotonic() < self._paused_until:
            return []
        if with_stranded:
            self._looked_for_stranded_at = time.monotonic()
        return await run_unit(take, self._account, limit=limit, with_stranded=with_stranded)

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(POLL_SECONDS):
                await self._wake.wait()
        except TimeoutError:
            pass

    def _pause(self, pause: timedelta) -> None:
        self._paused_until = max(self._paused_until, time.monotonic() + pause.total_seconds())


def take(account: Account, *, limit: int, with_stranded: bool) -> list[Delivery]:
    """Claim what may go. Nothing while the account is stopped, or while nobody listens: whoever writes `stop` now must
    be heard first.

    One rule for automated messages and answers: an answer is nearly always queued by the process that listens, and if
    it went past an older message that has to wait, the order of a conversation would be gone.
    """
    if not controls.of_account(account.pk).may_send or not _is_listened(account):
        return []
    taken = outbox.stranded(account=account, limit=limit, lease=LEASE) if with_stranded else []
    if len(taken) < limit:
        taken += outbox.claim(account=account, limit=limit - len(taken), lease=LEASE)
    return taken


def _is_listened(account: Account) -> bool:
    """Whoever can't find out does not send, and goes on asking."""
    try:
        return presence.is_listened(account.pk)
    except ProgrammingError as error:
        log.warning("relay.listener_unknown", **failures.describe(error))
        return False
