"""Delivers queued messages to Discord, each exactly once, and records what became of it.

The order of doubt: an answer that was lost is asked for again with the same nonce while Discord remembers it;
after that only the channel's history can tell; and what even that does not tell is left to a person.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import aiohttp
import discord
import structlog
from django.db import IntegrityError, InterfaceError, OperationalError
from django.utils import timezone

from bots import failures, outcomes, wakeup
from bots.database import run_unit
from followups import delivery as domain
from followups.policy import Decision, Verdict
from socialmedia import outbox
from socialmedia.models import Account
from socialmedia.outbox import Delivery

log = structlog.get_logger(__name__)

BATCH: Final = 5
LEASE: Final = timedelta(seconds=60)
NONCE_WINDOW: Final = timedelta(minutes=2)
"""Discord keeps a nonce for "the past few minutes"; two are surely inside."""
SEND_PATIENCE_SECONDS: Final = 40.0
"""Shorter than the lease, so that the outcome is ours to write, and longer than discord.py's own retries (25 s)."""
POLL_SECONDS: Final = 1.0
STOP_PATIENCE_SECONDS: Final = 10.0
OPENING_PAUSE: Final = timedelta(minutes=10)
CLOCK_TOLERANCE: Final = timedelta(seconds=30)
HISTORY_PATIENCE: Final = timedelta(days=1)
"""So long after the first attempt a history that can't be read is waited for."""
FIRST_TRY_SECONDS: Final = 1.0
"""discord.py waits so long before it tries a request for the second time."""
INTERNAL_TRIES: Final = 20
LONGEST_TEXT: Final = 2000

CANNOT_MESSAGE_USER: Final = 50007
NO_MUTUAL_GUILDS: Final = 50278
OPENING_TOO_FAST: Final = 40003
UNKNOWN_CHANNEL: Final = 10003
NETWORK_ERRORS: Final = (aiohttp.ClientError, OSError, TimeoutError)


class OpeningPaused(Exception):
    """Discord told us to open no new private channels for a while."""


@dataclass
class _Call:
    """How far a delivery got."""

    has_started: bool = False
    """Discord may have the message from here on."""
    started_at: float = 0.0
    has_opened: bool = False
    """The private channel is a new one."""


