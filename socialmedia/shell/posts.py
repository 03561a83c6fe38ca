"""Posts under tracking at a shell: the list, one post's figures, and what a check brought."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from rich.table import Table
from rich.text import Text

from jobs import terminal
from socialmedia.metrics import reading
from socialmedia.models import Post, PostSnapshot, TrackingState
from socialmedia.providers.base import Metric
from socialmedia.shell import figures

CURVE: Final = 12
"""So many snapshots are drawn in a list."""
STATE_COLORS: Final = {
    TrackingState.UNTRACKED: "dim",
    TrackingState.ACTIVE: "cyan",
    TrackingState.STOPPED: "yellow",
    TrackingState.COMPLETE: "green",
    TrackingState.UNAVAILABLE: "red",
}
CHECKED: Final = (Metric.LIKES, Metric.VIEWS, Metric.COMMENTS, Metric.SHARES)
_SHOWN: Final = (Metric.VIEWS, Metric.LIKES, Metric.COMMENTS, Metric.SHARES, Metric.SAVES)


def listed(rows: Sequence[Mapping[str, Any]], *, now: datetime) -> Table:
    """The list of tracked posts, as `metrics.analytics.tracked` gives it."""
    curves = reading.latest([row["id"] for row in rows], most=CURVE)
    table = terminal.table("Id", "State", "Author", "Views", "Curve", "Likes", "Checks", "Next", "Caption")
    for row in rows:
        table.add_row(
            str(row["id"]),
            state(row["state"]),
            _foreign(f"@{row['username']}"),
            figures.count(row["current_views"]),
            figures.of_snapshots(reading.newest_round(curves[row["id"]]), Metric.VIEWS),
            figures.count(row["current_likes"]),
            str(row["checks_completed"]),
            _when(row["next_check_at"], now),
            _foreign(row["caption"][:40]),
        )
    return table


def facts(found: Mapping[str, Any], post: Post, *, now: datetime) -> Table:
    """What one post is and how its tracking stands."""
    table = terminal.pairs()
    table.add_row("post", f"{found['post_id']} ({found['video_id']})")
    table.add_row("author", _foreign(f"@{found['author']}"))
    table.add_row("caption", _foreign(found["caption"] or terminal.NOTHING))
    table.add_row("address", _foreign(found["url"]))
    table.add_row("state", Text.assemble(state(found["state"]), _why(post)))
    if found["tracking_started"]:
        table.add_row("tracked", f"since {terminal.exact(datetime.fromisoformat(found['tracking_started']))}")
        table.add_row("checks", f"{found['checks_completed']} done, {found['checks_remaining']} to come")
        table.add_row("next", _when(found["next_check"], now))
    table.add_row("snapshots", str(found["total_snapshots"]))
    if found.get("engagement_rate") is not None:
        table.add_row("engagement", f"{found['engagement_rate']} %")
    return table


def measured(found: Mapping[str, Any]) -> Table:
    """A post's counters: now, at the start of tracking, what lies between, and the curve over the plan's ages."""
    table = terminal.table("", "Now", "At start", "Growth", "Per hour", "Curve")
    for metric in _SHOWN:
        points = found["curve"][metric]
        why = figures.why_nothing(points)
        table.add_row(
            metric,
            figures.count(found["current_metrics"][metric], without=why),
            figures.count(found["initial_metrics"][metric], without=why),
            figures.change(found["growth"][metric]),
            figures.rate(found["growth_rate"].get(f"{metric}_per_hour")),
            figures.curve(points),
        )
    return table


def summary(snapshot: PostSnapshot) -> str:
    """What a first look saw."""
    return ", ".join(f"{metric} {figures.of_snapshot(snapshot, metric)}" for metric in _SHOWN)


def difference(before: PostSnapshot | None, after: PostSnapshot) -> str:
    """What a check brought: old and new views and likes."""
    return ", ".join(_step(metric, before, after) for metric in (Metric.VIEWS, Metric.LIKES))


def counters(snapshot: PostSnapshot | None, metrics: Iterable[Metric]) -> dict[str, int | None]:
    """A snapshot's counters, for JSON; without a snapshot nothing is known."""
    return {metric.value: reading.value_of(snapshot, metric) if snapshot else None for metric in metrics}


def state(value: str) -> Text:
    """A state in its color, in people's words."""
    known = TrackingState(value)
    return Text(known.label.lower(), style=STATE_COLORS[known])


def _step(metric: Metric, before: PostSnapshot | None, after: PostSnapshot) -> str:
    old, new = (None if row is None else reading.value_of(row, metric) for row in (before, after))
    if old is None or new is None:
        return f"{metric} {figures.of_snapshot(after, metric)}"
    return f"{metric} {old:,} -> {new:,} ({figures.change(new - old)})"


def _why(post: Post) -> str:
    if post.tracking_state == TrackingState.UNAVAILABLE:
        since = f" since {terminal.exact(post.deleted_at)}" if post.deleted_at else ""
        return terminal.printable(f"{since}: {post.check_error}" if post.check_error else since)
    if post.tracking_state == TrackingState.STOPPED and post.stopped_at:
        return terminal.printable(f" by {post.stopped_by} on {terminal.exact(post.stopped_at)}")
    return terminal.printable(f", last try failed: {post.check_error}" if post.failed_checks else "")


def _when(text: str | None, now: datetime) -> str:
    return terminal.NOTHING if text is None else terminal.relative(datetime.fromisoformat(text), now)


def _foreign(words: str) -> Text:
    return Text(terminal.printable(words.replace("\n", " ")))
