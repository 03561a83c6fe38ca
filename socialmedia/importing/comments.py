"""Comments, and which of them answer which."""

from datetime import datetime, tzinfo
from decimal import Decimal
from typing import Any

from django.db import connection, models

from socialmedia.importing import parents, values
from socialmedia.importing.parents import POST
from socialmedia.importing.sources import Join, Query
from socialmedia.importing.taking import Rows, Taker
from socialmedia.models import Comment, Sentiment

_TEXTS = ("comment_text", "author_username", "author_display_name", "author_id")
_PARENT = Join("parent", "social_media_comments", "parent_comment_id", ("external_comment_id",))
_BOUNDS = Decimal(-1), Decimal(1)
# idx_comments_orphans
_LINK = """
UPDATE social_media_comments reply SET parent_comment_id = parent.id
FROM social_media_comments parent
WHERE reply.parent_comment_id IS NULL AND reply.parent_external_id <> ''
  AND parent.platform = reply.platform AND parent.external_comment_id = reply.parent_external_id
  AND parent.id <> reply.id
"""
_COUNT = """
UPDATE social_media_comments parent SET replies_count = found.number
FROM (SELECT parent_comment_id, count(*) AS number FROM social_media_comments
      WHERE parent_comment_id IS NOT NULL GROUP BY parent_comment_id) found
WHERE parent.id = found.parent_comment_id AND parent.replies_count <> found.number
"""


class CommentTaker(Taker):
    """Comments. An answer keeps the network's id of what it answers, so that it may come first."""

    table = "social_media_comments"
    columns = (
        *("id", "post_id", "platform", "external_comment_id", *_TEXTS, "parent_comment_id", "is_reply", "likes_count"),
        *("replies_count", "api_reply_count", "is_creator_reply", "sentiment", "sentiment_score", "commented_at"),
        *("created_at", "raw_data"),
    )
    needed = ("post_id", "platform", "external_comment_id")
    model = Comment

    @property
    def query(self) -> Query:
        """With the posts, and what they answer."""
        return Query(self.table, self.columns, [POST, _PARENT], batch=2_000)

    def look_up(self, rows: Rows) -> None:
        """Find the posts, and the comments by the network's id."""
        self._posts = parents.posts(rows)
        ids = {row["external_comment_id"] for row in rows}
        found = Comment.objects.filter(platform__in={row["platform"] for row in rows}, external_comment_id__in=ids)
        self._here = set(found.values_list("platform", "external_comment_id"))

    def find(self, row: dict[str, Any]) -> Any:
        """Tell whether it is here."""
        return (row["platform"], row["external_comment_id"]) in self._here or None

    def remember(self, row: dict[str, Any]) -> None:
        """The same id is the same comment."""
        self._here.add((row["platform"], row["external_comment_id"]))

    def build(self, row: dict[str, Any]) -> models.Model:
        """Make a comment, not linked yet. MediaPoster wrote the network's number of answers into either column."""
        answers_to = row.get("parent_external_comment_id") or ""
        return Comment(
            post=parents.post_of(row, self._posts),
            platform=row["platform"],
            external_comment_id=row["external_comment_id"],
            parent_external_id=answers_to,
            is_reply=bool(row.get("is_reply") or answers_to),
            api_reply_count=max(row.get("api_reply_count") or 0, row.get("replies_count") or 0),
            sentiment=self._sentiment(row),
            sentiment_score=self._score(row),
            **values.texts(row, *_TEXTS),
            **values.given(row, "likes_count", "is_creator_reply", "raw_data", "parser_version"),
            **_times(row, self.journey.zone),
        )

    def _sentiment(self, row: dict[str, Any]) -> str:
        word = (row.get("sentiment") or "").strip().lower()
        if word and word not in Sentiment.values:
            self.changed("unknown sentiment dropped")
            return ""
        return word

    def _score(self, row: dict[str, Any]) -> Decimal | None:
        score = row.get("sentiment_score")
        return None if score is None else min(max(Decimal(score), _BOUNDS[0]), _BOUNDS[1])


def _times(row: dict[str, Any], zone: tzinfo) -> dict[str, datetime]:
    """It was not seen again since it was written down."""
    found = values.times(row, zone, "commented_at", "created_at")
    return {**found, "updated_at": found["created_at"]} if "created_at" in found else found


def link() -> None:
    """Connect answers with what they answer, and count them."""
    with connection.cursor() as cursor:
        cursor.execute(_LINK)
        cursor.execute(_COUNT)
