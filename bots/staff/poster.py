"""Posts what waits for staff, one after the other, each once as far as Discord lets us know."""

import asyncio
import time
from datetime import timedelta
from typing import Final

import discord
import structlog
from django.utils import timezone

from bots import conf, failures
from bots.conf import BotSettings
from bots.database import run_unit
from bots.failures import UNREACHED
from bots.models import StaffPost
from bots.staff import notices, posts, threads
from bots.staff.posts import Claimed
from socialmedia.models import Account

log = structlog.get_logger(__name__)

EVERY_SECONDS: Final = 2.0
HISTORY: Final = 50
"""So many of a thread's newest messages are looked at before something is posted for the second time."""
MOST_AT_ONCE: Final = 20
LONGEST_PAUSE_SECONDS: Final = 900
DELETE_PAUSE_SECONDS: Final = 300
_NEVER: Final = frozenset({50006, 50035, 200000, 200001, 240000})
"""Discord's codes for words that it will not take however often: empty, malformed, forbidden here. Everything else,
such as a channel of the wrong kind, a locked thread or too many threads, is a matter of settings that can be mended.
"""


class NoTextChannel(Exception):
    """The staff channel cannot have threads."""


class Poster:
    """Runs in the process that has the gateway. Off without a staff channel."""

    def __init__(self, client: discord.Client, account: Account) -> None:
        self._client = client
        self._account = account
        self._delete_again_at = 0.0
        """By the monotonic clock: what Discord does not let us delete is not asked for every second."""

    async def run(self) -> None:
        """Post until cancelled; whatever goes wrong is logged and tried again. It never ends by itself: the bot listens
        only as long as this runs.
        """
        while True:
            if (settings := conf.current()).staff_channel is not None:
                try:
                    await self.run_once(settings)
                except Exception as error:
                    log.warning("staff.trouble", **failures.describe(error))
            await asyncio.sleep(EVERY_SECONDS)

    async def run_once(self, settings: BotSettings) -> int:
        """Collect what is new and post what may go now. Returns how many posts were tried."""
        await run_unit(
            notices.collect, account_id=self._account.pk, console_url=settings.console_url, now=timezone.now()
        )
        await self._delete()
        tried = 0
        while tried < MOST_AT_ONCE:
            claimed = await run_unit(posts.claim, account_id=self._account.pk, now=timezone.now())
            if claimed is None:
                break
            await self._post(claimed, settings)
            tried += 1
        return tried

    async def _delete(self) -> None:
        if time.monotonic() >= self._delete_again_at:
            is_done = await threads.delete_what_must_go(self._client, account_id=self._account.pk, now=timezone.now())
            self._delete_again_at = 0.0 if is_done else time.monotonic() + DELETE_PAUSE_SECONDS

    async def _post(self, claimed: Claimed, settings: BotSettings) -> None:
        place: discord.PartialMessageable | None = None
        try:
            place = await self._place(claimed.row, settings)
            message_id = None if claimed.is_untried else await self._find(place, claimed)
            if message_id is None:
                message_id = await self._send(place, claimed)
        except threads.MemberForgotten:
            return  # and the post with them
        except asyncio.CancelledError:
            await run_unit(posts.release, claimed, next_attempt_at=timezone.now(), error="the bot was stopped")
            raise
        except (NoTextChannel, *UNREACHED) as error:
            await self._refused(claimed, place, error)
        else:
            await run_unit(posts.record_sent, claimed, message_id=str(message_id), channel_id=str(place.id))

    async def _place(self, row: StaffPost, settings: BotSettings) -> discord.PartialMessageable:
        """The staff channel, or the member's thread below it."""
        place_id = settings.staff_channel or 0
        if row.conversation is not None:
            channel = self._client.get_channel(place_id) or await self._client.fetch_channel(place_id)
            if not isinstance(channel, discord.TextChannel):
                raise NoTextChannel("DISCORD_STAFF_CHANNEL is no text channel, so it can have no threads.")
            place_id = await threads.of_conversation(
                channel, row.conversation, own_id=int(self._account.external_id or 0), prefix=settings.prefix
            )
        return self._client.get_partial_messageable(place_id)

    async def _find(self, place: discord.PartialMessageable, claimed: Claimed) -> int | None:
        """The id of our own post, should an earlier attempt have arrived after all."""
        nonce, words, own_id = _nonce(claimed), claimed.row.text.strip(), int(self._account.external_id or 0)
        first = claimed.row.first_attempt_at
        since = None if first is None else first - timedelta(seconds=30)
        newest = [message async for message in place.history(limit=HISTORY) if message.author.id == own_id]
        alike = [
            message.id
            for message in newest
            if (since is None or message.created_at > since)
            and (message.nonce == nonce or message.content.strip() == words)
        ]
        others = await run_unit(
            posts.known_message_ids, [str(key) for key in alike], conversation_id=claimed.row.conversation_id
        )
        return min((key for key in alike if str(key) not in others), default=None)

    async def _send(self, place: discord.PartialMessageable, claimed: Claimed) -> int:
        nobody = discord.AllowedMentions.none()
        sent = await place.send(claimed.row.text, nonce=_nonce(claimed), allowed_mentions=nobody, suppress_embeds=True)
        return sent.id

    async def _refused(self, claimed: Claimed, place: discord.PartialMessageable | None, error: Exception) -> None:
        """A channel that is gone or closed to us is a matter of settings, so it is tried until somebody mends it; only
        a post that Discord does not take as it is fails.
        """
        log.warning("staff.not_posted", post_id=claimed.row.pk, **failures.describe(error))
        if place is not None and isinstance(error, discord.HTTPException) and error.code in _NEVER:
            await run_unit(posts.record_failed, claimed, error=_sentence(error))
            return
        if place is not None and isinstance(error, discord.NotFound) and claimed.row.conversation_id is not None:
            await run_unit(threads.forget, place.id)
        pause = timedelta(seconds=min(2 ** min(claimed.row.attempts, 12), LONGEST_PAUSE_SECONDS))
        await run_unit(posts.release, claimed, next_attempt_at=timezone.now() + pause, error=_sentence(error))


def _sentence(error: Exception) -> str:
    if isinstance(error, discord.HTTPException):
        return f"Discord says {error.status} (code {error.code}): {error.text}"
    return str(error) or type(error).__name__


def _nonce(claimed: Claimed) -> str:
    return f"st-{claimed.row.pk}"
