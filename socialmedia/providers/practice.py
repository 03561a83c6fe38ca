"""The practice network as a provider: figures without a key. `practice/cast.py` says what each handle's posts do."""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.utils import timezone

from socialmedia.models import Platform
from socialmedia.practice import chatter, dice, posts
from socialmedia.practice.cast import CAST, PREFIX, Author, Habit
from socialmedia.practice.chatter import Remark
from socialmedia.practice.posts import MadeUpPost
from socialmedia.providers import addresses, choosing
from socialmedia.providers.base import (
    CommentSeen,
    Gone,
    HashtagSeen,
    Metric,
    Page,
    Person,
    Profile,
    TooMany,
    Unreachable,
    Video,
)

NAME: Final = "practice"
BUSY: Final = timedelta(seconds=10)
"""So long, at the start of each minute, it asks `practice.busy` to wait."""
_NOTHING: Final = "nothing"
_RAW_NAMES: Final = {
    Metric.VIEWS: "play_count",
    Metric.LIKES: "digg_count",
    Metric.COMMENTS: "comment_count",
    Metric.SHARES: "share_count",
    Metric.SAVES: "collect_count",
}
_moment: ContextVar[datetime | None] = ContextVar("practice_moment", default=None)


@contextmanager
def at(moment: datetime) -> Iterator[None]:
    """Let the practice network's clock stand at this moment inside the block."""
    token = _moment.set(moment)
    try:
        yield
    finally:
        _moment.reset(token)


def _clock() -> datetime:
    return _moment.get() or timezone.now()  # noqa: TID251 - it plays a server, which has a clock of its own


class Practice:
    """Answers like a provider of TikTok's figures would. Searches for the word "nothing" find nothing."""

    name = NAME
    platform: str = Platform.TIKTOK
    parser_version = 1

    def __init__(self, *, clock: Callable[[], datetime] = _clock) -> None:
        self._clock = clock

    def video(self, address: str) -> Video:
        """One post. A short link leads to a post that follows from its code."""
        now = self._clock()
        return _video(_served(address, now), now)

    def comments(self, post: str, *, cursor: str = "", count: int = 50) -> Page[CommentSeen]:
        """Comments below a post, the oldest first; the cursor is the number of those before."""
        now = self._clock()
        served = _served(post, now)
        start = int(cursor or 0)
        found = chatter.comments(served, start=start, count=count, at=now)
        total, after = served.comments(now), start + len(found)
        return Page([_comment(one) for one in found], str(after) if found and after < total else None, total)

    def replies(self, post_id: str, comment_id: str, *, cursor: str = "", count: int = 50) -> Page[CommentSeen]:
        """The answers to one comment: never more than a page."""
        now = self._clock()
        found = chatter.answers(_served(post_id, now), comment_id, at=now)
        return Page([_comment(one, parent=comment_id) for one in found], None, len(found))

    def profile(self, username: str) -> Profile:
        """One account. Every handle exists, but for `practice.gone`."""
        now = self._clock()
        author = Author(username.strip().removeprefix("@").lower())
        _refuse_by_habit(author, now)
        if author.habit is Habit.GONE or not author.handle:
            raise Gone(f"There is no account @{author.handle} on the practice network.")
        return _profile(author, now)

    def hashtag(self, name: str) -> HashtagSeen:
        """One hashtag; it has more posts every day."""
        return _hashtag(name.strip().removeprefix("#").lower(), self._clock())

    def search_people(self, words: str, *, count: int = 20) -> Sequence[Profile]:
        """The cast where these words are in their handles, then people made up for the words."""
        if _finds_nothing(words):
            return []
        now, wanted = self._clock(), _slug(words)
        known = [author for author in CAST if wanted in author.handle and author.habit is not Habit.GONE]
        made_up = [Author(f"{PREFIX}{wanted}.{number}") for number in range(1, count + 1)]
        return [_profile(author, now) for author in [*known, *made_up][:count]]

    def search_videos(self, words: str, *, count: int = 20) -> Sequence[Video]:
        """Posts of the last days."""
        if _finds_nothing(words):
            return []
        now = self._clock()
        today = now.replace(hour=0, minute=0, second=0, microsecond=0)
        found = []
        for place in range(count):
            author = CAST[dice.whole(2, words, place)]
            at = today - timedelta(hours=dice.whole(240, words, place, "hours"))
            found.append(_video(posts.published(author, at, number=place), now))
        return found

    def search_hashtags(self, words: str, *, count: int = 10) -> Sequence[HashtagSeen]:
        """The words in one, and its relatives."""
        if _finds_nothing(words):
            return []
        now, stem = self._clock(), _slug(words).replace(".", "")
        return [_hashtag(stem + ending, now) for ending in ("", "tok", "life", "tips", "daily", "2026")[:count]]


