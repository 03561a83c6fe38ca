"""Recording how an attempt ended. Every statement names the lease's token: who lost the lease cannot write."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from jobs.registry import Attempt


class LeaseLost(Exception):
    """The job is no longer this attempt's: its lease ran out and somebody else may run it. Roll back."""


def complete(attempts: Sequence[Attempt[Any]], *, now: datetime) -> None:
    """Complete the jobs and write their history, inside the caller's transaction if there is one.

    Raises:
        LeaseLost: at least one of them is not held by this attempt any more.
    """
    raise NotImplementedError
