"""Starting sessions at the gateway: Discord allows 1,000 in a day, and resets the token of a bot that wants more.

A session that is resumed does not count. A bot that ends soon after each start, and is started again by its
supervisor, would have had its thousand in two hours.
"""

import asyncio
from datetime import timedelta
from typing import Final

import discord
import structlog

from bots.governor.calls import NotSent

log = structlog.get_logger(__name__)

RESERVE: Final = 10
"""So many are kept for a person who mends what is wrong."""
ASK_AGAIN: Final = timedelta(minutes=10)
HELD_UP_SECONDS: Final = 5.0


def starts_left(limits: discord.SessionStartLimits, *, shards: int) -> int:
    """How often the bot can still be started today."""
    return max(limits.remaining - RESERVE, 0) // shards


def pause(limits: discord.SessionStartLimits, *, shards: int) -> timedelta:
    """How long to wait before a start. The first half of a day's sessions is free; the rest is spread over the time
    until there are new ones.
    """
    until_new_ones = timedelta(milliseconds=limits.reset_after)
    if not (left := starts_left(limits, shards=shards)):
        return until_new_ones
    return timedelta() if limits.remaining * 2 >= limits.total else until_new_ones / left


async def wait_for_turn(client: discord.Client) -> int:
    """Wait until the bot may start its sessions. Answers how many it needs: one for each shard.

    Raises:
        discord.GatewayNotFound: Discord did not say.
    """
    while True:
        try:
            shards, _url, answer = await client.http.get_bot_gateway()
        except NotSent as error:  # to end and be started again would only cost more requests
            log.warning("bot.waits_to_connect", reason=str(error))
            await asyncio.sleep(HELD_UP_SECONDS)
            continue
        limits = discord.SessionStartLimits(**answer)
        waiting = pause(limits, shards=shards)
        if waiting:
            log.warning("bot.waits_to_connect", sessions_left=limits.remaining, seconds=round(waiting.total_seconds()))
        if starts_left(limits, shards=shards):
            await asyncio.sleep(waiting.total_seconds())
            return shards
        await asyncio.sleep(min(waiting, ASK_AGAIN).total_seconds())
