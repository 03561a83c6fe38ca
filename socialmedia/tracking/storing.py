"""Keeping what a provider saw: the post with its author, and a snapshot of its counters."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, Protocol

from django.db import transaction
from django.db.models import OuterRef, Q, Subquery
from psycopg.types.json import Jsonb

from socialmedia import hashtags
from socialmedia.metrics import rates
from socialmedia.models import MediaType, Post, PostSnapshot, SnapshotOutcome
from socialmedia.providers.base import Metric, Video
from socialmedia.tracking import authors

HIDDEN: Final = "hidden"
UNAVAILABLE: Final = "unavailable"
_STORE: Final = (Path(__file__).parent.parent / "sql" / "store_post_v1.sql").read_text()
_HIGHEST: Final = 2**63 - 1
_HIGHEST_RATE: Final = Decimal("9999999999.99")
_LONGEST_REASON: Final = 255


class Source(Protocol):
    """Who saw it; any Provider is one."""

    name: str
    platform: str
    parser_version: int


def store_video(video: Video, *, provider: Source, now: datetime) -> Post:
    """Add or refresh the post and its author's account, with hashtags and mentions, in one transaction. How the post is
    tracked is left alone. It locks the account, then the post: of several videos store those of one author together,
    each in a transaction of its own.

    Raises:
        NoAuthor: a post that is not known yet comes without its author's id and handle.
    """
    with transaction.atomic():
        account_id = _author(video, provider.platform, now=now)
        (post,) = Post.objects.raw(_STORE, _values(video, provider.platform, account_id, now=now))
        hashtags.store(post)
    return post


def record_snapshot(
    post: Post,
    video: Video,
    *,
    provider: Source,
    captured_at: datetime,
    check_index: int | None = None,
    planned_at: datetime | None = None,
    covers: int = 1,
) -> PostSnapshot:
    """Keep the counters as they are now. A counter that the answer does not have is hidden, never 0. `check_index` is
    the last of the planned checks that this one stands for; None: it was not planned. A second snapshot of the same
    check is not kept: the answer is the first.
    """
    counters = {metric: value for metric, value in video.metrics.items() if 0 <= value <= _HIGHEST}
    snapshot = PostSnapshot(
        **_place(post, captured_at, check_index, planned_at, covers),
        **{f"{metric}_count": value for metric, value in counters.items()},
        engagement_rate=engagement(counters),
        metric_states={str(metric): HIDDEN for metric in Metric if metric not in counters},
        decreased=_decreased(post.pk, counters),
        provider=provider.name,
        parser_version=provider.parser_version,
        raw_data=dict(video.raw),
    )
    return _kept(snapshot)


def record_absence(
    post: Post,
    reason: str,
    *,
    captured_at: datetime,
    check_index: int | None = None,
    planned_at: datetime | None = None,
    covers: int = 1,
) -> PostSnapshot:
    """Keep that nothing could be measured any more, and why."""
    snapshot = PostSnapshot(
        **_place(post, captured_at, check_index, planned_at, covers),
        outcome=SnapshotOutcome.UNAVAILABLE,
        reason=reason[:_LONGEST_REASON],
        metric_states={str(metric): UNAVAILABLE for metric in Metric},
        provider=post.provider,
    )
    return _kept(snapshot)


def latest(post_id: int) -> PostSnapshot | None:
    """What was measured last."""
    measured = PostSnapshot.objects.filter(post_id=post_id, outcome=SnapshotOutcome.MEASURED)
    return measured.order_by("-captured_at").first()


def _author(video: Video, platform: str, *, now: datetime) -> int:
    try:
        return authors.remember(video.author, platform=platform, now=now).pk
    except authors.NoAuthor:
        known = Post.objects.filter(platform=platform, external_post_id=video.external_post_id)
        account_id = known.values_list("account_id", flat=True).first()
        if account_id is None:
            raise
        return account_id


def _values(video: Video, platform: str, account_id: int, *, now: datetime) -> dict[str, Any]:
    return {
        "account_id": account_id,
        "platform": platform,
        "external_post_id": video.external_post_id,
        "post_url": video.url,
        "caption": video.caption,
        "media_type": video.media_type if video.media_type in MediaType.values else MediaType.VIDEO.value,
        "media_urls": Jsonb(list(video.media_urls)),
        "thumbnail_url": video.thumbnail_url,
        "duration": video.duration,
        "posted_at": video.posted_at,
        "is_ad": video.is_ad,
        "is_pinned": video.is_pinned,
        "raw_data": Jsonb(dict(video.raw)),
        "now": now,
    }


def _place(
    post: Post, captured_at: datetime, check_index: int | None, planned_at: datetime | None, covers: int
) -> dict[str, Any]:
    in_utc = captured_at.astimezone(UTC)
    return {
        "post_id": post.pk,
        "snapshot_date": in_utc.date(),
        "snapshot_hour": in_utc.hour,
        "captured_at": captured_at,
        "planned_at": planned_at,
        "tracking_round": post.tracking_round,
        "check_index": check_index,
        "covers": covers,
    }


def engagement(counters: Mapping[Metric, int]) -> Decimal | None:
    """The engagement rate as a column holds it."""
    rate = rates.engagement_rate(
        likes=counters.get(Metric.LIKES),
        comments=counters.get(Metric.COMMENTS),
        shares=counters.get(Metric.SHARES),
        views=counters.get(Metric.VIEWS),
    )
    return None if rate is None else min(rate, _HIGHEST_RATE)


def _decreased(post_id: int, counters: Mapping[Metric, int]) -> list[str]:
    """Which counters were higher when they were last known; a hidden one may have been known long ago."""
    if not counters:
        return []
    known = {
        f"last_{metric}": Subquery(
            PostSnapshot.objects.filter(post_id=OuterRef("pk"), **{f"{metric}_count__isnull": False})
            .order_by("-captured_at")
            .values(f"{metric}_count")[:1]
        )
        for metric in counters
    }
    before: dict[str, Any] = dict(Post.objects.filter(pk=post_id).values(**known).get())
    return [str(metric) for metric in counters if (before[f"last_{metric}"] or 0) > counters[metric]]


def _kept(snapshot: PostSnapshot) -> PostSnapshot:
    PostSnapshot.objects.bulk_create([snapshot], ignore_conflicts=True)
    same = Q(captured_at=snapshot.captured_at)
    if snapshot.check_index is not None:
        same |= Q(tracking_round=snapshot.tracking_round, check_index=snapshot.check_index)
    kept = PostSnapshot.objects.filter(same, post_id=snapshot.post_id).order_by("captured_at").first()
    assert kept is not None  # noqa: S101 - added just now, or what it ran into
    return kept
