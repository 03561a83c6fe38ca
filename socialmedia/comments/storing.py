"""Storing what a provider saw of a post's comments."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from django.db import connection, transaction
from django.db.models import Count, IntegerField, OuterRef, Subquery
from django.db.models.functions import Coalesce

from socialmedia import sentiment
from socialmedia.models import Account, Comment, Post
from socialmedia.providers import fields
from socialmedia.providers.base import CommentSeen, Person

_SQL: Final = Path(__file__).parent.parent / "sql"
_STORE: Final = (_SQL / "store_comments_v1.sql").read_text()
_LINK: Final = (_SQL / "link_replies_v1.sql").read_text()
_LONGEST: Final = 10_000
_LONGEST_NAME: Final = 255
_MOST_ANSWERS: Final = 2**31 - 1


class NoSuchPost(Exception):
    """There is no post of this id here (any more). Nothing was stored."""

    def __init__(self, post_id: int) -> None:
        super().__init__(f"There is no post {post_id} here.")


@dataclass(frozen=True)
class Stored:
    """What became of some comments, by their ids on the network. One known below another post is in neither."""

    new: frozenset[str]
    known: frozenset[str]


def store(post_id: int, seen: Iterable[CommentSeen], *, parser_version: int, now: datetime) -> Stored:
    """Store comments of a post in one transaction: new ones come in; likes, words and answers of known ones are brought
    up to date. Of one that is given twice the later counts.

    Raises NoSuchPost.
    """
    latest = {_id(comment): comment for comment in seen if comment.external_comment_id}
    with transaction.atomic():
        # One fetch at a time for each post: parents and answers are locked in any order below.
        posts = Post.objects.select_for_update(no_key=True, of=["self"]).select_related("account")
        post = posts.filter(pk=post_id).first()
        if post is None:
            raise NoSuchPost(post_id)
        stored = _upsert(post, latest.values(), parser_version=parser_version, now=now)
        _link(post, stored)
    return Stored(
        new=frozenset(external_id for _, external_id, is_new in stored if is_new),
        known=frozenset(external_id for _, external_id, is_new in stored if not is_new),
    )


def _upsert(
    post: Post, seen: Iterable[CommentSeen], *, parser_version: int, now: datetime
) -> list[tuple[int, str, bool]]:
    values: dict[str, Any] = {
        "post_id": post.pk,
        "platform": post.platform,
        "comments": json.dumps([row(comment, post.account) for comment in seen]),
        "parser_version": parser_version,
        "now": now,
    }
    with connection.cursor() as cursor:
        cursor.execute(_STORE, values)
        return list(cursor.fetchall())


def row(comment: CommentSeen, author: Account) -> dict[str, Any]:
    """What is stored of a comment, by column, as JSON has it."""
    words = _text(comment.text, _LONGEST)
    feeling = sentiment.read(words)
    parent = _text(comment.parent_external_id)
    return {
        "external_comment_id": _id(comment),
        "comment_text": words,
        "author_username": _text(comment.author.username),
        "author_display_name": _text(comment.author.display_name),
        "author_id": _text(comment.author.external_id),
        "parent_external_id": "" if parent == _id(comment) else parent,
        "likes_count": fields.count(comment.likes),
        "api_reply_count": min(fields.count(comment.reply_total) or 0, _MOST_ANSWERS),
        "is_creator_reply": _is_same(comment.author, author),
        "sentiment": feeling.label.value if feeling else "",
        "sentiment_score": str(feeling.score) if feeling else None,
        "commented_at": comment.commented_at.isoformat() if comment.commented_at else None,
        "raw_data": fields.storable(comment.raw),
    }


def _id(comment: CommentSeen) -> str:
    return _text(comment.external_comment_id)


def _text(value: str, longest: int = _LONGEST_NAME) -> str:
    return str(fields.storable(value[:longest]))


def _is_same(person: Person, account: Account) -> bool:
    """By the id, which nobody else can have; by the handle where one of the ids is not known."""
    if person.external_id and account.external_id:
        return person.external_id == account.external_id
    return bool(person.username) and person.username.lower() == account.username.lower()


def _link(post: Post, stored: Sequence[tuple[int, str, bool]]) -> None:
    values: dict[str, Any] = {
        "ids": [pk for pk, _, _ in stored],
        "external_ids": [external_id for _, external_id, _ in stored],
        "platform": post.platform,
    }
    with connection.cursor() as cursor:
        cursor.execute(_LINK, values)
        parents = {parent for (parent,) in cursor.fetchall()}
    if parents:
        replies = Comment.objects.filter(parent_comment=OuterRef("pk")).order_by().values("parent_comment")
        count = Subquery(replies.annotate(count=Count("pk")).values("count"), output_field=IntegerField())
        Comment.objects.filter(pk__in=parents).update(replies_count=Coalesce(count, 0))