def _served(text: str, now: datetime) -> MadeUpPost:
    """The post that an address or id means, where it is served now."""
    post = _asked_for(text)
    if post is None or post.posted_at > now:
        raise Gone("There is no such post on the practice network.")
    _refuse_by_habit(post.author, now)
    habit = post.author.habit
    if habit is Habit.GONE or (habit is Habit.VANISHING and now >= post.posted_at + posts.LIFE_OF_VANISHING):
        raise Gone("The post was deleted.")
    if habit is Habit.PRIVATE:
        raise Gone("The post is private.")
    return post


def _asked_for(text: str) -> MadeUpPost | None:
    if text.strip().isdigit():
        return posts.find(text.strip())
    try:
        address = addresses.parse(text)
    except addresses.NotAPost:
        return None
    if address.post_id:
        return posts.find(address.post_id, handle=address.username)
    published_at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=dice.whole(5_000, address.url))
    return posts.published(CAST[dice.whole(2, address.url)], published_at)


def _refuse_by_habit(author: Author, now: datetime) -> None:
    into_the_minute = timedelta(seconds=now.second, microseconds=now.microsecond)
    if author.habit is Habit.BUSY and into_the_minute < BUSY:
        raise TooMany("The practice network asks to wait a moment.", retry_after=BUSY - into_the_minute)
    if author.habit is Habit.BROKEN and now.astimezone(UTC).hour % 2:
        raise Unreachable("The practice network cannot be reached in this hour.")


def _video(post: MadeUpPost, now: datetime) -> Video:
    metrics = post.counters(now)
    raw: dict[str, Any] = {
        "id": str(post.number),
        "title": post.caption,
        "duration": post.duration,
        "create_time": int(post.posted_at.timestamp()),
        **{_RAW_NAMES[metric]: value for metric, value in metrics.items()},
        "author": _raw_person(post.author, post.author.name),
    }
    return Video(
        external_post_id=str(post.number),
        author=_person(post.author),
        url=post.url,
        metrics=metrics,
        caption=post.caption,
        duration=post.duration,
        posted_at=post.posted_at,
        raw=raw,
    )


def _comment(remark: Remark, *, parent: str = "") -> CommentSeen:
    raw = {
        "id": remark.id,
        "text": remark.text,
        "create_time": int(remark.written_at.timestamp()),
        "digg_count": remark.likes,
        "reply_total": remark.answers,
        "user": _raw_person(remark.author, remark.name),
    }
    return CommentSeen(
        external_comment_id=remark.id,
        text=remark.text,
        author=Person(remark.author.external_id, remark.author.handle, remark.name),
        likes=remark.likes,
        reply_total=remark.answers,
        commented_at=remark.written_at,
        parent_external_id=parent,
        raw=raw,
    )


def _profile(author: Author, now: datetime) -> Profile:
    days = max(0, (now - datetime(2026, 1, 1, tzinfo=UTC)).days)
    followers = int(author.followers * (1 + 0.002 * days))
    count = 40 + days // 2
    likes = count * author.usual_views // 12
    return Profile(
        person=_person(author),
        bio="An account of the practice network: made up, as are its figures.",
        is_verified=author.habit is Habit.FAMOUS,
        is_private=author.habit is Habit.PRIVATE,
        followers=followers,
        following=dice.whole(900, "following", author.handle),
        posts=count,
        likes=likes,
        raw={
            "user": {"id": author.external_id, "uniqueId": author.handle, "nickname": author.name},
            "stats": {"followerCount": followers, "videoCount": count, "heartCount": likes},
        },
    )


def _hashtag(name: str, now: datetime) -> HashtagSeen:
    days = max(0, (now - datetime(2026, 1, 1, tzinfo=UTC)).days)
    count = int(10 ** dice.between(2, 6, "hashtag", name)) + days * 7
    views = count * dice.whole(9_000, "hashtag views", name)
    return HashtagSeen(name, count, views, raw={"cha_name": name, "user_count": count, "view_count": views})


def _person(author: Author) -> Person:
    return Person(author.external_id, author.handle, author.name)


def _raw_person(author: Author, name: str) -> dict[str, str]:
    return {"id": author.external_id, "unique_id": author.handle, "nickname": name, "avatar": ""}


def _finds_nothing(words: str) -> bool:
    return _slug(words) in ("", _NOTHING)


def _slug(words: str) -> str:
    return re.sub(r"[^a-z0-9]+", ".", words.lower()).strip(".")[:30]


choosing.register(NAME, Practice)
