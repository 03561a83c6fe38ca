"""When a failed job is tried again. Pure: no database, no clock, no settings."""

from datetime import datetime, timedelta

FIRST = timedelta(minutes=5)
LONGEST = timedelta(hours=1)
JITTER = 0.1


def delay(retry_count: int) -> timedelta:
    """Wait after a failed attempt when `retry_count` retries were used before it: 5, 10, 20, 40, 60, 60 ... minutes."""
    return min(FIRST * int(2 ** min(retry_count, 10)), LONGEST)


def retry_at(*, now: datetime, retry_count: int, jitter: float) -> datetime:
    """When to try again. `jitter` in 0..1 adds up to a tenth, so that a crowd does not come back at once."""
    return now + delay(retry_count) * (1 + JITTER * jitter)
