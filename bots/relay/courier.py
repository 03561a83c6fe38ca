"""One message at a time: carries it to Discord, part by part, and leaves it in a state that says what became of it."""

import asyncio
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

import discord
import structlog
from django.core.exceptions import ObjectDoesNotExist
from django.db import IntegrityError
from django.utils import timezone

from bots import answers, database, failures, outcomes, splitting
from bots.database import run_unit
from bots.failures import NETWORK_ERRORS
from bots.governor.calls import NotSent
from bots.outcomes import Openings
from bots.relay import clearance, verdicts
from bots.relay.calls import LEASE, Attempt, Calls, first_attempt
from bots.relay.clearance import Clearance
from bots.relay.verdicts import Verdict
from followups.policy import Decision, Gate
from followups.policy import Verdict as Policy
from socialmedia import outbox
from socialmedia.outbox import Delivery

log = structlog.get_logger(__name__)

STOPPED_PAUSE: Final = timedelta(seconds=5)
"""Tried again so soon when the account is stopped: whoever lets it go on need not find what waits."""
NOT_SENT_PAUSE: Final = timedelta(seconds=5)
TOKEN_PAUSE: Final = timedelta(minutes=1)
HISTORY_PATIENCE: Final = timedelta(days=1)
"""So long after the first attempt a history that can't be read is waited for."""
INTERNAL_TRIES: Final = 20
BETWEEN_QUEUED: Final = timedelta(milliseconds=200)
FORGET_QUEUE_SECONDS: Final = 60.0

MANY_LOST: Final = 4
"""So many messages lost without one that arrived in between, and it is Discord that is away, not a channel."""
AWAY_PAUSE: Final = timedelta(seconds=20)

RECORDED_ERRORS: Final = (discord.HTTPException, discord.RateLimited, *NETWORK_ERRORS)


