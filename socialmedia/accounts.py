"""Remembering who we met on which network."""

from datetime import datetime

from socialmedia.models import Account


def remember(
    *,
    platform: str,
    external_id: str,
    username: str,
    display_name: str = "",
    avatar_url: str = "",
    is_bot: bool = False,
    now: datetime,
) -> Account:
    """Create or update the account with this id, in one statement."""
    raise NotImplementedError
