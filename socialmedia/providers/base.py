"""What a provider can do, what it answers with, and how it says that it cannot. Pure values: no network, no clock."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Generic, Protocol, TypeVar

T = TypeVar("T")


class Metric(StrEnum):
    """The counters of a post. Their columns are `<metric>_count`."""

    VIEWS = "views"
    LIKES = "likes"
    COMMENTS = "comments"
    SHARES = "shares"
    SAVES = "saves"


@dataclass(frozen=True)
class Person:
    """Somebody on a network, as far as an answer says."""

    external_id: str = ""
    username: str = ""
    """The handle, without @."""
    display_name: str = ""
    avatar_url: str = ""


@dataclass(frozen=True)
class Video:
    """A post as a provider sees it now."""

    external_post_id: str
    author: Person
    url: str
    """Its canonical address."""
    metrics: Mapping[Metric, int]
    """Only the counters that the answer has: an absent one is hidden, never 0."""
    caption: str = ""
    media_type: str = "video"
    media_urls: Sequence[str] = ()
    thumbnail_url: str = ""
    duration: int | None = None
    """In seconds."""
    posted_at: datetime | None = None
    is_ad: bool = False
    is_pinned: bool = False
    raw: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class CommentSeen:
    """A comment as a provider sees it now."""

    external_comment_id: str
    text: str
    author: Person
    likes: int | None = None
    reply_total: int = 0
    commented_at: datetime | None = None
    parent_external_id: str = ""
    """The comment that it answers; empty: none."""
    raw: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Profile:
    """An account as a provider sees it now. Figures that the answer does not have are None."""

    person: Person
    bio: str = ""
    is_verified: bool = False
    is_private: bool = False
    website_url: str = ""
    followers: int | None = None
    following: int | None = None
    posts: int | None = None
    likes: int | None = None
    raw: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class HashtagSeen:
    """A hashtag as a provider sees it now."""

    name: str
    """Without #, in lower case."""
    posts: int | None = None
    views: int | None = None
    raw: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Page(Generic[T]):
    """One page of a list."""

    items: Sequence[T]
    next_cursor: str | None
    """What to ask for next; None: this was the last page."""
    total: int | None = None


class Provider(Protocol):
    """Asks one source. Every call may raise a ProviderError and must not be made inside a transaction."""

    name: str
    """As stored with what it measured: lower case, no spaces."""
    platform: str
    parser_version: int
    """Which version of the reading of its answers made the values."""

    def video(self, address: str) -> Video:
        """One post, by its address or id."""
        ...

    def comments(self, post: str, *, cursor: str = "", count: int = 50) -> Page[CommentSeen]:
        """Comments below a post, by its address or id. Answers to comments are not among them."""
        ...

    def replies(self, post_id: str, comment_id: str, *, cursor: str = "", count: int = 50) -> Page[CommentSeen]:
        """The answers to one comment."""
        ...

    def profile(self, username: str) -> Profile:
        """One account."""
        ...

    def hashtag(self, name: str) -> HashtagSeen:
        """One hashtag."""
        ...

    def search_people(self, words: str, *, count: int = 20) -> Sequence[Profile]:
        """People whom these words describe."""
        ...

    def search_videos(self, words: str, *, count: int = 20) -> Sequence[Video]:
        """Posts that these words describe."""
        ...

    def search_hashtags(self, words: str, *, count: int = 10) -> Sequence[HashtagSeen]:
        """Hashtags that these words describe."""
        ...


class ProviderError(Exception):
    """A provider did not answer with what was asked for. The message is one sentence for people."""

    code = "provider_error"
    """A stable word for programs and rows."""


class NotConfigured(ProviderError):
    """There is no such provider, or it lacks its key. Asking again cannot help; nobody was asked."""

    code = "not_configured"


class Gone(ProviderError):
    """The provider says that what was asked for is not there: deleted, private, or never was. It says so of what is
    there at times, too: only several such answers over time are to be believed.
    """

    code = "gone"


class Refused(ProviderError):
    """The provider does not serve us: the key is wrong, or the subscription does not cover this."""

    code = "refused"


class TooMany(ProviderError):
    """Too many requests: the provider said so, or our own budget does (then nobody was asked). Not before
    `retry_after` from now.
    """

    code = "rate_limited"

    def __init__(self, message: str, *, retry_after: timedelta) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Unreachable(ProviderError):
    """No usable answer: time-out, broken connection, a fault on the other side, or an answer that is not the promised
    JSON. Asking again later may help.
    """

    code = "unreachable"


class NotOffered(ProviderError):
    """This provider cannot answer such questions at all."""

    code = "not_offered"
