"""How the engine treats a type's jobs: declared once, with the handler. Pure values: no database, no clock."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

LOWEST_PRIORITY, HIGHEST_PRIORITY = 0, 9
DEFAULT_TIMEOUT = timedelta(minutes=10)
MOST_RETRIES = 100
LONGEST_LATENESS = timedelta(days=3660)


@dataclass(frozen=True)
class Rate:
    """At most `count` jobs started in any span of `per`."""

    count: int
    per: timedelta

    def __post_init__(self) -> None:
        if self.count < 1 or self.per <= timedelta(0):
            raise ValueError(f"A rate is one job or more in a span of time, not {self.count} in {self.per}.")


@dataclass(frozen=True)
class Policy:
    """The rules of one job type. What a call to `schedule_job` says itself goes before the defaults here."""

    repeatable: bool = True
    """False: a crash leaves the job `unknown` instead of running it again."""
    timeout: timedelta | None = DEFAULT_TIMEOUT
    """How long one call of the handler may take; then it is stopped and the attempt has failed. None: for ever."""
    max_retries: int = 3
    """Attempts after the first one."""
    max_lateness: timedelta | None = None
    """A job that could not start within this time of its scheduled time expires."""
    priority: int = 0
    """0 to 9; among due jobs higher goes first."""
    concurrency: int | None = None
    """At most so many workers run jobs of this type at once, over all clusters."""
    rate: Rate | None = None
    """At most so many jobs of this type are started in a span of time, over all clusters."""
    unique_key: Callable[[Any], str | None] | None = None
    """Makes the unique key from the payload for jobs that are enqueued without one."""

    def __post_init__(self) -> None:
        if self.timeout is not None and self.timeout <= timedelta(0):
            raise ValueError(f"A time-out is longer than nothing, not {self.timeout}.")
        if not 0 <= self.max_retries <= MOST_RETRIES:
            raise ValueError(f"max_retries is a whole number from 0 to {MOST_RETRIES}, not {self.max_retries}.")
        if self.max_lateness is not None and not timedelta(0) < self.max_lateness <= LONGEST_LATENESS:
            raise ValueError(f"max_lateness is longer than nothing and at most {LONGEST_LATENESS.days} days.")
        if not LOWEST_PRIORITY <= self.priority <= HIGHEST_PRIORITY:
            raise ValueError(f"priority is {LOWEST_PRIORITY} to {HIGHEST_PRIORITY}, not {self.priority}.")
        if self.concurrency is not None and self.concurrency < 1:
            raise ValueError(f"concurrency is one worker or more, not {self.concurrency}.")

    @property
    def is_limited(self) -> bool:
        """Whether a claim must ask how much of this type runs, or ran."""
        return self.concurrency is not None or self.rate is not None
