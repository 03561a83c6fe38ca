"""A network of posts in memory, asked in place of a provider."""

from collections.abc import Callable
from datetime import timedelta
from itertools import count
from typing import Any

from socialmedia.models import Post
from socialmedia.providers.base import Gone, Metric, Person, ProviderError, Video
from tests.socialmedia.factories import NOON

ADA = Person("68", "ada", "Ada")
HOUR = timedelta(hours=1)
_numbers = count(7_400_000_000_000_000_000)


def address(post_id: str, username: str = "ada") -> str:
    """Where a post is."""
    return f"https://www.tiktok.com/@{username}/video/{post_id}"


class Network:
    """Says of each post what a test told it to, and remembers who asked."""

    name = "memory"
    platform = "tiktok"
    parser_version = 3

    def __init__(self) -> None:
        self.posts: dict[str, dict[str, Any]] = {}
        self.errors: dict[str, ProviderError] = {}
        self.asked: list[str] = []
        self.meanwhile: Callable[[], None] = lambda: None
        """Called while somebody waits for the answer."""

    def publish(self, post_id: str = "", **changes: Any) -> str:
        """Put a post there, or change one; returns its address. `views=None` hides a counter."""
        post_id = post_id or str(next(_numbers))
        known = self.posts.get(post_id, {"views": 100, "likes": 10, "comments": 3, "shares": 2, "saves": 1})
        self.posts[post_id] = {**known, **changes}
        return address(post_id)

    def break_down(self, post: Post, error: ProviderError) -> None:
        """From now on answer with this error."""
        self.errors[post.external_post_id] = error

    def mend(self, post: Post) -> None:
        """Answer again."""
        del self.errors[post.external_post_id]

    def video(self, where: str) -> Video:
        """The post as it is now."""
        post_id = where.rsplit("/", 1)[-1]
        self.asked.append(post_id)
        self.meanwhile()
        if post_id in self.errors:
            raise self.errors[post_id]
        if post_id not in self.posts:
            raise Gone("The provider says that the post is not there.")
        said = dict(self.posts[post_id])
        counters = {metric: said.pop(metric) for metric in Metric}
        return Video(
            external_post_id=said.pop("answered_id", post_id),
            author=said.pop("author", ADA),
            url=address(post_id),
            metrics={metric: value for metric, value in counters.items() if value is not None},
            posted_at=said.pop("posted_at", NOON - HOUR),
            raw=said.pop("raw", {"id": post_id}),
            **said,
        )
