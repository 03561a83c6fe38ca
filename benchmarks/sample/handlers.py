"""Jobs that do nothing, set by set and one by one."""

from collections.abc import Sequence
from dataclasses import dataclass

from jobs.registry import Attempt, handler


@dataclass(frozen=True)
class Nothing:
    number: int = 0


@handler("bench_many", Nothing, many=True)
def run_many(attempts: Sequence[Attempt[Nothing]]) -> None:
    pass


@handler("bench_one", Nothing)
def run_one(attempt: Attempt[Nothing]) -> None:
    pass


def stock_task(number: int) -> None:
    """The same nothing for stock Django-Q2."""


def stock_due(due: float) -> float:
    """Return how late it started, in seconds."""
    import time

    return time.time() - due
