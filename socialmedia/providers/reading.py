"""Reading the TikTok provider's answers into values. Pure. A change in what is read raises VERSION, which is stored
with each value beside the answer itself, so that old answers can be read again.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

from socialmedia.models import MediaType
from socialmedia.providers import addresses, fields
from socialmedia.providers.base import (
    CommentSeen,
    HashtagSeen,
    Metric,
    Page,
    Person,
    Profile,
    Unreachable,
    Video,
)
from socialmedia.providers.fields import Raw

VERSION: Final = 1
T = TypeVar("T")

_COUNTERS: Final = {
    Metric.VIEWS: "play_count",
    Metric.LIKES: "digg_count",
    Metric.COMMENTS: "comment_count",
    Metric.SHARES: "share_count",
    Metric.SAVES: "collect_count",
}
_LONGEST_NAME: Final = 255
_LONGEST_DURATION: Final = 10**6


def video(raw: Any) -> Video:
    """One post. Raises Unreachable when the answer does not say which."""
    raw = _object(raw, "post")
    post_id = fields.key(fields.pick(raw, "id", "video_id", "aweme_id"))
    if not addresses.is_id(post_id):
        raise Unreachable("The provider's answer does not say which post it is about.")
    author = person(fields.part(raw, "author"))
    pictures = [url for url in map(fields.url, _list(raw.get("images"))) if url]
    duration = fields.count(raw.get("duration"))
    play = fields.url(fields.pick(raw, "play", "wmplay"))
    return Video(
        external_post_id=post_id,
        author=author,
        url=addresses.canonical(post_id, author.username, "photo" if pictures else "video"),
        metrics=_metrics(raw),
        caption=fields.text(raw.get("title")),
        media_type=_media_type(len(pictures)),
        media_urls=pictures or ([play] if play else []),
        thumbnail_url=fields.url(fields.pick(raw, "cover", "origin_cover")),
        duration=duration if not pictures and duration is not None and duration <= _LONGEST_DURATION else None,
        posted_at=fields.instant(raw.get("create_time")),
        is_ad=fields.flag(raw.get("is_ad")),
        is_pinned=fields.flag(raw.get("is_top")),
        raw=raw,
    )


def comment(raw: Any, *, parent: str = "") -> CommentSeen:
    """One comment, or the answer to the comment `parent`. Raises Unreachable when the answer does not say which."""
    raw = _object(raw, "comment")
    comment_id = fields.key(fields.pick(raw, "id", "cid"))
    if not comment_id:
        raise Unreachable("The provider's answer does not say which comment it is about.")
    return CommentSeen(
        external_comment_id=comment_id,
        text=fields.text(raw.get("text")),
        author=person(fields.part(raw, "user")),
        likes=fields.count(raw.get("digg_count")),
        reply_total=fields.count(raw.get("reply_total")) or 0,
        commented_at=fields.instant(raw.get("create_time")),
        parent_external_id=parent,
        raw=raw,
    )


def person(raw: Raw) -> Person:
    """Somebody. Who has no handle keeps an empty one: two strangers are never taken for one."""
    pictures = ("avatar", "avatar_larger", "avatar_medium", "avatar_thumb")
    return Person(
        external_id=fields.key(raw.get("id")),
        username=fields.key(fields.pick(raw, "unique_id")).removeprefix("@"),
        display_name=fields.text(raw.get("nickname"), longest=_LONGEST_NAME),
        avatar_url=fields.url(fields.pick(raw, *pictures)),
    )


def profile(raw: Any) -> Profile:
    """One account, in snake_case or camelCase. Raises Unreachable when the answer does not say whose."""
    raw = _object(raw, "profile")
    user = fields.part(raw, "user") or raw
    stats = fields.part(raw, "stats") or user
    who = person(user)
    if not (who.external_id or who.username):
        raise Unreachable("The provider's answer does not say whose profile it is.")
    return Profile(
        person=who,
        bio=fields.text(user.get("signature")),
        is_verified=fields.flag(user.get("verified")),
        is_private=fields.flag(fields.pick(user, "private_account")) or fields.flag(user.get("secret")),
        website_url=fields.url(fields.part(user, "bio_link").get("link")),
        followers=fields.count(fields.pick(stats, "follower_count")),
        following=fields.count(fields.pick(stats, "following_count")),
        posts=fields.count(fields.pick(stats, "video_count", "aweme_count")),
        likes=fields.count(fields.pick(stats, "heart_count", "heart", "total_favorited")),
        raw=raw,
    )


def hashtag(raw: Any) -> HashtagSeen:
    """One hashtag. Raises Unreachable when the answer does not say which."""
    raw = _object(raw, "hashtag")
    inner = fields.part(raw, "challenge") or raw
    stats = fields.part(raw, "stats") or inner
    name = fields.key(fields.pick(inner, "cha_name", "title", "name")).removeprefix("#").lower()
    if not name:
        raise Unreachable("The provider's answer does not say which hashtag it is about.")
    return HashtagSeen(
        name=name,
        posts=fields.count(fields.pick(stats, "video_count", "user_count")),
        views=fields.count(fields.pick(stats, "view_count")),
        raw=raw,
    )


def page(raw: Any, read: Callable[[Any], T], *names: str, asked: str = "") -> Page[T]:
    """One page of a list that stands in one of these fields. Rows that don't say what they are about are left out. It
    is the last one when the answer says so, is empty, or would lead back to where this one began (`asked`).
    """
    raw = {names[0]: raw} if isinstance(raw, list) else _object(raw, "list")
    rows = _list(fields.pick(raw, *names))
    cursor = fields.text(raw.get("cursor"))
    goes_on = fields.flag(fields.pick(raw, "has_more")) and bool(rows) and cursor not in ("", "0", asked)
    return Page(_readable(rows, read), cursor if goes_on else None, fields.count(raw.get("total")))


def _readable(rows: list[Any], read: Callable[[Any], T]) -> list[T]:
    found = []
    for row in rows:
        try:
            found.append(read(row))
        except Unreachable:
            continue
    return found


def _metrics(raw: Raw) -> dict[Metric, int]:
    counted = {metric: fields.count(raw.get(name)) for metric, name in _COUNTERS.items()}
    return {metric: number for metric, number in counted.items() if number is not None}


def _media_type(pictures: int) -> str:
    kinds = {0: MediaType.VIDEO, 1: MediaType.IMAGE}
    return kinds.get(pictures, MediaType.CAROUSEL).value


def _object(raw: Any, what: str) -> Raw:
    if not isinstance(raw, Mapping):
        raise Unreachable(f"The provider's answer holds no {what}.")
    return fields.storable(raw)  # type: ignore[no-any-return]  # an object stays one


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
