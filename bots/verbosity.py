"""Letting our own code of this process log more for a while."""

import logging
from datetime import datetime, timedelta
from typing import Final

OURS: Final = ("bots", "followups", "socialmedia", "jobs", "config")
"""Only these: at DEBUG, discord.py logs the token's requests and people's messages, and other libraries what they send
and ask the database. By name, so that a library that comes later is left out by itself.
"""
LASTS: Final = timedelta(minutes=60)
"""Nobody remembers to switch it off."""


class Verbosity:
    """The switch of this process."""

    def __init__(self) -> None:
        self._before: dict[str, int] = {}
        self.until: datetime | None = None
        """When it ends by itself; None while it is off."""

    @property
    def is_on(self) -> bool:
        """Whether our code logs everything."""
        return self.until is not None

    def on(self, *, now: datetime) -> datetime:
        """Log everything of our own until the time that is returned; once more makes it later."""
        for name in OURS:
            logger = logging.getLogger(name)
            self._before.setdefault(name, logger.level)
            logger.setLevel(logging.DEBUG)
        self.until = now + LASTS
        return self.until

    def off(self) -> bool:
        """Log as before. False when it was not on."""
        was_on = self.is_on
        for name, level in self._before.items():
            logging.getLogger(name).setLevel(level)
        self._before.clear()
        self.until = None
        return was_on
