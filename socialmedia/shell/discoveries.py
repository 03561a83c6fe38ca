"""Comments and searches at a shell."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from rich.table import Table
from rich.text import Text

from jobs import terminal
from socialmedia.models import Comment, Post, SearchKind, SearchResult
from socialmedia.shell import figures

COMMENT = (
    "external_comment_id",
    "comment_text",
    "author_username",
    "author_display_name",
    "is_reply",
    "parent_external_id",
    "is_creator_reply",
    "likes_count",
    "replies_count",
    "api_reply_count",
    "sentiment",
    "commented_at",
)
"""What JSON shows of a comment, besides our id."""


def threads(post: Post, *, limit: int) -> list[Comment]:
    """The newest comments below a post, each followed by the answers to it, the oldest of those first."""
    stored = Comment.objects.filter(post=post).defer("raw_data")
    first = list(stored.filter(parent_comment=None).order_by("-commented_at", "-id")[:limit])
    answers = defaultdict(list)
    for row in stored.filter(parent_comment__in=first).order_by("commented_at", "id"):
        answers[row.parent_comment_id].append(row)
    return [row for start in first for row in (start, *answers[start.pk])]


def comment(row: Comment) -> dict[str, Any]:
    """A comment for JSON."""
    score = None if row.sentiment_score is None else float(row.sentiment_score)
    return {"id": row.pk, **{name: getattr(row, name) for name in COMMENT}, "sentiment_score": score}


def comments(rows: Iterable[Comment], *, now: datetime) -> Table:
    """Comments for people; answers are indented."""
    table = terminal.table("When", "Author", "Likes", "Answers", "Sounds", "Comment")
    for row in rows:
        table.add_row(
            terminal.relative(row.commented_at, now),
            _foreign(f"@{row.author_username or row.author_display_name}"),
            figures.count(row.likes_count),
            str(row.replies_count or ""),
            row.sentiment or terminal.NOTHING,
            _foreign(("  ↳ " if row.is_reply else "") + row.comment_text),
        )
    return table


def result(row: SearchResult, kind: str) -> dict[str, Any]:
    """A search's result for JSON: the seed's keys, with numbers as numbers."""
    shown = {"title": row.title, "subtitle": row.subtitle, "url": row.url}
    if kind == SearchKind.USER:
        return {"username": row.username, **shown, "followers": row.followers_count, "verified": row.is_verified}
    if kind == SearchKind.VIDEO:
        return {**shown, "author": row.username, "views": row.views_count, "likes": row.likes_count}
    return {"name": row.title, **shown, "views": row.views_count, "posts": row.posts_count}


def results(rows: Iterable[SearchResult], kind: str) -> Table:
    """A search's results for people."""
    headings = {
        SearchKind.USER: ("Account", "Name", "Followers", "Posts", "Address"),
        SearchKind.VIDEO: ("Author", "Caption", "Views", "Likes", "Address"),
        SearchKind.HASHTAG: ("Hashtag", "", "Views", "Posts", "Address"),
    }[SearchKind(kind)]
    table = terminal.table("", *headings)
    for row in rows:
        first, second = {
            SearchKind.USER: (row.followers_count, row.posts_count),
            SearchKind.VIDEO: (row.views_count, row.likes_count),
            SearchKind.HASHTAG: (row.views_count, row.posts_count),
        }[SearchKind(kind)]
        name = f"@{row.username}" if row.username else row.title
        about = row.title if row.username else row.subtitle
        table.add_row(
            str(row.position),
            _foreign(name),
            _foreign(about[:60]),
            figures.count(first),
            figures.count(second),
            _foreign(row.url),
        )
    return table


def _foreign(words: str) -> Text:
    return Text(terminal.printable(words.replace("\n", " ")))
