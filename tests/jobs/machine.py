"""What the job engine should do, in plain Python: the model that a state machine holds against the tables."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

from jobs.registry import Attempt
from tests.jobs.sample.handlers import Sample

ZERO = timedelta(0)
MINUTE = timedelta(minutes=1)
ONCE_ONLY = "sample_once_only"
ONE_AT_A_TIME = "sample_one_at_a_time"
THREE_A_MINUTE = "sample_three_a_minute"
RETRYABLE = ("failed", "expired", "unknown")


class Row(NamedTuple):
    """A row of `scheduled_jobs`, with its times counted from the beginning of the story."""

    job_type: str
    status: str
    retry_count: int
    max_retries: int
    scheduled: timedelta
    due: timedelta
    expires: timedelta | None
    priority: int
    unique_key: str | None
    token: UUID | None
    lease_ends: timedelta | None
    worker: str | None
    has_ended: bool


class Entry(NamedTuple):
    """A row of `job_execution_history`."""

    attempt: int
    status: str
    worker: str


@dataclass(eq=False)
class Job:
    """What should be true of one job. All times are counted from the beginning of the story."""

    job_id: str
    job_type: str
    behave: str
    scheduled: timedelta
    max_retries: int
    priority: int
    expires: timedelta | None = None
    unique_key: str | None = None
    status: str = "pending"
    retries: int = 0
    due: timedelta = ZERO
    token: UUID | None = None
    lease_ends: timedelta | None = None
    worker: str | None = None
    history: list[Entry] = field(default_factory=list)
    restarts: int = 0
    effects: int = 0
    is_begun: bool = False

    def __post_init__(self) -> None:
        self.due = self.scheduled

    @property
    def is_live(self) -> bool:
        return self.status in ("pending", "running")

    @property
    def rank(self) -> tuple[int, timedelta]:
        """Lower goes first."""
        return (-self.priority, self.due)

    @property
    def row(self) -> Row:
        return Row(
            self.job_type,
            self.status,
            self.retries,
            self.max_retries,
            self.scheduled,
            self.due,
            self.expires,
            self.priority,
            self.unique_key,
            self.token,
            self.lease_ends,
            self.worker,
            not self.is_live,
        )

    def is_too_late(self, clock: timedelta) -> bool:
        return self.expires is not None and self.expires < clock and not self.retries

    def is_abandoned(self, clock: timedelta) -> bool:
        return self.lease_ends is not None and self.lease_ends < clock

    @property
    def must_be_begun(self) -> bool:
        """A worker's death counts against it only after it was begun: it has no harmless attempt to lose."""
        return self.retries > 0 or self.max_retries == 0 or self.job_type == ONCE_ONLY

    def take(self, token: UUID | None, worker: str, lease_ends: timedelta | None) -> None:
        assert self.token is None, f"{self} had a holder already"
        self.is_begun = not self.must_be_begun
        self.status, self.token, self.worker, self.lease_ends = "running", token, worker, lease_ends

    def end(self, status: str) -> None:
        """The running attempt was the last one."""
        self.history.append(Entry(self.retries + 1, status, str(self.worker)))
        self._let_go(status)

    def try_again(self, due: timedelta) -> None:
        """The running attempt failed, and there is another one."""
        assert self.retries < self.max_retries, f"{self} had no retries left"
        self.history.append(Entry(self.retries + 1, "failed", str(self.worker)))
        self.retries += 1
        self.put_back(due)

    def put_back(self, due: timedelta) -> None:
        """The running attempt did not count."""
        self.due = due
        self._let_go("pending")

    def restart(self, clock: timedelta) -> None:
        """A person wants it to be tried again."""
        self.status, self.due, self.retries = "pending", clock, 0
        self.expires = self.unique_key = None
        self.restarts += 1

    def _let_go(self, status: str) -> None:
        self.status, self.token, self.lease_ends = status, None, None


@dataclass(eq=False)
class Claim:
    """What a worker holds, or believes that it still holds."""

    token: UUID
    attempts: Sequence[Attempt[Sample]]
    too_late: Sequence[Attempt[Sample]]

    @property
    def job_ids(self) -> list[str]:
        return [attempt.job_id for attempt in self.attempts]
