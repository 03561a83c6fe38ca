"""Posts that do far better than their account's usual."""

from datetime import datetime


def look(post_id: int, *, now: datetime) -> None:
    """Note an alert, once for each round of tracking, when a post is far above its account's usual curve."""
