"""Delivers queued messages to Discord, each exactly once, and records what became of it.

The order of doubt: an answer that was lost is asked for again with the same nonce while Discord remembers it;
after that only the channel's history can tell; and what even that does not tell is left to a person.
"""

import asyncio

from bots.relay.flow import Relay

__all__ = ["Relay", "finish"]

STOP_PATIENCE_SECONDS = 10.0


async def finish(running: "asyncio.Task[None]", relay: Relay) -> None:
    """Stop a running relay: let it finish for a while, then cut it off, which puts its messages back in the queue."""
    relay.stop()
    done, _ = await asyncio.wait({running}, timeout=STOP_PATIENCE_SECONDS)
    if not done:
        running.cancel()
        await asyncio.wait({running})
