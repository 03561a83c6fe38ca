"""Who left our communities, or came back, while nobody listened."""

from collections.abc import AsyncIterator, Callable, Collection, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

import discord
import structlog
from django.utils import timezone

from followups import members
from socialmedia import activity
from socialmedia.models import Account, Platform

if TYPE_CHECKING:
    from bots.client import CheckbackBot

log = structlog.get_logger(__name__)

PAGE: Final = 5_000
LOST_LATELY: Final = timedelta(days=30)
FEW: Final = 50
"""So many may always be found to have left."""
LARGEST_SHARE: Final = 0.5
"""If more than this are gone at once, then rather a community of theirs is: nobody has left anything."""


def is_known_of(guild: discord.Guild) -> bool:
    """Whether we know each of its members: it is not down at Discord, and its list has come whole."""
    return not guild.unavailable and guild.chunked


def is_plausible(*, gone: int, known: int) -> bool:
    """Whether so many of the known members can have left."""
    return gone <= max(FEW, known * LARGEST_SHARE)


async def look(bot: "CheckbackBot") -> None:
    """Mark the members of ours who are in none of our communities as left, and those who are in one as back.

    Nobody is marked as left unless every community is fully known to this process, none was lost lately, and this is
    our only bot.
    """
    await _welcome_back(bot)
    ours = {guild.id for guild in bot.guilds}
    if not _sees_everybody(bot) or await bot.listening.persist(_others_may_see_more, ours, now=timezone.now()):
        log.info("bot.members_not_compared", communities=len(ours))
        return
    known, gone = 0, list[str]()
    async for page in _pages(bot, members.present_ids):
        known += len(page)
        gone += [user_id for user_id in page if not _is_here(bot, user_id)]
    if not is_plausible(gone=len(gone), known=known):
        log.warning("bot.too_many_members_missing", missing=len(gone), known=known)
        return
    for start in range(0, len(gone), PAGE):
        if not _sees_everybody(bot) or {guild.id for guild in bot.guilds} != ours:
            return  # one was lost meanwhile
        # Looked up once more, and noted before any later arrival is: both go through the one thread of the database.
        absent = [user_id for user_id in gone[start : start + PAGE] if not _is_here(bot, user_id)]
        marked = await bot.listening.persist(members.note_all_left, absent, at=timezone.now())
        log.info("bot.members_left_meanwhile", members=marked)


async def _welcome_back(bot: "CheckbackBot") -> None:
    async for page in _pages(bot, members.absent_ids):
        here = [user_id for user_id in page if _is_here(bot, user_id)]
        if here:
            await bot.listening.persist(members.note_all_back, here, at=timezone.now())


async def _pages(bot: "CheckbackBot", read: Callable[..., list[str]]) -> AsyncIterator[Sequence[str]]:
    after = ""
    while page := await bot.listening.persist(read, after=after, limit=PAGE):
        yield page
        after = page[-1]


def _is_here(bot: "CheckbackBot", user_id: str) -> bool:
    """Whether a community of ours has them; what is no id of Discord's can't be looked up, and is left alone."""
    return not user_id.isdecimal() or any(guild.get_member(int(user_id)) is not None for guild in bot.guilds)


def _sees_everybody(bot: discord.Client) -> bool:
    """Whether this process has every shard, all of them are ready, and we know each member of each community."""
    shard_ids: Sequence[int] | None = getattr(bot, "shard_ids", None)
    if shard_ids is None:
        has_all = bot.shard_id is None or bot.shard_count in (None, 1)
    else:
        has_all = len(shard_ids) == bot.shard_count
    return has_all and bot.is_ready() and bool(bot.guilds) and all(is_known_of(guild) for guild in bot.guilds)


def _others_may_see_more(guild_ids: Collection[int], *, now: datetime) -> bool:
    """Whether we have another bot, or have heard lately of a community that this one is not in (any more): its members
    have not left anything.
    """
    own = Account.objects.filter(platform=Platform.DISCORD, is_own=True, is_active=True)
    active = activity.communities(since=now - LOST_LATELY)
    return own.count() > 1 or not active <= {str(guild_id) for guild_id in guild_ids}
