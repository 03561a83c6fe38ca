"""Which requests of one call may have done what it asks for: discord.py repeats them, and shows the last error only."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final

import aiohttp

NEVER_LEFT: Final = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)
"""There was no connection: Discord has heard nothing."""


@dataclass
class Tries:
    """The requests of one call."""

    undecided: int = 0
    """Went out, and Discord has not said that it did not take them."""

    @property
    def may_have_arrived(self) -> bool:
        """Whether Discord may have done what the call asks for."""
        return self.undecided > 0

    def begin(self) -> None:
        """A request goes out now."""
        self.undecided += 1

    def answered(self, status: int) -> None:
        """What Discord says to it. After a 5xx it may have been done all the same."""
        if 400 <= status < 500:
            self.undecided -= 1

    def failed(self, error: BaseException) -> None:
        """It ended without an answer."""
        if isinstance(error, NEVER_LEFT):
            self.undecided -= 1

    def abandon(self) -> None:
        """Nobody waits for the call any more, which goes on."""
        self.undecided += 1


_OF_THIS_CALL: ContextVar[Tries | None] = ContextVar("tries", default=None)


@contextmanager
def counted() -> Iterator[Tries]:
    """Count the requests of a task that is made in this block: by the trace of `governor.calls`, which every client of
    ours has.
    """
    tries = Tries()
    token = _OF_THIS_CALL.set(tries)
    try:
        yield tries
    finally:
        _OF_THIS_CALL.reset(token)


def is_counted() -> bool:
    """Whether the request is one of a call that is counted: a message to a member, on its way from the outbox."""
    return _OF_THIS_CALL.get() is not None


def of_this_call() -> Tries:
    """Those of the call that runs; some that nobody asks for, if it is not counted."""
    return _OF_THIS_CALL.get() or Tries()
