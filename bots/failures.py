"""Describing an exception for the log without anybody's words in it."""

import logging
import traceback
from pathlib import Path
from typing import Final

import aiohttp
import discord

NETWORK_ERRORS: Final = (aiohttp.ClientError, OSError, TimeoutError)
"""What the way to Discord says; the request may have arrived all the same."""
UNREACHED: Final = (discord.DiscordException, *NETWORK_ERRORS)
"""What Discord, or the way to it, says when something does not get there."""


def describe(error: BaseException) -> dict[str, object]:
    """The error's type and the places it came through. Its text is left out: a database error quotes the row."""
    frames = traceback.extract_tb(error.__traceback__)[-6:]
    return {
        "error": type(error).__name__,
        "where": " < ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in reversed(frames)),
    }


def keep_tracebacks_out_of_discord_logs() -> None:
    """Let discord.py's own log lines name an error without its traceback: it logs one at each lost connection, and
    a renderer that shows local variables would print the token and people's messages.
    """
    for name in ("discord.client", "discord.shard", "discord.app_commands.tree", "discord.ext.commands.bot"):
        logger = logging.getLogger(name)
        if _without_traceback not in logger.filters:
            logger.addFilter(_without_traceback)


def _without_traceback(record: logging.LogRecord) -> bool:
    error = record.exc_info[1] if record.exc_info else None
    if error is not None:
        record.exc_info = None
        record.__dict__.update(describe(error))
    return True
