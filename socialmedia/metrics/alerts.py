"""Posts that do far better than their account's usual."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from statistics import median

from socialmedia import conf
from socialmedia.metrics import curves, reading
from socialmedia.metrics.curves import Kind
from socialmedia.metrics.reading import Look
from socialmedia.models import CheckBase, Post, PostAlert, PostSnapshot
from socialmedia.providers.base import Metric

LEAST_OTHERS = 3
"""Fewer other posts say nothing about what is usual."""
MOST_OTHERS = 50
LEAST_VIEWS = 1_000
SPREADS = 3
"""So many times the usual distance from the usual (the median absolute deviation) a post must lie above it."""
HIGHEST_SCORE = Decimal("999999999999.99")


@dataclass(frozen=True)
class Verdict:
    """How a post compares with the others at one age."""

    value: int
    usual: float
    ratio: float
    is_far_above: bool


def look(post_id: int, *, now: datetime) -> None:
    """Compare a post's newest views with the account's other posts at that age: the ratio goes into the snapshot, and
    a post far above the usual gets an alert, once for each round of tracking.

    Ages count from publication where that is known: a post put under tracking late is no wonder beside fresh ones.
    """
    post = Post.objects.defer("raw_data").filter(pk=post_id).first()
    newest = reading.latest([post_id])[post_id]
    value = reading.value_of(newest[0], Metric.VIEWS) if newest else None
    base = CheckBase.POSTING if post and post.posted_at else None
    start = reading.start_of(post, base=base) if post else None
    if post is None or value is None or start is None:
        return
    age = (newest[0].captured_at - start) / reading.HOUR
    verdict = judge(value, _others(post, age, base), ratio=conf.tracking().alert_ratio)
    if verdict is not None:
        _note(post, newest[0], verdict, age=age, now=now)


def judge(value: int, others: Sequence[int], *, ratio: float) -> Verdict | None:
    """How a value compares with the others. None: there are too few of them to say."""
    if len(others) < LEAST_OTHERS:
        return None
    usual = float(median(others))
    spread = median(abs(other - usual) for other in others)
    times = value / max(usual, 1.0)
    is_far_above = value >= LEAST_VIEWS and times >= ratio and value > usual + SPREADS * spread
    return Verdict(value, usual, times, is_far_above)


def seen(alert_id: int, *, by: str, now: datetime) -> bool:
    """Note that somebody looked at an alert. False, and nothing changed, when somebody did already."""
    return bool(PostAlert.objects.filter(pk=alert_id, seen_at=None).update(seen_at=now, seen_by=by))


def _others(post: Post, age: float, base: str | None) -> list[int]:
    """What the account's other posts had at that age, as far as that is known."""
    others = reading.of_account(post.account_id, most=MOST_OTHERS, but=post.pk)
    measured = reading.rounds(other.pk for other in others)
    found = [_value_at(other, measured[other.pk], age, base) for other in others]
    return [value for value in found if value is not None]


def _value_at(post: Post, snapshots: Sequence[Look], age: float, base: str | None) -> int | None:
    start = reading.start_of(post, base=base)
    if start is None:
        return None
    point = curves.at(reading.samples_of(snapshots, Metric.VIEWS, start=start), age)
    # A straight line over missed checks lies far below what was there: posts grow at the start. Nobody knows.
    return None if point.missed and point.kind is Kind.INTERPOLATED else point.value


def _note(post: Post, snapshot: Look, verdict: Verdict, *, age: float, now: datetime) -> None:
    score = min(Decimal(verdict.ratio).quantize(Decimal("0.01")), HIGHEST_SCORE)
    PostSnapshot.objects.filter(pk=snapshot.id).update(viral_score=score)
    if not verdict.is_far_above:
        return
    alert = PostAlert(
        post=post,
        tracking_round=post.tracking_round,
        metric=Metric.VIEWS,
        at_hours=round(age, 2),
        value=verdict.value,
        usual=verdict.usual,
        ratio=round(verdict.ratio, 2),
        created_at=now,
    )
    # Another checker may note the same one now: the constraint knows, and one alert is enough.
    PostAlert.objects.bulk_create([alert], ignore_conflicts=True)
