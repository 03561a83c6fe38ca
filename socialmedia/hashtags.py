"""Hashtags and mentions in the words of posts, and how each hashtag did day by day."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from django.db import connection, transaction

from socialmedia import captions
from socialmedia.models import Hashtag, HashtagDay, Mention, Post, PostHashtag
from socialmedia.providers import choosing

_SQL: Final = Path(__file__).parent / "sql"
_MAKE, _LOCK = (_SQL / "lock_hashtags_v1.sql").read_text().split(";\n\n")
_LINK: Final = (_SQL / "link_hashtags_v1.sql").read_text()
_COUNT: Final = (_SQL / "count_hashtags_v1.sql").read_text()
_IN_CAPTION: Final = "caption"
AT_ONCE: Final = 1_000
"""Hashtags counted in one transaction: it holds up the posts that use them."""


def store(post: Post) -> None:
    """Note the hashtags and mentions of a post's words as they are now: each counts once per post, however often it
    is fetched.

    In the caller's transaction, which stores no other post: what it locks is held until its end.
    """
    with transaction.atomic():
        now = Post.objects.select_for_update(no_key=True).only("caption", "description", "title", "platform")
        words = now.get(pk=post.pk)
        text = f"{words.caption}\n{words.description}\n{words.title}"
        _store_hashtags(words, captions.hashtags(text))
        _store_mentions(words, captions.mentions(text))


def _store_hashtags(post: Post, names: Sequence[str]) -> None:
    known = PostHashtag.objects.filter(post=post).order_by("position").values_list("hashtag__hashtag", flat=True)
    if list(known) == list(names):
        return
    values: dict[str, Any] = {"post_id": post.pk, "platform": post.platform, "names": list(names)}
    with connection.cursor() as cursor:
        cursor.execute(_MAKE, values)
        cursor.execute(_LOCK, values)
        ids = {name: pk for pk, name in cursor.fetchall()}
        cursor.execute(_LINK, {"post_id": post.pk, "ids": [ids[name] for name in names]})


def _store_mentions(post: Post, names: Sequence[str]) -> None:
    of_caption = Mention.objects.filter(post=post, mention_type=_IN_CAPTION)
    known = set(of_caption.values_list("mentioned_username", flat=True))
    if gone := known - set(names):
        of_caption.filter(mentioned_username__in=gone).delete()
    new = [name for name in names if name not in known]
    Mention.objects.bulk_create(
        [Mention(post=post, mentioned_username=name, platform=post.platform, mention_type=_IN_CAPTION) for name in new],
        ignore_conflicts=True,
    )


def count_day(*, now: datetime) -> int:
    """Count anew how every hashtag stands, and write it into its row of today (UTC). Returns how many have one.

    Again on the same day it writes over its own figures. It also mends the counts that deleted posts left behind.
    """
    counted, last = 0, 0
    while True:
        with transaction.atomic():
            following = Hashtag.objects.select_for_update(no_key=True).filter(pk__gt=last).order_by("pk")
            ids = list(following.values_list("pk", flat=True)[:AT_ONCE])
            if not ids:
                return counted
            counted += _count(ids, now=now)
            last = ids[-1]


def _count(ids: Sequence[int], *, now: datetime) -> int:
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, {"ids": list(ids), "day": now.astimezone(UTC).date(), "now": now})
        return int(cursor.fetchone()[0])


def ask_network(hashtag_id: int, *, patience: timedelta, now: datetime) -> HashtagDay:
    """Ask the network how many posts and views a hashtag has in all, and keep it with today's figures.

    Raises:
        ProviderError: no answer; nothing was written.
    """
    hashtag = Hashtag.objects.get(pk=hashtag_id)
    seen = choosing.find(patience=patience).hashtag(hashtag.hashtag)
    with transaction.atomic():
        Hashtag.objects.select_for_update(no_key=True).get(pk=hashtag_id)
        _count([hashtag_id], now=now)
        figures: dict[str, Any] = {"network_posts": seen.posts, "network_views": seen.views}
        day, _ = HashtagDay.objects.update_or_create(
            hashtag=hashtag,
            day=now.astimezone(UTC).date(),
            defaults=figures,
            create_defaults={**figures, "posts_count": 0},
        )
    return day
