"""Stopping a handler that takes too long: first by an exception inside it, then by ending its process."""

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from types import FrameType

AGAIN_SECONDS = 5.0
"""A handler that swallows the exception, in code that must not fail, gets it again."""
GRACE = timedelta(seconds=15)
"""What cannot be stopped by exceptions is ended with its process so long after its time."""


class TimedOut(BaseException):
    """The handler ran for longer than its policy allows. Not an Exception, which handlers may catch and carry on."""

    def __init__(self, timeout: timedelta) -> None:
        super().__init__(f"It ran for longer than {timeout.total_seconds():g} s, and was stopped.")


@contextmanager
def limit(timeout: timedelta | None) -> Iterator[None]:
    """Raise TimedOut in the block when it takes longer. In the main thread only, where Django-Q2 runs its tasks:
    signals reach no other.
    """
    if timeout is None or threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(_signal: int, _frame: FrameType | None) -> None:
        raise TimedOut(timeout)

    began = time.monotonic()
    callers_handler = signal.signal(signal.SIGALRM, stop)
    callers_delay, callers_interval = signal.setitimer(signal.ITIMER_REAL, timeout.total_seconds(), AGAIN_SECONDS)
    try:
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
    finally:  # once more: the exception may have come just before the line above
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, callers_handler)
        if callers_delay:
            left = max(callers_delay - (time.monotonic() - began), 0.001)
            signal.setitimer(signal.ITIMER_REAL, left, callers_interval)
