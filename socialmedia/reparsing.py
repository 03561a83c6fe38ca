"""Reading stored answers of the provider again, after its parser has learnt something.

A snapshot says what the network showed at one instant. That stays; only what we read out of the answer changes.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import groupby
from typing import Final, TypeVar

from django.db import transaction
from django.db.models import QuerySet

from socialmedia.comments import storing as comments
from socialmedia.metrics import falls
from socialmedia.models import Comment, PostSnapshot
from socialmedia.providers import reading
from socialmedia.providers.base import Metric, Unreachable, Video
from socialmedia.tracking import storing

T = TypeVar("T", PostSnapshot, Comment)
BATCH: Final = 500
READ: Final = ("rapidapi",)
"""Providers whose answers `reading` reads. The comments of a post came from its own."""
_COUNTS: Final = tuple(f"{metric}_count" for metric in Metric)
_OF_SNAPSHOT: Final = (*_COUNTS, "engagement_rate", "metric_states", "parser_version")
_OF_COMMENT: Final = (
    *("comment_text", "author_username", "author_display_name", "author_id", "likes_count", "api_reply_count"),
    *("is_creator_reply", "commented_at", "sentiment", "sentiment_score", "parser_version"),
)
Progress = Callable[[int], None]


@dataclass
class Reparsed:
    """What was read again."""

    snapshots: int = 0
    comments: int = 0
    unreadable: int = 0
    """Answers out of which today's parser reads nothing: they stay as they were read then."""


def reparse(*, progress: Progress = lambda done: None) -> Reparsed:
    """Read every stored answer again that an older parser has read; a transaction for each batch, so that what was cut
    off is simply run again. `progress` is told how many answers are done.
    """
    found = Reparsed()
    _each(_old_snapshots(), lambda rows: _read_snapshots(rows, found), progress)
    _each(_old_comments(), lambda rows: _read_comments(rows, found), progress)
    return found


def _old_snapshots() -> QuerySet[PostSnapshot]:
    old = PostSnapshot.objects.filter(parser_version__lt=reading.VERSION, raw_data__isnull=False)
    return old.filter(provider__in=READ)


def _old_comments() -> QuerySet[Comment]:
    old = Comment.objects.filter(parser_version__lt=reading.VERSION, raw_data__isnull=False)
    return old.filter(post__provider__in=["", *READ]).select_related("post__account")


def _each(rows: QuerySet[T], read: Callable[[list[T]], None], progress: Progress) -> None:
    """Read them batch by batch. What somebody writes at this moment is read by them, with today's parser."""
    last, done = 0, 0
    while True:
        with transaction.atomic():
            following = rows.filter(pk__gt=last).order_by("pk")
            batch = list(following.select_for_update(no_key=True, skip_locked=True, of=["self"])[:BATCH])
            if not batch:
                return
            read(batch)
        last, done = batch[-1].pk, done + len(batch)
        progress(done)


def _read_snapshots(rows: list[PostSnapshot], found: Reparsed) -> None:
    changed = []
    for snapshot in rows:
        try:
            video = reading.video(snapshot.raw_data)
        except Unreachable:
            found.unreadable += 1
            continue
        _take_counters(snapshot, video)
        changed.append(snapshot)
    PostSnapshot.objects.bulk_update(changed, _OF_SNAPSHOT)
    _look_for_falls({snapshot.post_id for snapshot in changed})
    found.snapshots += len(changed)


def _take_counters(snapshot: PostSnapshot, video: Video) -> None:
    known = video.metrics
    for metric in Metric:
        setattr(snapshot, f"{metric}_count", known.get(metric))
    snapshot.metric_states = {str(metric): storing.HIDDEN for metric in Metric if metric not in known}
    snapshot.engagement_rate = storing.engagement(known)
    snapshot.parser_version = reading.VERSION


def _look_for_falls(post_ids: set[int]) -> None:
    """Say anew which counters fell: another number changes what the next snapshot is compared with."""
    changed = []
    rows = PostSnapshot.objects.filter(post_id__in=post_ids).order_by("post_id", "captured_at")
    few = rows.only("post_id", "decreased", *_COUNTS)
    for _, of_post in groupby(few, key=lambda snapshot: snapshot.post_id):
        latest: dict[str, int] = {}
        for snapshot in of_post:
            fallen = falls.fallen({name: getattr(snapshot, name) for name in _COUNTS}, latest)
            if fallen != snapshot.decreased:
                snapshot.decreased = fallen
                changed.append(snapshot)
    PostSnapshot.objects.bulk_update(changed, ["decreased"])


def _read_comments(rows: list[Comment], found: Reparsed) -> None:
    changed = []
    for comment in rows:
        try:
            seen = reading.comment(comment.raw_data, parent=comment.parent_external_id)
        except Unreachable:
            found.unreadable += 1
            continue
        for name, value in comments.row(seen, comment.post.account).items():
            if name in _OF_COMMENT:
                setattr(comment, name, value)
        comment.parser_version = reading.VERSION
        changed.append(comment)
    Comment.objects.bulk_update(changed, _OF_COMMENT)
    found.comments += len(changed)
