"""Snapshots as they are read: of one post, of many at once, and as the samples that curves are made of."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

from django.db import connection
from django.db.models import QuerySet

from socialmedia.metrics.curves import NEAR_HOURS, Sample, Why
from socialmedia.models import CheckBase, Post, PostSnapshot, SnapshotOutcome
from socialmedia.providers.base import Metric
from socialmedia.tracking.states import UnknownPost

HOUR = timedelta(hours=1)
MOST_SNAPSHOTS = 500
"""So many of one post are read. A plan has 50 checks at most."""
WHOLE_ROUND = 60
"""More than one round of tracking has."""
_LATEST: Final = (Path(__file__).parent.parent / "sql" / "latest_snapshots_v1.sql").read_text()


class Look(NamedTuple):
    """A snapshot as `latest` reads it, by the names of its columns: hundreds are read after every check, and a row of
    the model costs ten times as much.
    """

    post_id: int
    captured_at: datetime
    tracking_round: int
    covers: int
    metric_states: Mapping[str, str]
    views_count: int | None
    likes_count: int | None
    comments_count: int | None
    shares_count: int | None
    saves_count: int | None
    id: int
    outcome: str = SnapshotOutcome.MEASURED


Snapshot = PostSnapshot | Look
S = TypeVar("S", PostSnapshot, Look)


def post_of(post_id: int) -> Post:
    """One post with its account. Raises UnknownPost."""
    post = Post.objects.select_related("account").defer("raw_data").filter(pk=post_id).first()
    if post is None:
        raise UnknownPost(post_id)
    return post


def tracked(*, state: str | None = None) -> QuerySet[Post]:
    """The posts that are or were under tracking, newest tracking first: by idx_posts_tracked or
    idx_posts_tracking_state.
    """
    rows = Post.objects.filter(tracking_started_at__isnull=False).defer("raw_data").select_related("account")
    if state:
        rows = rows.filter(tracking_state=state)
    return rows.order_by("-tracking_started_at", "id")


def of_account(account_id: int, *, most: int, but: int = 0) -> list[Post]:
    """The account's posts that were put under tracking last, by idx_posts_account_tracked: what their curves need of
    them.
    """
    rows = Post.objects.filter(account_id=account_id, tracking_started_at__isnull=False)
    rows = rows.only("account_id", "posted_at", "tracking_started_at", "check_base")
    return list(rows.exclude(pk=but).order_by("-tracking_started_at", "id")[:most])


def snapshots_of(post_id: int) -> list[PostSnapshot]:
    """All of one post in the order of time, without the providers' answers; of very many the newest."""
    rows = PostSnapshot.objects.filter(post_id=post_id).defer("raw_data").order_by("-captured_at")
    return list(rows[:MOST_SNAPSHOTS])[::-1]


def latest(post_ids: Iterable[int], *, most: int = 1) -> dict[int, list[Look]]:
    """The newest snapshots of each post that measured something, in the order of time. One query for all of them."""
    found: dict[int, list[Look]] = {post_id: [] for post_id in post_ids}
    if found:
        with connection.cursor() as cursor:
            cursor.execute(_LATEST, {"posts": list(found), "most": most})
            for row in cursor.fetchall():
                look = Look(*row)
                found[look.post_id].append(look._replace(metric_states=json.loads(row[4])))
    return found


def rounds(post_ids: Iterable[int]) -> dict[int, list[Look]]:
    """What was measured of each post since it was last put under tracking. One query for all of them."""
    return {post_id: newest_round(rows) for post_id, rows in latest(post_ids, most=WHOLE_ROUND).items()}


def newest_round(snapshots: Sequence[S]) -> list[S]:
    """Those since the post was last put under tracking: what came before belongs to another curve."""
    newest = max((row.tracking_round for row in snapshots), default=0)
    return [row for row in snapshots if row.tracking_round == newest]


def start_of(post: Post, *, base: str | None = None) -> datetime | None:
    """From when a post's hours are counted: its plan's base, or the one asked for. None when that is not known."""
    if (base or post.check_base) == CheckBase.POSTING:
        return post.posted_at
    return post.tracking_started_at or (None if base else post.posted_at)


def ages_of(post: Post, snapshots: Sequence[Snapshot], *, start: datetime) -> list[float]:
    """The hours at which a post's curve is worth a look: its first snapshot, and those of its plan. A post without
    a plan has those of its snapshots.
    """
    taken = [max(round((row.captured_at - start) / HOUR, 2), 0.0) for row in snapshots]
    if not post.check_offsets or not taken:
        return sorted(set(taken))
    first = taken[0] if taken[0] > NEAR_HOURS else 0.0
    return sorted({first, *(float(hours) for hours in post.check_offsets)})


def value_of(snapshot: Snapshot, metric: Metric) -> int | None:
    """A snapshot's counter. None: nobody knows."""
    value: int | None = getattr(snapshot, f"{metric}_count")
    return value if snapshot.outcome == SnapshotOutcome.MEASURED else None


def values_of(snapshots: Iterable[Snapshot], metric: Metric) -> list[tuple[datetime, int | None]]:
    """A counter over time."""
    return [(row.captured_at, value_of(row, metric)) for row in snapshots]


def samples_of(snapshots: Iterable[Snapshot], metric: Metric, *, start: datetime) -> list[Sample]:
    """A counter over the hours since a time, as a curve needs it."""
    return [
        Sample((row.captured_at - start) / HOUR, value_of(row, metric), _why(row, metric), row.covers)
        for row in snapshots
    ]


def _why(snapshot: Snapshot, metric: Metric) -> Why:
    states: Mapping[str, str] = snapshot.metric_states
    return Why.HIDDEN if states.get(metric) == Why.HIDDEN else Why.UNAVAILABLE
