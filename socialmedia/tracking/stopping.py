"""Ending the tracking of a post, taking it up again, and beginning anew. Each is refused in one sentence otherwise."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog
from django.db import DataError, transaction

from socialmedia.metrics import alerts
from socialmedia.models import CheckBase, Post, TrackingState
from socialmedia.tracking import plan, progress, starting, states, storing, timetable
from socialmedia.tracking.starting import PATIENCE, CannotTrack, Tracked

log = structlog.get_logger(__name__)

_ENDED = (TrackingState.COMPLETE, TrackingState.STOPPED, TrackingState.UNAVAILABLE)


def stop(post_id: int, *, by: str, now: datetime) -> Post:
    """Check the post no more. A check that runs now records nothing.

    Raises:
        UnknownPost: there is no such post.
        WrongState: it is not tracked now.
    """
    with transaction.atomic():
        post = states.locked(post_id)
        states.require(post, TrackingState.ACTIVE, instead="there is nothing to stop.")
        Post.objects.filter(pk=post_id).update(
            tracking_state=TrackingState.STOPPED,
            next_check_at=None,
            stopped_at=now,
            stopped_by=by,
            checking_token=None,
            checking_until=None,
        )
        timetable.drop(post_id, now=now)
    log.info("post.tracking_stopped", post_id=post_id, by=by)
    return states.find(post_id)


def resume(post_id: int, *, by: str, now: datetime) -> Post:
    """Go on with the plan of a stopped post. Checks that were planned meanwhile are left out; if none is left, the post
    is complete.

    Raises:
        UnknownPost: there is no such post.
        WrongState: it was not stopped.
    """
    with transaction.atomic():
        post = states.locked(post_id)
        states.require(post, TrackingState.STOPPED, instead="only what was stopped can be resumed.")
        planned = progress.next_planned(post_id)
        Post.objects.filter(pk=post_id).update(
            tracking_state=TrackingState.ACTIVE, next_check_at=planned or now, stopped_at=None, stopped_by=""
        )
        if planned is None or planned <= now:
            progress.advance(post_id, checked_at=now)
        post = states.find(post_id)
        timetable.keep(post, now=now)
    log.info("post.tracking_resumed", post_id=post_id, by=by)
    return post


def restart(
    post_id: int,
    *,
    offsets: str | Sequence[object] | None = None,
    base: str = CheckBase.TRACKING_START,
    by: str,
    patience: timedelta = PATIENCE,
    now: datetime,
) -> Tracked:
    """Begin another round: a new plan from now, by the offsets it had unless others are given, and a first snapshot.
    What was measured before stays. Must not be called inside a transaction.

    Raises:
        UnknownPost: there is no such post.
        WrongState: it is tracked now, or never was.
        BadOffsets: no checks can be planned like this.
        ProviderError: the provider does not show the post. CannotTrack: its answer cannot be kept.
        In each case nothing changes.
    """
    post = states.find(post_id)
    _require_ended(post)
    wanted = plan.read_offsets(offsets if offsets is not None else post.check_offsets or plan.default_offsets())
    counted_from = plan.read_base(base)
    seen = starting.see(
        post.post_url,
        platform=post.platform,
        post_id=post.external_post_id,
        provider_name=post.provider,
        patience=patience,
        now=now,
    )
    made = plan.make(wanted, base=counted_from, posted_at=seen.video.posted_at, now=now)
    try:
        with transaction.atomic(durable=True):
            post = storing.store_video(seen.video, provider=seen.provider, now=seen.at)  # and locks it
            _require_ended(post)
            tracked = starting.begin(post, seen, made, now=now)
    except (DataError, UnicodeEncodeError) as error:
        raise CannotTrack(f"The provider's answer cannot be kept: {error}") from error
    log.info("post.tracking_restarted", post_id=post_id, by=by)
    alerts.look(post_id, now=seen.at)
    return tracked


def _require_ended(post: Post) -> None:
    states.require(post, *_ENDED, instead="tracking begins anew when it is complete, stopped or unavailable.")
