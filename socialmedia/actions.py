"""What is done in an account's name: a place within its limits is taken before, and the outcome noted afterwards."""

from datetime import datetime, timedelta

from socialmedia import limits
from socialmedia.limits import Full, Limit
from socialmedia.models import Account, ActionType, AutomationAction


class LimitReached(Exception):
    """The account did as much of this as its limits allow. `free_at` is when the next may be done; None: never."""

    def __init__(self, message: str, *, free_at: datetime | None) -> None:
        super().__init__(message)
        self.free_at = free_at


def begin(
    *,
    account: Account,
    action_type: ActionType,
    target_type: str = "",
    target_id: str = "",
    target_username: str = "",
    target_url: str = "",
    content_text: str = "",
    triggered_by: str = "manual",
    now: datetime,
) -> AutomationAction:
    """Take a place in the account's log before it acts. Must not be called inside a transaction.

    Raises:
        LimitReached: no place is free. Nothing was written.
    """
    taken = limits.reserve(
        account_id=account.pk,
        action_type=action_type,
        limits=[Limit(timedelta(days=1), 100)],
        platform=account.platform,
        target_type=target_type,
        target_id=target_id,
        now=now,
    )
    if isinstance(taken, Full):
        raise LimitReached(f"{account} may not {action_type} before {taken.free_at}.", free_at=taken.free_at)
    return taken


def finish(
    action: AutomationAction, *, success: bool, error_code: str = "", error_message: str = "", now: datetime
) -> None:
    """Write down what became of it. It keeps its place, whatever that was."""
    limits.confirm(action.pk, success=success, error_code=error_code, error_message=error_message)
