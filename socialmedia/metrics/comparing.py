"""Posts beside each other at the same ages, and accounts beside each other over the same days."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from socialmedia.metrics import analytics, curves, reading
from socialmedia.metrics.curves import Point
from socialmedia.metrics.reading import Look, Snapshot
from socialmedia.models import Account, Post
from socialmedia.providers.base import Metric

MOST_POSTS = 6
MOST_PER_ACCOUNT = 50
"""So many of an account's posts, those put under tracking last, say what is usual for it."""
USUAL_AGES = (0.0, 1.0, 6.0, 12.0, 24.0, 48.0, 72.0, 168.0, 336.0, 720.0)
LEAST_FOR_USUAL = 3


@dataclass(frozen=True)
class Compared:
    """One post among others. Every curve of a comparison has the same ages."""

    post: Post
    points: Sequence[Point]
    """Empty when nobody knows from when its hours count."""
    engagement: float | None
    """Of its newest snapshot, in percent."""


@dataclass(frozen=True)
class AccountFigures:
    """What an account's posts did that were put under tracking within some days. None: not known."""

    account: Account
    posts: int
    """At most MOST_PER_ACCOUNT."""
    views_per_post: float | None
    engagement: float | None
    """The median of its posts, in percent."""
    usual: Sequence[Point]
    """The median of its posts at USUAL_AGES."""


def posts(post_ids: Sequence[int], *, metric: Metric, base: str | None = None) -> list[Compared]:
    """These posts, in this order, at the same ages. Unknown ids are left out. Two queries.

    `base` says from when ages count; without it from each plan's own base.
    """
    rows = Post.objects.select_related("account").defer("raw_data").in_bulk(post_ids)
    chosen = [rows[post_id] for post_id in post_ids if post_id in rows]
    measured = reading.rounds(rows)
    ages = _common_ages(chosen, base)
    return [
        Compared(post, _points(post, measured[post.pk], metric, ages, base), _engagement(measured[post.pk]))
        for post in chosen
    ]


def usual(
    account_id: int, *, metrics: Iterable[Metric], ages: Sequence[float], base: str | None, but: int = 0
) -> dict[Metric, list[Point]]:
    """What the account's posts usually have at these ages; gaps where fewer than three are known. Two queries."""
    others = reading.of_account(account_id, most=MOST_PER_ACCOUNT, but=but)
    measured = reading.rounds(post.pk for post in others)
    return {metric: _usual(others, measured, metric, ages, base=base, least=LEAST_FOR_USUAL) for metric in metrics}


def accounts(account_ids: Sequence[int], *, metric: Metric, within: timedelta, now: datetime) -> list[AccountFigures]:
    """These accounts, in this order, by their posts that were put under tracking within this time. Two queries, and
    one for each account.
    """
    known = Account.objects.in_bulk(account_ids)
    chosen = [known[account_id] for account_id in account_ids if account_id in known]
    rows = {account.pk: _since(account.pk, now - within) for account in chosen}
    measured = reading.rounds(post.pk for found in rows.values() for post in found)
    return [_figures(account, rows[account.pk], measured, metric) for account in chosen]


def points_of(
    snapshots: Sequence[Snapshot], metric: Metric, ages: Iterable[float], *, start: datetime | None
) -> list[Point]:
    """A post's curve at these ages; empty when nobody knows from when its hours count."""
    return curves.curve(reading.samples_of(snapshots, metric, start=start), ages) if start else []


def _since(account_id: int, since: datetime) -> list[Post]:
    newest = reading.of_account(account_id, most=MOST_PER_ACCOUNT)
    return [post for post in newest if post.tracking_started_at is not None and post.tracking_started_at >= since]


def _figures(
    account: Account, rows: Sequence[Post], measured: Mapping[int, Sequence[Look]], metric: Metric
) -> AccountFigures:
    newest = [measured[post.pk][-1] for post in rows if measured[post.pk]]
    views = [value for row in newest if (value := reading.value_of(row, Metric.VIEWS)) is not None]
    engagement = [rate for row in newest if (rate := analytics.engagement_of(row)) is not None]
    return AccountFigures(
        account,
        len(rows),
        round(sum(views) / len(views), 2) if views else None,
        round(median(engagement), 2) if engagement else None,
        _usual(rows, measured, metric, USUAL_AGES, base=None, least=1),
    )


def _usual(
    rows: Iterable[Post],
    measured: Mapping[int, Sequence[Look]],
    metric: Metric,
    ages: Sequence[float],
    *,
    base: str | None,
    least: int,
) -> list[Point]:
    drawn = [_points(post, measured[post.pk], metric, ages, base) for post in rows]
    return curves.median_curve([points for points in drawn if points], ages, least=least)


def _common_ages(rows: Iterable[Post], base: str | None) -> list[float]:
    """The hours of all plans together; the usual ones when ages count from elsewhere, or there is no plan."""
    planned = {float(hours) for post in rows for hours in post.check_offsets}
    return sorted({0.0, *planned}) if planned and base is None else list(USUAL_AGES)


def _points(
    post: Post, snapshots: Sequence[Look], metric: Metric, ages: Iterable[float], base: str | None
) -> list[Point]:
    return points_of(snapshots, metric, ages, start=reading.start_of(post, base=base))


def _engagement(snapshots: Sequence[Look]) -> float | None:
    return analytics.engagement_of(snapshots[-1]) if snapshots else None