class Courier:
    """Delivers for one relay. `pause` tells it to claim nothing for a while."""

    def __init__(self, client: discord.Client, openings: Openings, pause: Callable[[timedelta], None]) -> None:
        self._calls = Calls(client)
        self._openings = openings
        self._pause = pause
        self._queue, self._last_queued_at = 0, 0.0
        self._lost_since_one_arrived: set[int] = set()

    @property
    def is_discord_away(self) -> bool:
        """Whether answers were lost of late, and none came. What is tried then only adds to what nobody knows the
        outcome of, so one message at a time is enough to see that Discord is back.
        """
        return len(self._lost_since_one_arrived) >= MANY_LOST

    async def deliver(self, held: Delivery) -> None:
        """Deliver one message; whatever goes wrong, leave it in a state that says so.

        Raises:
            OperationalError, InterfaceError: the database is away; the message stays `sending` until its lease ends.
        """
        attempt = Attempt(held)
        try:
            await self._deliver(attempt)
        except asyncio.CancelledError:
            await self._release(attempt, timedelta(), reason="the relay was stopped", untouched=attempt.is_untouched)
            raise
        except database.AWAY:
            raise
        except Exception as error:
            # Not log.exception: a traceback can quote the message.
            log.error(  # noqa: TRY400
                "relay.internal_error", message_id=held.message.pk, **failures.describe(error)
            )
            reason = f"internal error: {type(error).__name__}"
            if held.message.attempts < INTERNAL_TRIES:
                await self._release(attempt, timedelta(minutes=1), reason=reason)
            else:
                await self._give_up(attempt, reason)

    async def _deliver(self, attempt: Attempt) -> None:
        """Carry the parts that have not arrived yet, each recorded before the next one goes."""
        texts = splitting.parts(attempt.held.message.message_text)
        while (number := len(attempt.held.part_ids)) < len(texts):
            is_last = number == len(texts) - 1
            external_id = await self._carry(attempt, texts[number], is_last=is_last)
            if external_id is None:
                return
            if is_last:
                await self._record_sent(attempt, external_id)
                return
            if not await self._record_part(attempt, external_id):
                return
        # An earlier version of this program cut it into more parts.
        await self._record_sent(attempt, attempt.held.part_ids[-1])

    async def _carry(self, attempt: Attempt, text: str, *, is_last: bool) -> str | None:
        """Discord's id of the part; None when it did not get there, which is recorded then."""
        try:
            return await self._go(attempt, text, is_last=is_last)
        except discord.RateLimited as error:
            await self._release(attempt, timedelta(seconds=error.retry_after), reason="rate limited")
        except discord.HTTPException as error:
            await self._refused(attempt, error)
        except NotSent as error:
            self._pause(NOT_SENT_PAUSE)
            untouched = not attempt.may_have_arrived
            await self._release(attempt, NOT_SENT_PAUSE, reason=str(error), untouched=untouched)
        except NETWORK_ERRORS as error:
            await self._lost(attempt, type(error).__name__)
        return None

    async def _go(self, attempt: Attempt, text: str, *, is_last: bool) -> str | None:
        extras = await self._extras(attempt) if is_last else {}
        may = await run_unit(clearance.ask, attempt.held, self._openings, now=timezone.now())
        if may.decision is None:
            await self._wait(attempt, timezone.now() + STOPPED_PAUSE, reason="the bot is stopped")
        elif may.must_look:
            return await self._settle_by_history(attempt, text, may)
        elif not may.is_go:
            await self._obey(attempt, may.decision)
        elif may.open_after is not None:
            await self._wait_for_budget(attempt, may.open_after)
        elif not attempt.conversation.external_channel_id:
            await self._open(attempt)
            return await self._go(attempt, text, is_last=is_last)  # asked again: a `stop` may have come meanwhile
        else:
            external_id = await self._calls.send(attempt, text, extras)
            self._lost_since_one_arrived.clear()
            return external_id
        return None

    async def _extras(self, attempt: Attempt) -> dict[str, Any]:
        """Buttons and files, made fresh. Somebody who was forgotten now has none: the policy says so next."""
        metadata, user_id = attempt.held.message.metadata, attempt.conversation.participant_id
        try:
            return await answers.extras(metadata, user_id=user_id)
        except ObjectDoesNotExist:
            return {}

    async def _open(self, attempt: Attempt) -> None:
        """Open the private channel and remember it, success or not."""
        conversation = attempt.conversation
        try:
            conversation.external_channel_id = await self._calls.open_channel(attempt)
        except RECORDED_ERRORS as error:
            code = str(getattr(error, "code", "")) or type(error).__name__
            await run_unit(outcomes.record_not_opened, conversation, self._openings, code=code, now=timezone.now())
            raise
        await run_unit(outcomes.record_opened, conversation, self._openings, now=timezone.now())

    # --- not now ---

    async def _obey(self, attempt: Attempt, decision: Decision) -> None:
        """Do not send: the policy says so."""
        now = timezone.now()
        if decision.verdict is Policy.HOLD:
            until = decision.until or now + timedelta(minutes=5)
            if decision.gate is Gate.SWITCH:
                until = self._in_line(until)
            await self._wait(attempt, until, reason=decision.reason)
        else:
            held = attempt.held
            await self._write(held, "suppressed", lambda: outcomes.settle_suppressed(held, decision=decision, now=now))

    async def _wait_for_budget(self, attempt: Attempt, until: datetime) -> None:
        """Wait for the budget of new channels. An answer comes before what is automated."""
        if attempt.held.message.is_automated:
            until = self._in_line(until)
        await self._wait(attempt, until, reason="the budget of new private channels is used up")

    def _in_line(self, until: datetime) -> datetime:
        """When to come back from something that thousands may wait for: one after another, because all at once they
        would be in the way of those who need not wait.
        """
        is_first = time.monotonic() - self._last_queued_at > FORGET_QUEUE_SECONDS
        self._queue = 1 if is_first else self._queue + 1
        self._last_queued_at = time.monotonic()
        return until + self._queue * BETWEEN_QUEUED

    async def _wait(self, attempt: Attempt, until: datetime, *, reason: str) -> None:
        """Back to the queue as it was."""
        held, untouched = attempt.held, attempt.is_untouched
        await self._write(
            held,
            "held",
            lambda: outcomes.release(held, next_attempt_at=until, reason=reason, untouched=untouched),
            reason=reason,
        )

    # --- what Discord said ---

    async def _refused(self, attempt: Attempt, error: discord.HTTPException) -> None:
        verdict = verdicts.verdict_of(error)
        if verdict is Verdict.UNREACHABLE:
            await self._fail(attempt, error, unreachable=True)
        elif verdict is Verdict.CHANNEL_GONE and not attempt.has_opened:
            await run_unit(outcomes.forget_channel, attempt.held.message.conversation_id)
            await self._release(attempt, timedelta(), reason=verdict.value)
        elif verdict is Verdict.BARRED:
            await self._barred(attempt, error)
        elif verdict is Verdict.RATE_LIMITED:
            # Discord or Cloudflare shuts us out altogether: further requests would only make it worse.
            await self._pause_all(attempt, verdicts.retry_after(error), verdict)
        elif verdict is Verdict.TOKEN_REFUSED:
            await self._pause_all(attempt, TOKEN_PAUSE, verdict)
        elif verdict is Verdict.UNCERTAIN:
            await self._lost(attempt, f"HTTP {error.status}")
        else:
            await self._fail(attempt, error)

    async def _barred(self, attempt: Attempt, error: discord.HTTPException) -> None:
        """No new channels for a while, in no process of this account."""
        now, account_id = timezone.now(), attempt.conversation.account_id
        until = await run_unit(self._openings.trip, account_id, reason=f"{error.code}: {error.text}", now=now)
        log.warning("relay.openings_tripped", code=error.code, until=until)
        await self._release(attempt, until - now, reason=error.text)

    async def _pause_all(self, attempt: Attempt, pause: timedelta, verdict: Verdict) -> None:
        log.warning("relay.paused", seconds=pause.total_seconds(), reason=verdict.value)
        self._pause(pause)
        await self._release(attempt, pause, reason=verdict.value)

    async def _lost(self, attempt: Attempt, reason: str) -> None:
        """We do not know whether Discord took it: soon once more, with the same nonce."""
        delay = timedelta(seconds=min(2 ** min(attempt.held.message.attempts - 1, 4), 15))
        doubt = "no answer" if attempt.may_have_arrived else "not sent"
        if attempt.may_have_arrived:
            self._lost_since_one_arrived.add(attempt.held.message.pk)
            if self.is_discord_away:
                self._pause(AWAY_PAUSE)
        await self._release(attempt, delay, reason=f"{doubt}: {reason}")

    async def _settle_by_history(self, attempt: Attempt, text: str, may: Clearance) -> str | None:
        """An earlier attempt may have arrived and must not be repeated blindly: look whether it is there."""
        assert may.decision is not None  # noqa: S101 - the caller's branch
        if attempt.conversation.external_channel_id:
            known = await run_unit(outcomes.known_external_ids, attempt.held.message.conversation_id)
            try:
                found = await self._calls.find(attempt, text, known=known)
            except RECORDED_ERRORS as error:
                await self._history_unreadable(attempt, error)
                return None
            if found is not None:
                return found
        if may.is_go:
            await self._give_up(attempt, "Its answer was lost, and the channel's history does not show it.")
        else:
            await self._obey(attempt, may.decision)
        return None

    async def _history_unreadable(self, attempt: Attempt, error: Exception) -> None:
        is_final = isinstance(error, discord.HTTPException) and error.status in {403, 404}
        if is_final or timezone.now() - first_attempt(attempt.held) > HISTORY_PATIENCE:
            await self._give_up(attempt, "Its answer was lost, and the channel's history can't be read.")
        else:
            delay = timedelta(seconds=2 ** min(attempt.held.message.attempts, 8))
            await self._release(attempt, delay, reason="the history can't be read now")

    # --- what we record ---

    async def _record_sent(self, attempt: Attempt, external_id: str) -> None:
        # When Discord took it, not when we heard of it: the member may have answered in between.
        held, now = attempt.held, min(discord.utils.snowflake_time(int(external_id)), timezone.now())
        await self._write(held, "sent", lambda: outcomes.settle_sent(held, external_message_id=external_id, now=now))

    async def _record_part(self, attempt: Attempt, external_id: str) -> bool:
        rest = await run_unit(outbox.record_part, attempt.held, external_message_id=external_id, lease=LEASE)
        if rest is None:
            log.info("relay.lease_lost", message_id=attempt.held.message.pk)
            return False
        attempt.go_on(rest)
        return True

    async def _fail(self, attempt: Attempt, error: discord.HTTPException, *, unreachable: bool = False) -> None:
        held, now = attempt.held, timezone.now()
        code, reason = str(error.code or error.status), error.text or f"HTTP {error.status}"
        await self._write(
            held,
            "failed",
            lambda: outcomes.settle_failed(held, code=code, reason=reason, unreachable=unreachable, now=now),
            code=code,
        )

    async def _give_up(self, attempt: Attempt, reason: str) -> None:
        held, now = attempt.held, timezone.now()
        await self._write(held, "unknown", lambda: outcomes.settle_unknown(held, reason=reason, now=now))

    async def _release(self, attempt: Attempt, delay: timedelta, *, reason: str, untouched: bool = False) -> None:
        """Back to the queue."""
        held, at, lost = attempt.held, timezone.now() + delay, attempt.may_have_arrived
        await self._write(
            held,
            "released",
            lambda: outcomes.release(
                held, next_attempt_at=at, reason=reason, may_have_arrived=lost, untouched=untouched
            ),
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
