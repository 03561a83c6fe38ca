"""Posts and snapshots for tests."""

from collections.abc import Sequence
from datetime import timedelta
from itertools import count
from typing import Any

from socialmedia.models import Account, Post, PostSnapshot, TrackingState
from tests.socialmedia.factories import NOON

OFFSETS = (1, 6, 12, 24, 48, 72, 168, 336, 720)
HOUR = timedelta(hours=1)
_numbers = count(7_300_000_000_000_000_000)


def make_creator(username: str = "ada") -> Account:
    """Somebody on TikTok."""
    return Account.objects.get_or_create(platform="tiktok", username=username)[0]


def make_post(account: Account | None = None, *, offsets: Sequence[float] = OFFSETS, **values: Any) -> Post:
    """A post whose tracking began at noon; `tracking_state` says how it went on."""
    number, account = next(_numbers), account or make_creator()
    start = values.pop("tracking_started_at", NOON)
    state = values.setdefault("tracking_state", TrackingState.ACTIVE)
    fields: dict[str, Any] = {
        "external_post_id": str(number),
        "post_url": f"https://www.tiktok.com/@{account.username}/video/{number}",
        "caption": "A fine day #sun",
        "tracking_started_at": None if state == TrackingState.UNTRACKED else start,
        "tracking_round": 0 if state == TrackingState.UNTRACKED else 1,
        "tracking_complete": state == TrackingState.COMPLETE,
        "check_offsets": list(offsets),
        "check_schedule": [(start + hours * HOUR).isoformat() for hours in offsets],
        "next_check_at": start + offsets[0] * HOUR if state == TrackingState.ACTIVE else None,
    }
    return Post.objects.create(account=account, platform=account.platform, **{**fields, **values})


def make_snapshot(post: Post, *, hours: float = 0, views: int | None = 100, **values: Any) -> PostSnapshot:
    """What a post had so many hours after its tracking began. Counters are given as `likes=3`; None: hidden."""
    at = (post.tracking_started_at or NOON) + hours * HOUR
    counters = {
        "views": views,
        **{name: values.pop(name) for name in ("likes", "comments", "shares", "saves") if name in values},
    }
    fields: dict[str, Any] = {
        "captured_at": at,
        "snapshot_date": at.date(),
        "snapshot_hour": at.hour,
        "tracking_round": post.tracking_round,
        "metric_states": {name: "hidden" for name, value in counters.items() if value is None},
        **{f"{name}_count": value for name, value in counters.items()},
    }
    return PostSnapshot.objects.create(post=post, **{**fields, **values})
