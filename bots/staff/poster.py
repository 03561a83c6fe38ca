"""Posts what waits for staff, one after the other, each once as far as Discord lets us know."""

import asyncio
from datetime import timedelta
from typing import Final

import discord
import structlog
from django.db import InterfaceError, OperationalError
from django.utils import timezone

from bots import conf, failures
from bots.conf import BotSettings
from bots.database import run_unit
from bots.models import StaffPost
from bots.relay import NETWORK_ERRORS
from bots.staff import notices, posts, threads
from bots.staff.posts import Claimed
from socialmedia.models import Account

log = structlog.get_logger(__name__)

EVERY_SECONDS: Final = 2.0
HISTORY: Final = 50
"""So many of a thread's newest messages are looked at before something is posted for the second time."""
MOST_AT_ONCE: Final = 20
LONGEST_PAUSE_SECONDS: Final = 900


class NoTextChannel(Exception):
    """The staff channel cannot have threads."""


class Poster:
    """Runs in the process that has the gateway. Off without a staff channel."""

    def __init__(self, client: discord.Client, account: Account) -> None:
        self._client = client
        self._account = account

    async def run(self) -> None:
        """Post until cancelled; whatever goes wrong is logged and tried again."""
        while True:
            if (settings := conf.current()).staff_channel is not None:
                try:
                    await self.run_once(settings)
                except (OperationalError, InterfaceError, discord.DiscordException, *NETWORK_ERRORS) as error:
                    log.warning("staff.trouble", **failures.describe(error))
            await asyncio.sleep(EVERY_SECONDS)

    async def run_once(self, settings: BotSettings) -> int:
        """Collect what is new and post what may go now. Returns how many posts were tried."""
        await run_unit(
            notices.collect, account_id=self._account.pk, console_url=settings.console_url, now=timezone.now()
        )
        await threads.delete_orphans(self._client, account_id=self._account.pk)
        tried = 0
        while tried < MOST_AT_ONCE:
            claimed = await run_unit(posts.claim, account_id=self._account.pk, now=timezone.now())
            if claimed is None:
                break
            await self._post(claimed, settings)
            tried += 1
        return tried

    async def _post(self, claimed: Claimed, settings: BotSettings) -> None:
        try:
            place = await self._place(claimed.row, settings)
            message_id = None if claimed.is_untried else await self._find(place, claimed)
            if message_id is None:
                message_id = await self._send(place, claimed)
        except asyncio.CancelledError:
            await run_unit(posts.release, claimed, next_attempt_at=timezone.now(), error="the bot was stopped")
            raise
        except (NoTextChannel, discord.HTTPException, discord.RateLimited, *NETWORK_ERRORS) as error:
            await self._refused(claimed, error)
        else:
            await run_unit(posts.record_sent, claimed, message_id=str(message_id))

    async def _place(self, row: StaffPost, settings: BotSettings) -> discord.PartialMessageable:
        """The staff channel, or the member's thread below it."""
        place_id = settings.staff_channel or 0
        if row.conversation is not None:
            channel = self._client.get_channel(place_id) or await self._client.fetch_channel(place_id)
            if not isinstance(channel, discord.TextChannel):
                raise NoTextChannel("DISCORD_STAFF_CHANNEL is no text channel, so it can have no threads.")
            place_id = await threads.of_conversation(channel, row.conversation, prefix=settings.prefix)
        return self._client.get_partial_messageable(place_id)

    async def _find(self, place: discord.PartialMessageable, claimed: Claimed) -> int | None:
        """The id of our own post, should an earlier attempt have arrived after all."""
        nonce = _nonce(claimed)
        async for message in place.history(limit=HISTORY):
            is_ours = self._client.user is not None and message.author.id == self._client.user.id
            is_later = claimed.row.first_attempt_at is not None and message.created_at > (
                claimed.row.first_attempt_at - timedelta(seconds=30)
            )
            if is_ours and is_later and (message.nonce == nonce or message.content.strip() == claimed.row.text.strip()):
                return message.id
        return None

    async def _send(self, place: discord.PartialMessageable, claimed: Claimed) -> int:
        nobody = discord.AllowedMentions.none()
        sent = await place.send(claimed.row.text, nonce=_nonce(claimed), allowed_mentions=nobody, suppress_embeds=True)
        return sent.id

    async def _refused(self, claimed: Claimed, error: Exception) -> None:
        """A channel that is gone or closed to us is a matter of settings, so it is tried until somebody mends it; only
        a post that Discord does not take as it is fails.
        """
        log.warning("staff.not_posted", post_id=claimed.row.pk, **failures.describe(error))
        if isinstance(error, discord.HTTPException) and error.status == 400:
            await run_unit(posts.record_failed, claimed, error=_sentence(error))
            return
        if isinstance(error, discord.NotFound) and claimed.row.conversation_id is not None:
            await run_unit(threads.forget, claimed.row.conversation_id)
        pause = timedelta(seconds=min(2 ** min(claimed.row.attempts, 12), LONGEST_PAUSE_SECONDS))
        await run_unit(posts.release, claimed, next_attempt_at=timezone.now() + pause, error=_sentence(error))


def _sentence(error: Exception) -> str:
    if isinstance(error, discord.HTTPException):
        return f"Discord says {error.status} (code {error.code}): {error.text}"
    return str(error) or type(error).__name__


def _nonce(claimed: Claimed) -> str:
    return f"st-{claimed.row.pk}"