class Relay:
    """One relay of one bot account. Any number of them may run, in one process or many."""

    def __init__(self, client: discord.Client, account: Account) -> None:
        self._client = client
        self._account = account
        self._wake = asyncio.Event()
        self._stopping = asyncio.Event()
        self._opening_paused_until: datetime | None = None
        self._abandoned: set[asyncio.Task[discord.Message]] = set()

    # --- the loop ---

    async def run(self) -> None:
        """Deliver until `stop` is called. A database that is away is waited for."""
        listener = asyncio.create_task(wakeup.listen(self._wake))
        try:
            while not self._stopping.is_set():
                self._wake.clear()
                if not await self._try_once():
                    await self._wait()
        finally:
            listener.cancel()
            await asyncio.gather(listener, return_exceptions=True)

    def stop(self) -> None:
        """Claim nothing more; `run` returns when what is being sent has been recorded."""
        self._stopping.set()
        self._wake.set()

    async def run_once(self) -> bool:
        """Take what is due, deliver and record it. Answers whether there was any work."""
        taken = await run_unit(outbox.stranded, account=self._account, limit=BATCH, lease=LEASE)
        taken += await run_unit(outbox.claim, account=self._account, limit=BATCH, lease=LEASE)
        # Never two of the same conversation. Not a TaskGroup: one failure must not cut off the others' calls.
        outcomes = await asyncio.gather(*(self._guarded(held) for held in taken), return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome
        return bool(taken)

    async def _try_once(self) -> bool:
        try:
            return await self.run_once()
        except (OperationalError, InterfaceError) as error:
            # What was claimed stays `sending` and is taken over when its lease runs out.
            log.warning("relay.database_away", **failures.describe(error))
            return False

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(POLL_SECONDS):
                await self._wake.wait()
        except TimeoutError:
            pass

    # --- one message ---

    async def _guarded(self, held: Delivery) -> None:
        """Deliver one message; whatever goes wrong, leave it in a state that says so."""
        call = _Call()
        try:
            await self._deliver(held, call)
        except asyncio.CancelledError:
            await self._release(held, timedelta(), call, reason="the relay was stopped")
            raise
        except (OperationalError, InterfaceError):
            raise
        except Exception as error:
            # Not log.exception: a traceback can quote the message.
            log.error(  # noqa: TRY400
                "relay.internal_error", message_id=held.message.pk, **failures.describe(error)
            )
            reason = f"internal error: {type(error).__name__}"
            if held.message.attempts < INTERNAL_TRIES:
                await self._release(held, timedelta(minutes=1), call, reason=reason)
            else:
                await self._give_up(held, reason)

    async def _deliver(self, held: Delivery, call: _Call) -> None:
        if len(held.message.message_text) > LONGEST_TEXT:
            await self._fail(held, code="too_long", reason=f"longer than Discord's {LONGEST_TEXT} characters")
            return
        decision = await run_unit(domain.may_send, held.message, now=timezone.now())
        is_sendable = decision.verdict is Verdict.SEND
        if not held.untried and not (is_sendable and _nonce_is_remembered(held)):
            await self._settle_by_history(held, decision)
        elif is_sendable:
            await self._send(held, call)
        else:
            await self._obey(held, decision)

    async def _obey(self, held: Delivery, decision: Decision) -> None:
        """Do not send: the policy says so."""
        now = timezone.now()
        if decision.verdict is Verdict.HOLD:
            until = decision.until or now + timedelta(minutes=5)
            await self._write(
                held, "held", lambda: outcomes.release(held, next_attempt_at=until, reason=decision.reason)
            )
        else:
            await self._write(held, "suppressed", lambda: outcomes.settle_suppressed(held, decision=decision, now=now))

    async def _send(self, held: Delivery, call: _Call) -> None:
        task = asyncio.create_task(self._call(held, call))
        try:
            done, _ = await asyncio.wait({task}, timeout=SEND_PATIENCE_SECONDS)
        except asyncio.CancelledError:
            task.cancel()
            raise
        if not done:
            # Not cancelled: that would leave discord.py's lock for global rate limits closed for ever.
            self._abandon(task)
            await self._lost(held, call, "Discord did not answer in time")
            return
        try:
            sent = task.result()
        except OpeningPaused:
            await self._release(held, self._opening_pause(), call, reason="Discord wants no new private channels now")
        except discord.RateLimited as error:
            await self._release(held, timedelta(seconds=error.retry_after), call, reason="rate limited", refused=True)
        except discord.HTTPException as error:
            await self._refused(held, call, error)
        except NETWORK_ERRORS as error:
            if _never_left(error, call):
                call.has_started = False
            await self._lost(held, call, type(error).__name__)
        else:
            await self._record_sent(held, sent.id)

    async def _call(self, held: Delivery, call: _Call) -> discord.Message:
        call.has_opened = not held.message.conversation.external_channel_id
        channel = await self._channel(held)
        call.has_started, call.started_at = True, time.monotonic()
        return await channel.send(
            held.message.message_text,
            nonce=held.message.nonce or f"ob-{held.message.pk}",
            allowed_mentions=discord.AllowedMentions.none(),
        )

    async def _channel(self, held: Delivery) -> discord.PartialMessageable:
        """The private channel with the member, opened once and then remembered."""
        conversation = held.message.conversation
        if not conversation.external_channel_id:
            if self._opening_pause() > timedelta():
                raise OpeningPaused
            opened = await self._client.create_dm(discord.Object(int(conversation.participant_id)))
            conversation.external_channel_id = str(opened.id)
            await run_unit(outcomes.remember_channel, conversation.pk, conversation.external_channel_id)
        return self._client.get_partial_messageable(
            int(conversation.external_channel_id), type=discord.ChannelType.private
        )

    def _opening_pause(self) -> timedelta:
        """How long no new private channel may be opened."""
        if self._opening_paused_until is None:
            return timedelta()
        return max(self._opening_paused_until - timezone.now(), timedelta())

    # --- what Discord said ---

    async def _refused(self, held: Delivery, call: _Call, error: discord.HTTPException) -> None:
        if error.code in {CANNOT_MESSAGE_USER, NO_MUTUAL_GUILDS}:
            await self._fail(held, code=str(error.code), reason=error.text, unreachable=True)
        elif error.code == UNKNOWN_CHANNEL and not call.has_opened:
            await run_unit(outcomes.remember_channel, held.message.conversation_id, "")
            await self._release(held, timedelta(), call, reason="the private channel is gone", refused=True)
        elif error.code == OPENING_TOO_FAST:
            self._opening_paused_until = timezone.now() + OPENING_PAUSE
            log.warning("relay.opening_paused", seconds=OPENING_PAUSE.total_seconds())
            await self._release(held, OPENING_PAUSE, call, reason=error.text, refused=True)
        elif error.status == 429:
            await self._release(held, _retry_after(error), call, reason="rate limited", refused=True)
        elif error.status >= 500:
            await self._lost(held, call, f"HTTP {error.status}")
        elif error.status == 401:
            await self._release(held, timedelta(minutes=1), call, reason="the token is not valid", refused=True)
        else:
            await self._fail(held, code=str(error.code or error.status), reason=error.text or f"HTTP {error.status}")

    async def _lost(self, held: Delivery, call: _Call, reason: str) -> None:
        """We do not know whether Discord took it: soon once more, with the same nonce."""
        delay = timedelta(seconds=min(2 ** min(held.message.attempts - 1, 4), 15))
        await self._release(held, delay, call, reason=f"no answer: {reason}")

    async def _settle_by_history(self, held: Delivery, decision: Decision) -> None:
        """An earlier attempt may have arrived and must not be repeated blindly: look whether it is there."""
        try:
            found = await self._find_in_history(held)
        except (discord.HTTPException, discord.RateLimited, OpeningPaused, *NETWORK_ERRORS) as error:
            await self._history_unreadable(held, error)
            return
        if found is not None:
            await self._record_sent(held, found)
        elif decision.verdict is not Verdict.SEND:
            await self._obey(held, decision)
        else:
            await self._give_up(held, "Its answer was lost, and the channel's history does not show it.")

    async def _find_in_history(self, held: Delivery) -> int | None:
        """The id of our own message with this text since the first attempt that no other row accounts for."""
        message = held.message
        channel = await self._channel(held)
        known = await run_unit(outcomes.known_external_ids, message.conversation_id)
        since = _first_attempt(held) - CLOCK_TOLERANCE
        async for candidate in channel.history(after=since, limit=200, oldest_first=True):
            is_ours = self._client.user is not None and candidate.author.id == self._client.user.id
            is_same = candidate.nonce == message.nonce or candidate.content.strip() == message.message_text.strip()
            if is_ours and is_same and str(candidate.id) not in known:
                return candidate.id
        return None

    async def _history_unreadable(self, held: Delivery, error: Exception) -> None:
        is_final = isinstance(error, discord.HTTPException) and error.status in {403, 404}
        if is_final or timezone.now() - _first_attempt(held) > HISTORY_PATIENCE:
            await self._give_up(held, "Its answer was lost, and the channel's history can't be read.")
        else:
            delay = timedelta(seconds=2 ** min(held.message.attempts, 8))
            await self._release(held, delay, _Call(has_started=True), reason="the history can't be read now")

    # --- what we record ---

    async def _record_sent(self, held: Delivery, external_id: int) -> None:
        # When Discord took it, not when we heard of it: the member may have answered in between.
        now = min(discord.utils.snowflake_time(external_id), timezone.now())
        await self._write(
            held, "sent", lambda: outcomes.settle_sent(held, external_message_id=str(external_id), now=now)
        )

    async def _fail(self, held: Delivery, *, code: str, reason: str, unreachable: bool = False) -> None:
        now = timezone.now()
        await self._write(
            held,
            "failed",
            lambda: outcomes.settle_failed(held, code=code, reason=reason, unreachable=unreachable, now=now),
            code=code,
        )

    async def _give_up(self, held: Delivery, reason: str) -> None:
        now = timezone.now()
        await self._write(held, "unknown", lambda: outcomes.settle_unknown(held, reason=reason, now=now))

    async def _release(
        self, held: Delivery, delay: timedelta, call: _Call, *, reason: str, refused: bool = False
    ) -> None:
        """Back to the queue. `refused` says that Discord answered and did not take it."""
        at = timezone.now() + delay
        may_have_arrived = call.has_started and not refused
        await self._write(
            held,
            "released",
            lambda: outcomes.release(held, next_attempt_at=at, reason=reason, may_have_arrived=may_have_arrived),
            reason=reason,
        )

    async def _write(self, held: Delivery, outcome: str, write: Callable[[], bool], **fields: object) -> None:
        try:
            event = f"relay.{outcome}" if await run_unit(write) else "relay.lease_lost"
        except IntegrityError:
            # The database takes no automated message back into the queue whose consent is gone. It stays `sending`;
            # when its lease runs out it is taken over, and the policy then stops it.
            event = "relay.not_taken_back"
        log.info(event, message_id=held.message.pk, attempts=held.message.attempts, **fields)

    def _abandon(self, task: "asyncio.Task[discord.Message]") -> None:
        self._abandoned.add(task)
        task.add_done_callback(self._forget)

    def _forget(self, task: "asyncio.Task[discord.Message]") -> None:
        self._abandoned.discard(task)
        if not task.cancelled():
            task.exception()  # seen, so that asyncio does not complain; the retry has taken its place


def _nonce_is_remembered(held: Delivery) -> bool:
    first = held.message.first_attempt_at
    return first is not None and timezone.now() - first < NONCE_WINDOW


def _first_attempt(held: Delivery) -> datetime:
    return held.message.first_attempt_at or held.message.created_at


def _never_left(error: BaseException, call: _Call) -> bool:
    """Whether Discord was not even reached: no connection was made, and discord.py had made no earlier try in this
    call that may have got through.
    """
    is_only_try = time.monotonic() - call.started_at < FIRST_TRY_SECONDS
    return isinstance(error, aiohttp.ClientConnectorError) and is_only_try


def _retry_after(error: discord.HTTPException) -> timedelta:
    """How long Discord wants us to wait; a minute when it does not say."""
    try:
        return timedelta(seconds=float(error.response.headers.get("Retry-After", 60)))
    except ValueError:
        return timedelta(minutes=1)


async def finish(running: "asyncio.Task[None]", relay: Relay) -> None:
    """Stop a running relay: let it finish for a while, then cut it off, which puts its messages back in the queue."""
    relay.stop()
    done, _ = await asyncio.wait({running}, timeout=STOP_PATIENCE_SECONDS)
    if not done:
        running.cancel()
        await asyncio.wait({running})
