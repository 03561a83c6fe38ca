"""Putting a post under tracking: its first snapshot, its plan and its first job, in one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic
from typing import Final

import structlog
from django.db import DataError, transaction

from socialmedia import conf
from socialmedia.metrics import alerts
from socialmedia.models import Platform, Post, PostSnapshot, TrackingState
from socialmedia.providers import addresses, choosing
from socialmedia.providers.base import NotOffered, Provider, Unreachable, Video
from socialmedia.tracking import authors, plan, storing, timetable

log = structlog.get_logger(__name__)

PATIENCE: Final = timedelta(seconds=5)
"""How long a call waits for its place in the provider's budget, unless told otherwise."""


class CannotTrack(ValueError):
    """The provider knows the post, but what it says of it cannot be kept; the message says why."""


@dataclass(frozen=True)
class Tracked:
    """A post under tracking, and what was measured of it last. Not new: it was there already, in whatever state."""

    post: Post
    snapshot: PostSnapshot | None
    is_new: bool


@dataclass(frozen=True)
class Seen:
    """What a provider answered, and when."""

    video: Video
    provider: Provider
    at: datetime


def track(
    url: str,
    *,
    offsets: str | Sequence[object] | None = None,
    base: str | None = None,
    by: str,
    provider_name: str = "",
    patience: timedelta = PATIENCE,
    now: datetime,
) -> Tracked:
    """Track the post at this address; of any number at once, one begins. One that was put under tracking before is
    left as it is: see `stopping.resume` and `stopping.restart`. Must not be called inside a transaction.

    Raises:
        NotAPost: the address leads to no post.
        BadOffsets: no checks can be planned like this.
        ProviderError: the provider does not show the post. Gone: it is not there.
        CannotTrack: its answer cannot be kept.
        In each case nothing is stored.
    """
    address = addresses.parse(url)
    wanted = plan.read_offsets(offsets) if offsets is not None else plan.default_offsets()
    counted_from = plan.read_base(base or conf.tracking().base)
    known = find_tracked(address.post_id) if address.post_id else None
    if known is not None:
        return Tracked(known, storing.latest(known.pk), is_new=False)
    seen = see(address.url, post_id=address.post_id, provider_name=provider_name, patience=patience, now=now)
    made = plan.make(wanted, base=counted_from, posted_at=seen.video.posted_at, now=now)
    try:
        tracked = _begin_once(seen, made, now=now)
    except (authors.NoAuthor, DataError, UnicodeEncodeError) as error:
        raise CannotTrack(f"The provider's answer cannot be kept: {error}") from error
    if tracked.is_new:
        log.info("post.tracked", post_id=tracked.post.pk, by=by)
        alerts.look(tracked.post.pk, now=seen.at)
    return tracked


def find_tracked(external_post_id: str, *, platform: str = Platform.TIKTOK) -> Post | None:
    """The post with the network's id, if it was ever put under tracking."""
    tracked = Post.objects.exclude(tracking_state=TrackingState.UNTRACKED)
    return tracked.filter(platform=platform, external_post_id=external_post_id).first()


def see(
    address: str,
    *,
    platform: str = Platform.TIKTOK,
    post_id: str,
    provider_name: str,
    patience: timedelta,
    now: datetime,
) -> Seen:
    """Ask the provider for a post. With `post_id` the answer must be of that one. Raises ProviderError."""
    began = monotonic()
    provider = choosing.find(provider_name, patience=patience)
    if provider.platform != platform:
        raise NotOffered(f"{provider.name} does not know posts of {platform}.")
    video = provider.video(address)
    if post_id and video.external_post_id != post_id:
        raise Unreachable(f"{provider.name} answered with another post than the one it was asked for.")
    return Seen(video, provider, now + timedelta(seconds=monotonic() - began))


def begin(post: Post, seen: Seen, made: plan.Plan, *, now: datetime) -> Tracked:
    """Begin a round of tracking with its first snapshot. Needs a transaction in which the post's row is locked."""
    Post.objects.filter(pk=post.pk).update(
        **_fresh_round(made, now=now),
        tracking_round=post.tracking_round + 1,
        provider=seen.provider.name,
        last_checked_at=seen.at,
    )
    post = Post.objects.get(pk=post.pk)
    snapshot = storing.record_snapshot(
        post, seen.video, provider=seen.provider, captured_at=seen.at, check_index=0, planned_at=now
    )
    timetable.keep(post, now=now)
    return Tracked(post, snapshot, is_new=True)


def _begin_once(seen: Seen, made: plan.Plan, *, now: datetime) -> Tracked:
    with transaction.atomic(durable=True):
        post = storing.store_video(seen.video, provider=seen.provider, now=seen.at)  # and locks it
        if post.tracking_state == TrackingState.UNTRACKED:
            return begin(post, seen, made, now=now)
    return Tracked(post, storing.latest(post.pk), is_new=False)


def _fresh_round(made: plan.Plan, *, now: datetime) -> dict[str, object]:
    return {
        "tracking_state": TrackingState.ACTIVE,
        "tracking_complete": False,
        "tracking_started_at": now,
        "check_schedule": plan.as_texts(made.instants),
        "check_offsets": list(made.offsets),
        "check_base": made.base,
        "next_check_at": made.instants[0],
        "checks_completed": 0,
        "stopped_at": None,
        "stopped_by": "",
        "deleted_at": None,
        "failed_checks": 0,
        "gone_checks": 0,
        "gone_since": None,
        "check_error_code": "",
        "check_error": "",
        "checking_token": None,
        "checking_until": None,
    }
