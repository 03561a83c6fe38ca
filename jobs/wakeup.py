"""Hearing of new jobs: a LISTEN on a connection of its own, with plain waiting as the fallback."""

import time

import psycopg
import structlog
from django.db import connection

log = structlog.get_logger(__name__)

CHANNEL = "checkback_jobs"
RETRY_LISTEN_SECONDS = 5.0


def notify() -> None:
    """Wake every broker when the current transaction commits."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, '')", [CHANNEL])


class Listener:
    """Waits for `notify`. Without a working LISTEN (a pooler in the way, a lost network) it only waits."""

    def __init__(self) -> None:
        self._connection: psycopg.Connection[object] | None = None
        self._retry_at = 0.0

    def wait(self, seconds: float) -> bool:
        """Wait until a wake-up or the time is over. True when something may have changed: a wake-up came, or the
        connection was just made, and what happened before is unknown.
        """
        if self._connection is None and time.monotonic() >= self._retry_at and self._connect():
            return True
        if self._connection is None:
            time.sleep(seconds)
            return True
        try:
            return any(True for _ in self._connection.notifies(timeout=seconds, stop_after=1))
        except psycopg.Error as error:
            log.warning("job.listen_lost", error=str(error))
            self.close()
            return True

    def close(self) -> None:
        """Stop listening."""
        if self._connection is not None:
            self._connection.close()
        self._connection = None
        self._retry_at = time.monotonic() + RETRY_LISTEN_SECONDS

    def _connect(self) -> bool:
        try:
            self._connection = psycopg.connect(**connection.get_connection_params(), autocommit=True)
            self._connection.execute(f"LISTEN {CHANNEL}")
        except psycopg.Error as error:
            log.warning("job.listen_failed", error=str(error))
            self.close()
            return False
        return True
