"""What is known of tracked posts, as plain values for commands, programs and pages: the seed's keys and ours."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from socialmedia.metrics import curves, growth, reading
from socialmedia.metrics.growth import Growth
from socialmedia.metrics.rates import engagement_rate
from socialmedia.metrics.reading import Look, Snapshot
from socialmedia.models import Post, PostSnapshot, TrackingState
from socialmedia.providers.base import Metric
from socialmedia.tracking.states import UnknownPost

__all__ = ["UnknownPost", "of_post", "tracked"]

CAPTION = 100
SHOWN = (Metric.LIKES, Metric.VIEWS, Metric.COMMENTS, Metric.SHARES, Metric.SAVES)
NOTHING_YET = "Nothing has been measured of this post yet."


def of_post(post_id: int) -> dict[str, Any]:
    """Everything about one post since it was last put under tracking, ready for JSON. Two queries.

    Counters that are not known are None. A post of which nothing was measured has `error` instead of figures.

    Raises:
        UnknownPost: there is no such post.
    """
    post = reading.post_of(post_id)
    snapshots = reading.newest_round(reading.snapshots_of(post_id))
    known = {
        "post_id": post.pk,
        "video_id": post.external_post_id,
        "author": post.account.username,
        "url": post.post_url,
        "caption": post.caption[:CAPTION],
        "title": post.title or post.caption[:CAPTION],
        **_tracking(post),
        "total_snapshots": len(snapshots),
    }
    measured = [row for row in snapshots if row.outcome == "measured"]
    return {**known, **_figures(post, snapshots, measured)} if measured else {**known, "error": NOTHING_YET}


def tracked(limit: int = 50, state: str | None = None) -> list[dict[str, Any]]:
    """The posts under tracking, newest tracking first, with their latest known counters. Two queries."""
    posts = list(reading.tracked(state=state)[: max(limit, 0)])
    newest = reading.latest(post.pk for post in posts)
    return [_listed(post, newest[post.pk]) for post in posts]


def _listed(post: Post, newest: Sequence[Look]) -> dict[str, Any]:
    snapshot = newest[-1] if newest else None
    return {
        "id": post.pk,
        "external_post_id": post.external_post_id,
        "post_url": post.post_url,
        "caption": post.caption,
        "tracking_complete": post.tracking_complete,
        "checks_completed": post.checks_completed,
        "next_check_at": _text(post.next_check_at),
        "username": post.account.username,
        "current_likes": reading.value_of(snapshot, Metric.LIKES) if snapshot else None,
        "current_views": reading.value_of(snapshot, Metric.VIEWS) if snapshot else None,
        "state": post.tracking_state,
    }


def _tracking(post: Post) -> dict[str, Any]:
    """How far its plan is. `total_checks` counts the look at the start of tracking, too, as in the seed."""
    return {
        "state": post.tracking_state,
        "tracking_started": _text(post.tracking_started_at),
        "tracking_complete": post.tracking_complete,
        "is_complete": post.tracking_complete,
        "checks_completed": post.checks_completed,
        "total_checks": post.checks_completed + (post.tracking_state != TrackingState.UNTRACKED),
        "checks_remaining": max(len(post.check_schedule) - post.checks_completed, 0),
        "next_check": _text(post.next_check_at),
    }


def _figures(post: Post, snapshots: Sequence[PostSnapshot], measured: Sequence[PostSnapshot]) -> dict[str, Any]:
    grown = {metric: growth.overall(reading.values_of(measured, metric)) for metric in SHOWN}
    return {
        "current_metrics": _metrics(measured[-1]),
        "current": _metrics(measured[-1]),
        "initial_metrics": _metrics(measured[0]),
        "growth": {metric.value: _change(grown[metric]) for metric in SHOWN},
        "growth_rate": {
            "likes_per_hour": _per_hour(grown[Metric.LIKES]),
            "views_per_hour": _per_hour(grown[Metric.VIEWS]),
        },
        "engagement_rate": engagement_of(measured[-1]),
        "curve": _curve(post, snapshots),
    }


def engagement_of(snapshot: Snapshot) -> float | None:
    """(likes + comments + shares) / views of one snapshot, in percent."""
    likes, comments, shares, views = (
        reading.value_of(snapshot, metric) for metric in (Metric.LIKES, Metric.COMMENTS, Metric.SHARES, Metric.VIEWS)
    )
    rate = engagement_rate(likes=likes, comments=comments, shares=shares, views=views)
    return None if rate is None else float(rate)


def _curve(post: Post, snapshots: Sequence[PostSnapshot]) -> dict[str, Any]:
    """Each counter at the first look and at every hour of the plan."""
    start = reading.start_of(post) or snapshots[0].captured_at
    ages = reading.ages_of(post, snapshots, start=start)
    return {metric.value: _points(snapshots, metric, start, ages) for metric in SHOWN}


def _points(
    snapshots: Sequence[PostSnapshot], metric: Metric, start: datetime, ages: Sequence[float]
) -> list[dict[str, Any]]:
    samples = reading.samples_of(snapshots, metric, start=start)
    return [
        {
            "hours": point.hours,
            "value": point.value,
            "kind": point.kind.value,
            "why": point.why and point.why.value,
            "missed": point.missed,
        }
        for point in curves.curve(samples, ages)
    ]


def _metrics(snapshot: PostSnapshot) -> dict[str, int | None]:
    return {metric.value: reading.value_of(snapshot, metric) for metric in SHOWN}


def _change(grown: Growth | None) -> int | None:
    return grown.change if grown else None


def _per_hour(grown: Growth | None) -> float | None:
    return grown.per_hour if grown else None


def _text(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
