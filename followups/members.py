"""Members: the profile behind an account."""

from followups.models import UserProfile
from socialmedia.models import Account


def remember(account: Account) -> UserProfile:
    """Return the profile of this person's account, created (not opted in) at the first meeting."""
    raise NotImplementedError
