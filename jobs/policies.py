"""How the engine treats a type's jobs: declared once, with the handler. Pure values: no database, no clock."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import humanize

LOWEST_PRIORITY, HIGHEST_PRIORITY = 0, 9
DEFAULT_TIMEOUT = timedelta(minutes=10)
MOST_RETRIES = 100
MOST_STARTS = 1_000
LONGEST_LATENESS = timedelta(days=3660)


@dataclass(frozen=True)
class Rate:
    """At most `count` jobs started in any span of `per`."""

    count: int
    per: timedelta

    def __post_init__(self) -> None:
        if not 1 <= self.count <= MOST_STARTS or self.per <= timedelta(0):
            raise ValueError(
                f"A rate is 1 to {MOST_STARTS:,} jobs in a span of time, not {self.count} in {self.per}. "
                "For more, give a shorter span."
            )


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
    limit: str | None = None
    """Types that name the same limit share it; they must agree on its numbers. None: the type has its own."""
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

    def limit_name(self, job_type: str) -> str:
        """What the type's limit is called."""
        return self.limit or job_type

    @property
    def is_limited(self) -> bool:
        """Whether a claim must ask how much of this type runs, or ran."""
        return self.concurrency is not None or self.rate is not None

    def as_json(self) -> dict[str, Any]:
        """The rules as JSON has them; durations in seconds, null where there is no limit."""
        return {
            "is_repeatable": self.repeatable,
            "timeout_seconds": _seconds(self.timeout),
            "max_retries": self.max_retries,
            "max_lateness_seconds": _seconds(self.max_lateness),
            "priority": self.priority,
            "concurrency": self.concurrency,
            "rate_count": self.rate.count if self.rate else None,
            "rate_seconds": _seconds(self.rate.per) if self.rate else None,
        }

    def words(self) -> list[str]:
        """The rules as people say them; only what is out of the ordinary, and the time-out."""
        said = [f"time-out {_span(self.timeout)}" if self.timeout else "no time-out"]
        if not self.repeatable:
            said.append("never run twice")
        if self.max_retries != Policy.max_retries:
            said.append({0: "no retries", 1: "1 retry"}.get(self.max_retries, f"{self.max_retries} retries"))
        if self.priority:
            said.append(f"priority {self.priority}")
        if self.max_lateness:
            said.append(f"expires after {_span(self.max_lateness)}")
        if self.concurrency:
            said.append(
                f"{self.concurrency} at a time" + (f", together with all of {self.limit!r}" if self.limit else "")
            )
        if self.rate:
            said.append(f"{self.rate.count} in {_span(self.rate.per)}")
        return said


def _seconds(span: timedelta | None) -> float | None:
    return None if span is None else span.total_seconds()


def _span(span: timedelta) -> str:
    return str(humanize.precisedelta(span, minimum_unit="milliseconds", format="%d"))
