"""An end for one whole request. The HTTP client's time-outs are for each piece: a server that sends its headers letter
by letter would hold us for as long as it likes.
"""

import socket
import time
from collections.abc import Mapping
from contextlib import suppress
from threading import Lock, Timer
from typing import Any, Self


class Deadline:
    """Hangs up on the server when the time is over, if the request does not end before."""

    def __init__(self, seconds: float) -> None:
        self._ends_at = time.monotonic() + seconds
        self._timer = Timer(seconds, self._hang_up)
        self._timer.daemon = True
        self._lock = Lock()
        self._line: socket.socket | None = None

    @property
    def is_over(self) -> bool:
        """Whether the time is over."""
        return time.monotonic() >= self._ends_at

    def trace(self, event: str, about: Mapping[str, Any]) -> None:
        """Hear of the connection: the client's extension "trace"."""
        if event != "connection.connect_tcp.complete":
            return
        with self._lock:
            # A handle of our own: the client wraps its own into TLS.
            self._line = about["return_value"].get_extra_info("socket").dup()
        if self.is_over:
            self._hang_up()

    def _hang_up(self) -> None:
        with self._lock, suppress(OSError):  # the other side was faster
            if self._line is not None:
                self._line.shutdown(socket.SHUT_RDWR)

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        with self._lock:
            if self._line is not None:
                self._line.close()
                self._line = None
