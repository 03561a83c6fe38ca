"""The budget of new private channels: Discord bars bots that open many, and publishes no figure."""

from datetime import datetime


def reserve(account_id: int, *, user_id: str, now: datetime) -> datetime | None:
    """Take a place in the budget for opening a private channel with somebody, before it is opened. None: go ahead;
    else the time before which it must not be tried.
    """
    raise NotImplementedError


def settle(account_id: int, *, user_id: str, success: bool, code: str = "", now: datetime) -> None:
    """Write down what became of the opening that was reserved last for this person."""
    raise NotImplementedError


def trip(account_id: int, *, reason: str, now: datetime) -> datetime:
    """Discord wants no new channels: open none for a while, longer each time in a row. Returns until when."""
    raise NotImplementedError
