"""Hashtags and mentions in the words of posts."""

from socialmedia.models import Post


def store(post: Post) -> None:
    """Note the hashtags and mentions of a post's words as they are now: each counts once per post, however often it
    is fetched.
    """
