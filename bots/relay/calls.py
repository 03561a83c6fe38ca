"""The calls to Discord that a delivery is made of, each with the patience that its lease leaves."""

import asyncio
import hashlib
import time
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar

import discord

from bots.governor import tries
from bots.governor.tries import Tries
from socialmedia.models import Conversation
from socialmedia.outbox import Delivery

T = TypeVar("T")

LEASE: Final = timedelta(seconds=60)
PATIENCE_SECONDS: Final = 40.0
"""Shorter than the lease, so that the outcome is ours to write, and longer than discord.py's own retries (25 s)."""
CLOCK_TOLERANCE: Final = timedelta(seconds=30)
LONGEST_NONCE: Final = 25


@dataclass
class Attempt:
    """One attempt at one message, and how far it got."""

    held: Delivery
    deadline: float = field(default_factory=lambda: time.monotonic() + PATIENCE_SECONDS)
    is_untouched: bool = True
    """Discord was asked for nothing yet."""
    has_opened: bool = False
    """The private channel is a new one."""
    sending: Tries | None = None
    """The requests for the part that comes next."""

    @property
    def conversation(self) -> Conversation:
        """The thread that it belongs to."""
        return self.held.message.conversation

    @property
    def may_have_arrived(self) -> bool:
        """Whether this attempt has sent what is not recorded yet."""
        return self.sending is not None and self.sending.may_have_arrived

    def go_on(self, held: Delivery) -> None:
        """A part is recorded: the rest has a lease and a patience of its own."""
        self.held, self.sending = held, None
        self.deadline = time.monotonic() + PATIENCE_SECONDS


class Calls:
    """Discord, as a relay uses it."""

    def __init__(self, client: discord.Client) -> None:
        self._client = client
        self._abandoned: set[asyncio.Task[Any]] = set()

    async def open_channel(self, attempt: Attempt) -> str:
        """Open a private channel with the member. Returns its id."""
        attempt.is_untouched = False
        member = discord.Object(int(attempt.conversation.participant_id))
        opened = await self._patiently(self._client.create_dm(member), attempt)
        attempt.has_opened = True
        return str(opened.id)

    async def send(self, attempt: Attempt, text: str, extras: Mapping[str, Any]) -> str:
        """Send one part. Returns Discord's id of it."""
        message = attempt.held.message
        nonce = part_nonce(message.nonce or f"ob-{message.pk}", len(attempt.held.part_ids) + 1)
        attempt.is_untouched = False
        none = discord.AllowedMentions.none()
        sending = self._channel(attempt).send(text, nonce=nonce, allowed_mentions=none, **extras)
        with tries.counted() as attempt.sending:
            return str((await self._patiently(sending, attempt)).id)

    async def find(self, attempt: Attempt, text: str, *, known: set[str]) -> str | None:
        """The id of our own message with this text since the first attempt that no other row accounts for."""
        attempt.is_untouched = False
        return await self._patiently(self._look(attempt, text, known), attempt)

    async def _look(self, attempt: Attempt, text: str, known: set[str]) -> str | None:
        message = attempt.held.message
        nonce = part_nonce(message.nonce or "", len(attempt.held.part_ids) + 1)
        since = first_attempt(attempt.held) - CLOCK_TOLERANCE
        async for candidate in self._channel(attempt).history(after=since, limit=200, oldest_first=True):
            is_ours = self._client.user is not None and candidate.author.id == self._client.user.id
            is_same = candidate.nonce == nonce or candidate.content.strip() == text.strip()
            if is_ours and is_same and str(candidate.id) not in known:
                return str(candidate.id)
        return None

    def _channel(self, attempt: Attempt) -> discord.PartialMessageable:
        channel_id = int(attempt.conversation.external_channel_id)
        return self._client.get_partial_messageable(channel_id, type=discord.ChannelType.private)

    async def _patiently(self, call: Coroutine[Any, Any, T], attempt: Attempt) -> T:
        """Wait for a call until the attempt's deadline.

        Raises:
            TimeoutError: it goes on, but nobody waits for it any more; or it came too late to be begun.
        """
        if attempt.deadline <= time.monotonic():
            call.close()
            raise TimeoutError
        task = asyncio.create_task(call)
        try:
            done, _ = await asyncio.wait({task}, timeout=attempt.deadline - time.monotonic())
        except asyncio.CancelledError:
            task.cancel()
            raise
        if not done:
            # Not cancelled: that would leave discord.py's lock for global rate limits closed for ever.
            if attempt.sending is not None:
                attempt.sending.abandon()
            self._abandoned.add(task)
            task.add_done_callback(self._forget)
            raise TimeoutError
        return task.result()

    def _forget(self, task: "asyncio.Task[Any]") -> None:
        self._abandoned.discard(task)
        if not task.cancelled():
            task.exception()  # seen, so that asyncio does not complain; the retry has taken its place


def part_nonce(nonce: str, number: int) -> str:
    """The nonce of a part: the message's own for the first, so that short messages have just that."""
    if number == 1:
        return nonce
    whole = f"{nonce}-{number}"
    return whole if len(whole) <= LONGEST_NONCE else hashlib.blake2b(whole.encode(), digest_size=12).hexdigest()


def first_attempt(held: Delivery) -> datetime:
    """When what is still missing of a message was first tried."""
    return held.message.first_attempt_at or held.message.created_at
