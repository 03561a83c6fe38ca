"""Limits as reservations: a place is taken before an action is done, so that no number of workers exceeds a limit."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from socialmedia.models import AutomationAction


@dataclass(frozen=True)
class Limit:
    """At most `most` actions of one kind by one account in any span of this length."""

    span: timedelta
    most: int


@dataclass(frozen=True)
class Full:
    """No place is free before `free_at`; None: never, the limit is 0."""

    free_at: datetime | None


def reserve(
    *,
    account_id: int,
    action_type: str,
    limits: Sequence[Limit],
    platform: str,
    target_type: str = "",
    target_id: str = "",
    now: datetime,
) -> AutomationAction | Full:
    """Take a place, or say when the next one is free. Of any number at once, no more than the limits allow get one."""
    raise NotImplementedError


def confirm(action_id: int, *, success: bool, error_code: str = "", error_message: str = "") -> None:
    """Write down what became of a reserved action. It keeps its place, whatever that was."""
    raise NotImplementedError
