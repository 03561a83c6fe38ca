"""What was measured of posts, put in its place in their plans."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import chain, groupby
from typing import Any

from django.db import models

from socialmedia.importing import parents, plans, values
from socialmedia.importing.sources import BATCH, Join, Query, Source
from socialmedia.importing.taking import Rows, Taker
from socialmedia.metrics import falls
from socialmedia.models import Post, PostSnapshot
from socialmedia.providers.base import Metric
from socialmedia.tracking import storing

_METRICS = [f"{metric}_count" for metric in Metric]
_UNMEASURED = (
    *("retweets_count", "reactions_count", "repins_count", "impressions", "reach", "watch_time_seconds"),
    *("avg_watch_percentage", "completion_rate", "engagement_rate", "viral_score"),
)
"""MediaPoster's tracker wrote none of these: their 0 is the table's default, and nobody's figure."""
_COUNTS = (*_METRICS, *_UNMEASURED)
_POST = Join(
    "post",
    "social_media_posts",
    "post_id",
    (
        *("platform", "external_post_id", "check_schedule", "next_check_at", "tracking_complete"),
        *("tracking_started_at", "checks_completed", "created_at", "deleted_at"),
    ),
)
_TICK = timedelta(microseconds=1)
# MediaPoster wrote date and hour by its own clock's zone and the row's time by the database's.
_ZONES_APART = timedelta(hours=27)
Row = dict[str, Any]


class SnapshotTaker(Taker):
    """Snapshots, all of a post at once: only together do they tell which of them were planned."""

    table = "social_media_post_analytics"
    columns = ("id", "post_id", "snapshot_date", "snapshot_hour", *_COUNTS, "created_at")
    needed = ("post_id",)
    model = PostSnapshot

    @property
    def query(self) -> Query:
        """Post by post."""
        order = ("post_id", "snapshot_date", "snapshot_hour", "created_at", "id")
        return Query(self.table, self.columns, [_POST], order)

    def batches(self, source: Source) -> Iterator[Rows]:
        """Read whole posts, until they are many rows."""
        batch: list[Row] = []
        rows = chain.from_iterable(super().batches(source))
        for _, of_post in groupby(rows, key=lambda row: row["post_id"]):
            batch.extend(of_post)
            if len(batch) >= BATCH:
                yield batch
                batch = []
        if batch:
            yield batch

    def look_up(self, rows: Rows) -> None:
        """Find the posts and their snapshots, and work out when each row was measured."""
        self._posts = parents.posts(rows)
        for _, of_post in groupby(rows, key=lambda row: (row.get("post_platform"), row.get("post_external_post_id"))):
            self._place(list(of_post))
        found = PostSnapshot.objects.filter(post__in=list(self._posts.values()))
        here = list(found.values_list("post_id", "captured_at", "tracking_round", "check_index"))
        self._here = {(post_id, at) for post_id, at, _, _ in here}
        self._checks = {(post_id, of_round, check) for post_id, _, of_round, check in here if check is not None}

    def find(self, row: Row) -> Any:
        """Tell whether it is here."""
        post = parents.post_of(row, self._posts)
        return (post.pk, row["captured_at"]) in self._here or None

    def build(self, row: Row) -> models.Model:
        """Make a snapshot."""
        post = parents.post_of(row, self._posts)
        if (post.pk, row.get("tracking_round", 0), row.get("check_index")) in self._checks:
            # Checkback has done this check itself, since an earlier import.
            self.changed("check that was done here, too: kept beside the plan")
            row = {**row, "check_index": None, "planned_at": None, "covers": 1}
        captured_at = row["captured_at"]
        return PostSnapshot(
            post=post,
            snapshot_date=captured_at.date(),
            snapshot_hour=captured_at.hour,
            captured_at=captured_at,
            planned_at=row.get("planned_at"),
            tracking_round=row.get("tracking_round", 0),
            check_index=row.get("check_index"),
            covers=row.get("covers", 1),
            decreased=row["decreased"],
            **values.given(row, *_COUNTS, "raw_data", "parser_version", "provider", "metric_states"),
            **values.times(row, self.journey.zone, "created_at"),
        )

    def _place(self, rows: list[Row]) -> None:
        """Say of a post's rows when they were measured, what fell, and which were planned."""
        for row in rows:
            row["captured_at"] = captured_at(row, self)
            forget_defaults(row)
        rows.sort(key=lambda row: row["captured_at"])
        latest: dict[str, int] = {}
        before: datetime | None = None
        for row in rows:
            if before is not None and row["captured_at"] <= before:
                row["captured_at"] = before + _TICK
            before = row["captured_at"]
            row["decreased"] = falls.fallen(row, latest)
        post = self._posts.get((rows[0].get("post_platform") or "", rows[0].get("post_external_post_id") or ""))
        if post is not None:
            mark(rows, post, self._measured_checks(rows[0], post))

    def _measured_checks(self, row: Row, post: Post) -> int:
        """How many of the post's planned checks these rows can stand for: none when it is tracked anew since."""
        of_post = {name.removeprefix("post_"): value for name, value in row.items() if name.startswith("post_")}
        plan = row.get("plan") or plans.read(of_post, zone=self.journey.zone)
        is_same = post.tracking_round == 1 and post.tracking_started_at == plan.started_at
        return plan.checks_completed if is_same else -1


def forget_defaults(row: Row) -> None:
    """Leave out the figures that nobody measured, and work out the rate of those that somebody did."""
    row.update({name: None for name in _UNMEASURED if not row.get(name)})
    if row["engagement_rate"] is None:
        known = {metric: row[f"{metric}_count"] for metric in Metric if row.get(f"{metric}_count") is not None}
        row["engagement_rate"] = storing.engagement(known)


def captured_at(row: Row, taker: Taker) -> datetime:
    """When it was measured: the row's own time, unless it was written long after the day and hour that it names."""
    zone = taker.journey.zone
    day = row.get("snapshot_date")
    written_at = values.instant(row.get("captured_at") or row.get("created_at"), zone)
    if not isinstance(day, date):
        return written_at or taker.journey.now
    hour = min(max(row.get("snapshot_hour") or 0, 0), 23)
    named = datetime.combine(day, time(hour), tzinfo=zone).astimezone(UTC)
    if written_at is None or abs(written_at - named) > _ZONES_APART:
        return named
    return written_at


def mark(rows: list[Row], post: Post, checks: int) -> None:
    """Say which rows were planned: the first after the start, and the first at or after each of so many checks."""
    started_at = post.tracking_started_at
    if started_at is None or checks < 0:
        return
    # The first one was measured just before its post was written down.
    tracked = [row for row in rows if row["captured_at"] >= started_at - timedelta(minutes=1)]
    for row in tracked:
        row["tracking_round"] = 1
    if tracked:
        tracked[0].update(check_index=0, planned_at=started_at)
    schedule = [datetime.fromisoformat(one) for one in post.check_schedule[:checks]]
    for entry, place in plans.first_after([row["captured_at"] for row in tracked], schedule):
        row = tracked[place]
        covered = row["covers"] + 1 if row.get("check_index") else 1
        row.update(check_index=entry + 1, planned_at=schedule[entry], covers=covered)
