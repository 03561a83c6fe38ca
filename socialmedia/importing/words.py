"""Hashtags and mentions."""

from typing import Any

from django.db import models

from socialmedia import captions
from socialmedia.importing import parents, values
from socialmedia.importing.parents import POST
from socialmedia.importing.reports import CannotTake
from socialmedia.importing.sources import Join, Query
from socialmedia.importing.taking import Rows, Taker
from socialmedia.models import Hashtag, Mention, PostHashtag

_HASHTAG = Join("hashtag", "social_media_hashtags", "hashtag_id", ("hashtag",))


class HashtagTaker(Taker):
    """Hashtags. `#Foo` and `foo` are one."""

    table = "social_media_hashtags"
    columns = ("id", "hashtag", "platform", "total_views", "avg_engagement_rate", "created_at", "updated_at")
    needed = ("id", "hashtag")
    model = Hashtag

    def look_up(self, rows: Rows) -> None:
        """Find them by name."""
        names = {_bare(row["hashtag"]) for row in rows}
        self._here = set(Hashtag.objects.filter(hashtag__in=names).values_list("hashtag", flat=True))

    def find(self, row: dict[str, Any]) -> Any:
        """Tell whether it is here."""
        return _bare(row["hashtag"]) in self._here or None

    def remember(self, row: dict[str, Any]) -> None:
        """One spelling is enough."""
        self._here.add(_bare(row["hashtag"]))

    def build(self, row: dict[str, Any]) -> models.Model:
        """Make a hashtag; its posts are counted when all links are there: MediaPoster counted fetches."""
        if not _bare(row["hashtag"]):
            raise CannotTake("it is empty")
        return Hashtag(
            hashtag=_bare(row["hashtag"]),
            **values.texts(row, "platform"),
            **values.given(row, "total_views", "avg_engagement_rate"),
            **values.times(row, self.journey.zone, "created_at", "updated_at"),
        )


class LinkTaker(Taker):
    """Which posts use which hashtags."""

    table = "social_media_post_hashtags"
    columns = ("post_id", "hashtag_id", "position")
    needed = ("post_id", "hashtag_id")
    model = PostHashtag

    @property
    def query(self) -> Query:
        """With both."""
        return Query(self.table, self.columns, [POST, _HASHTAG], order=("post_id", "hashtag_id"))

    def look_up(self, rows: Rows) -> None:
        """Find the posts, the hashtags, and the links."""
        self._posts = parents.posts(rows)
        names = {_bare(row.get("hashtag_hashtag")) for row in rows}
        self._hashtags = dict(Hashtag.objects.filter(hashtag__in=names).values_list("hashtag", "pk"))
        found = PostHashtag.objects.filter(post__in=list(self._posts.values()))
        self._here = set(found.values_list("post_id", "hashtag_id"))

    def find(self, row: dict[str, Any]) -> Any:
        """Tell whether it is here."""
        return self._pair(row) in self._here or None

    def remember(self, row: dict[str, Any]) -> None:
        """Once per post."""
        self._here.add(self._pair(row))

    def build(self, row: dict[str, Any]) -> models.Model:
        """Make a link."""
        post_id, hashtag_id = self._pair(row)
        return PostHashtag(post_id=post_id, hashtag_id=hashtag_id, **values.given(row, "position"))

    def label(self, row: dict[str, Any]) -> str:
        """It has no id."""
        return f"of post {row.get('post_id')} and hashtag {row.get('hashtag_id')}"

    def _pair(self, row: dict[str, Any]) -> tuple[int, int]:
        post = parents.post_of(row, self._posts)
        hashtag_id = self._hashtags.get(_bare(row.get("hashtag_hashtag")))
        if hashtag_id is None:
            raise CannotTake("its hashtag was not taken over")
        return post.pk, hashtag_id


class MentionTaker(Taker):
    """Whom posts name."""

    table = "social_media_mentions"
    columns = ("id", "post_id", "mentioned_username", "platform", "mention_type")
    needed = ("post_id", "mentioned_username")
    model = Mention

    @property
    def query(self) -> Query:
        """With the posts."""
        return Query(self.table, self.columns, [POST])

    def look_up(self, rows: Rows) -> None:
        """Find the posts and their mentions."""
        self._posts = parents.posts(rows)
        found = Mention.objects.filter(post__in=list(self._posts.values()))
        self._here = set(found.values_list("post_id", "mentioned_username", "mention_type"))

    def find(self, row: dict[str, Any]) -> Any:
        """Tell whether it is here."""
        return self._key(row) in self._here or None

    def remember(self, row: dict[str, Any]) -> None:
        """Once per post and place."""
        self._here.add(self._key(row))

    def build(self, row: dict[str, Any]) -> models.Model:
        """Make a mention."""
        post_id, username, kind = self._key(row)
        if not username:
            raise CannotTake("it names nobody")
        platform = row.get("platform") or row.get("post_platform") or ""
        return Mention(post_id=post_id, mentioned_username=username, mention_type=kind, platform=platform)

    def _key(self, row: dict[str, Any]) -> tuple[int, str, str]:
        post = parents.post_of(row, self._posts)
        username = (row.get("mentioned_username") or "").strip().removeprefix("@").lower()
        return post.pk, username, row.get("mention_type") or "caption"


def _bare(hashtag: str | None) -> str:
    return captions.bare(hashtag or "")
