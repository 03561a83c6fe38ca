"""The tables and charts below a post: its figures, its curve, every look at it, and what is written about it."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timesince import timesince

from jobs import console
from socialmedia.admin import drawing
from socialmedia.admin.words import shortened
from socialmedia.metrics import analytics, comparing, growth, reading
from socialmedia.metrics.curves import NEAR_HOURS, NEAR_SHARE, Kind, Point, Why
from socialmedia.models import Comment, Post, PostAlert, PostHashtag, PostSnapshot, SnapshotOutcome
from socialmedia.providers.base import Metric

SHOWN_LOOKS = 60
SHOWN_COMMENTS = 20
DRAWN = (Metric.VIEWS, Metric.LIKES)
ON_TIME = timedelta(minutes=1)
GAPS = {Why.HIDDEN: "hidden", Why.UNAVAILABLE: "not known"}


def all_of(post: Post) -> list[console.Panel]:
    """Everything known of a post, in eight queries."""
    snapshots = reading.snapshots_of(post.pk)
    current = reading.newest_round(snapshots)
    return [
        _curve(post, current),
        _figures(current),
        _looks(snapshots),
        _comments(post),
        _hashtags(post),
        _alerts(post),
    ]


def counter(value: int | None, *, is_hidden: bool = False) -> str:
    """A number as people read it."""
    if value is None:
        return "hidden" if is_hidden else console.NOTHING
    return f"{value:,}"


def changed(by: int | None) -> str:
    """A change with its sign; nothing when there is none."""
    return f"{by:+,}" if by else ""


def _figures(snapshots: Sequence[PostSnapshot]) -> console.Panel:
    measured = [row for row in snapshots if row.outcome == SnapshotOutcome.MEASURED]
    rate = analytics.engagement_of(measured[-1]) if measured else None
    return console.Panel(
        "Figures",
        ["Counter", "Now", "Since the look before", "Since the start", "Per hour"],
        [_figure(measured, metric) for metric in Metric] if measured else [],
        empty="Nothing has been measured yet.",
        footer="" if rate is None else f"Engagement: {rate:.2f} % of the views became a like, a comment or a share.",
        is_grid=True,
    )


def _figure(measured: Sequence[PostSnapshot], metric: Metric) -> tuple[str, ...]:
    values = reading.values_of(measured, metric)
    since_last = growth.latest(values)
    grown = growth.overall(values) if since_last else None  # of one look nobody can say
    return (
        metric.capitalize(),
        _shown(measured[-1], metric),
        changed(since_last.change) or "±0" if since_last else console.NOTHING,
        changed(grown.change) or "±0" if grown else console.NOTHING,
        f"{grown.per_hour:+,.2f}" if grown else console.NOTHING,
    )


def _shown(row: PostSnapshot, metric: Metric) -> str:
    states: Mapping[str, str] = row.metric_states
    return counter(reading.value_of(row, metric), is_hidden=states.get(metric) == Why.HIDDEN)


def _curve(post: Post, snapshots: Sequence[PostSnapshot]) -> console.Panel:
    title = "At the hours of its plan"
    start = reading.start_of(post) or (snapshots[0].captured_at if snapshots else None)
    if start is None or not snapshots:
        return console.Panel(title, [], [], empty="Nothing has been measured yet.")
    ages = reading.ages_of(post, snapshots, start=start)
    points = {metric: comparing.points_of(snapshots, metric, ages, start=start) for metric in Metric}
    reached = (snapshots[-1].captured_at - start) / timedelta(hours=1) * (1 + NEAR_SHARE) + NEAR_HOURS
    usual = comparing.usual(post.account_id, metrics=DRAWN, ages=ages, base=post.check_base, but=post.pk)
    return console.Panel(
        title,
        ["Age", *(metric.capitalize() for metric in Metric), "Usual views", "Usual likes"],
        [
            (
                drawing.age_words(hours),
                *(_point(of[place], is_ahead=hours > reached) for of in points.values()),
                *(_point(of[place]) for of in usual.values()),
            )
            for place, hours in enumerate(ages)
        ],
        footer=f"≈ lies between two looks; dashed in the chart. Usual: the median of @{post.account.username}'s other "
        f"posts at that age, from {comparing.LEAST_FOR_USUAL} posts on. Ages count from {_base(post)}.",
        charts=[
            drawing.beside_usual(
                metric.capitalize(),
                _summary(snapshots, metric),
                ages,
                points[metric],
                (f"Usual of @{post.account.username}", usual[metric]),
            )
            for metric in DRAWN
        ],
        is_grid=True,
    )


def _base(post: Post) -> str:
    return "its publication" if post.check_base == "posting" else "the start of tracking"


def _summary(snapshots: Sequence[PostSnapshot], metric: Metric) -> str:
    known = [(at, value) for at, value in reading.values_of(snapshots, metric) if value is not None]
    if not known:
        return "The network does not show them."
    (began, first), (ended, last) = known[0], known[-1]
    if began == ended:
        return f"{last:,} when it was looked at for the first time."
    return f"From {first:,} to {last:,} in {_span(began, ended)}."


def _point(point: Point, *, is_ahead: bool = False) -> str:
    """A value of the curve. Ahead of the latest look nobody knows what the network will show."""
    if point.value is None:
        return console.NOTHING if is_ahead else GAPS.get(point.why, console.NOTHING) if point.why else console.NOTHING
    return f"≈ {point.value:,}" if point.kind is Kind.INTERPOLATED else f"{point.value:,}"


def _looks(snapshots: Sequence[PostSnapshot]) -> console.Panel:
    rows = snapshots[::-1][:SHOWN_LOOKS]
    more = len(snapshots) - len(rows)
    return console.Panel(
        "Looks at it",
        ["Planned", "Measured", *(metric.capitalize() for metric in Metric), "Remarks"],
        [
            (_moment(row.planned_at), _measured(row), *(_shown(row, metric) for metric in Metric), _remarks(row))
            for row in rows
        ],
        empty="Nobody has looked at it yet.",
        footer=f"The newest {SHOWN_LOOKS}; {more:,} are older." if more else "",
        is_grid=True,
    )


def _moment(value: datetime | None) -> str:
    return timezone.localtime(value).strftime("%Y-%m-%d %H:%M") if value else console.NOTHING


def _measured(row: PostSnapshot) -> SafeString | str:
    if row.planned_at is None or row.captured_at - row.planned_at < ON_TIME:
        return _moment(row.captured_at)
    return format_html("{}, {} late", _moment(row.captured_at), _span(row.planned_at, row.captured_at))


def _span(since: datetime, until: datetime) -> str:
    return timesince(since, until, depth=1).replace("\xa0", " ")


def _remarks(row: PostSnapshot) -> str:
    said = []
    if row.outcome == SnapshotOutcome.UNAVAILABLE:
        said.append(f"Unavailable: {row.reason or 'nobody says why'}")
    if row.check_index == 0:
        said.append("start of tracking" + (f", round {row.tracking_round}" if row.tracking_round > 1 else ""))
    if row.check_index is None:
        said.append("not planned")
    if row.covers > 1:
        said.append(f"stands for {row.covers} checks")
    if row.decreased:
        said.append("fewer " + ", ".join(str(metric) for metric in row.decreased) + " than before")
    if row.viral_score is not None:
        said.append(f"{row.viral_score:.1f} times the usual views")
    text = "; ".join(said)
    return text[:1].upper() + text[1:] if text else console.NOTHING


def _comments(post: Post) -> console.Panel:
    rows = list(Comment.objects.filter(post=post).defer("raw_data").order_by("-commented_at")[:SHOWN_COMMENTS])
    return console.Panel(
        "Comments",
        ["When", "Who", "Words", "Likes", "Sounds"],
        [
            (
                console.when(row.commented_at),
                f"@{row.author_username}" if row.author_username else row.author_display_name or console.NOTHING,
                ("↳ " if row.is_reply else "") + shortened(row.comment_text, 200),
                counter(row.likes_count),
                row.get_sentiment_display() or console.NOTHING,
            )
            for row in rows
        ],
        empty="None are stored. Fetch comments asks the network for them.",
        footer=console.listing(Comment, "All comments of this post", post__id__exact=str(post.pk)) if rows else "",
    )


def _hashtags(post: Post) -> console.Panel:
    rows = PostHashtag.objects.filter(post=post).select_related("hashtag").order_by("position")
    return console.Panel(
        "Hashtags",
        ["Hashtag", "Posts here that use it", "Their latest views"],
        [(console.link(row.hashtag), f"{row.hashtag.total_uses:,}", f"{row.hashtag.total_views:,}") for row in rows],
        empty="Its words have none.",
    )


def _alerts(post: Post) -> console.Panel:
    return console.Panel(
        "Alerts",
        ["When", "What", "At age", "Seen by"],
        [
            (console.link(row, _moment(row.created_at)), str(row), f"{row.at_hours:,.1f} h", row.seen_by or "nobody")
            for row in PostAlert.objects.filter(post=post)
        ],
        empty="It never was far above what its account's posts usually have.",
    )
