"""The files that MediaPoster's first scheduler kept for each post: `tracked_posts/<video_id>.json` (ORIGINS 6.5)."""

from collections.abc import Mapping
from datetime import datetime, tzinfo
from typing import Any

from socialmedia.importing import plans, thinning, values
from socialmedia.importing.plans import Plan
from socialmedia.importing.reports import CannotTake, Report
from socialmedia.importing.thinning import Measured
from socialmedia.models import Platform
from socialmedia.providers import addresses, fields
from socialmedia.providers.base import Metric
from socialmedia.tracking import storing

KIND = "tracked_posts"
_STRANGER = "unknown"
"""What MediaPoster called authors whose name it did not find. They are not one person."""
Row = dict[str, Any]


def is_one(content: Mapping[str, Any]) -> bool:
    """Tell whether it looks like such a file."""
    return "video_id" in content and "metrics_history" in content


def rows(
    content: Mapping[str, Any], *, zone: tzinfo, is_resumed: bool, report: Report, now: datetime
) -> dict[str, list[Row]]:
    """Return it as rows of MediaPoster's tables. Raises CannotTake."""
    video_id = fields.key(content.get("video_id"))
    if not addresses.is_id(video_id):
        raise CannotTake("its video_id is not the id of a post")
    history = _history(content, zone, report)
    plan = _plan(content, history, zone=zone, is_resumed=is_resumed, now=now)
    author = _author(content)
    account = {"platform": Platform.TIKTOK.value, "username": author, "external_id": None}
    key = {"platform": Platform.TIKTOK.value, "external_post_id": video_id}
    of_account = {f"account_{name}": value for name, value in account.items()}
    title = fields.storable(fields.text(content.get("title")))
    url = addresses.canonical(video_id, author)
    post = {**key, **of_account, "post_url": url, "caption": title, "created_at": plan.started_at, "plan": plan}
    kept = thinning.thin(history, plan.schedule)
    if dropped := len(history) - len(kept):
        report.of(KIND).changed["entry of a long history left away"] += dropped
    of_post = {f"post_{name}": value for name, value in key.items()}
    return {
        "accounts": [{**account, "created_at": plan.started_at}],
        "posts": [post],
        "snapshots": [{**of_post, "plan": plan, **_snapshot(one)} for one in kept],
    }


def _author(content: Mapping[str, Any]) -> str:
    try:
        in_url = addresses.parse(fields.text(content.get("url"))).username
    except addresses.NotAPost:
        in_url = ""
    author = fields.storable(fields.key(content.get("author"))).removeprefix("@")
    author = in_url if author in {"", _STRANGER} else author
    if not author:
        raise CannotTake("it does not say whose post it is")
    return str(author)


def _history(content: Mapping[str, Any], zone: tzinfo, report: Report) -> list[Measured]:
    entries = content.get("metrics_history")
    if not isinstance(entries, list):
        raise CannotTake("its metrics_history is not a list")
    found = []
    for entry in entries:
        at = values.instant(entry.get("timestamp"), zone) if isinstance(entry, Mapping) else None
        if at is None:
            report.of(KIND).changed["entry without a time left away"] += 1
        else:
            found.append(Measured(at, tuple(fields.count(entry.get(str(metric))) for metric in Metric)))
    return found


def _plan(
    content: Mapping[str, Any], history: list[Measured], *, zone: tzinfo, is_resumed: bool, now: datetime
) -> Plan:
    times = sorted(one.at for one in history)
    schedule = values.instants(content.get("check_schedule"), zone)
    if schedule is None:
        raise CannotTake("its check_schedule is not a list of times")
    begun = values.instant(content.get("created_at"), zone)
    candidates = [begun] if begun else [*times[:1], *sorted(schedule)[:1]]
    if not candidates:
        raise CannotTake("it does not say when tracking began")
    return plans.trim(
        Plan(started_at=candidates[0], schedule=tuple(sorted(set(schedule)))),
        measured_until=times[-1] if times else candidates[0],
        is_complete=content.get("is_complete") is True,
        is_resumed=is_resumed,
        now=now,
    )


def _snapshot(one: Measured) -> Row:
    counts = dict(zip(Metric, one.counters, strict=True))
    known = {metric: count for metric, count in counts.items() if count is not None}
    return {
        "captured_at": one.at,
        **{f"{metric}_count": count for metric, count in counts.items()},
        "engagement_rate": storing.engagement(known),
        "metric_states": {str(metric): "hidden" for metric, count in counts.items() if count is None},
    }
