"""One check of one post: take the lease, ask the provider, record what it said. Any number may try at once."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from time import monotonic
from typing import Any, Final
from uuid import UUID, uuid4

import structlog
from django.db import DataError, transaction
from django.db.models import Q
from django.db.models.functions import Now

from jobs import outcomes
from socialmedia import conf
from socialmedia.metrics import alerts
from socialmedia.models import PendingCheckback, Platform, Post, PostSnapshot, TrackingState
from socialmedia.providers.base import Gone, ProviderError, Unreachable
from socialmedia.tracking import failing, plan, progress, starting, states, storing, timetable
from socialmedia.tracking.starting import PATIENCE, Seen

log = structlog.get_logger(__name__)

_LONGEST_ERROR: Final = 200
_FORGIVEN: Final[Mapping[str, Any]] = {
    "failed_checks": 0,
    "gone_checks": 0,
    "gone_since": None,
    "check_error_code": "",
    "check_error": "",
}
_SHORTEST_LEASE: Final = timedelta(minutes=2)


class Outcome(StrEnum):
    """How a check went."""

    MEASURED = "measured"
    FAILED = "failed"
    """Nothing could be measured; it is tried again."""
    GONE = "gone"
    """The post is not there any more, or was not to be seen for long, and is not looked for again."""
    NOT_DUE = "not_due"
    BUSY = "busy"
    """Somebody else checks it this moment."""
    NOT_TRACKED = "not_tracked"


@dataclass(frozen=True)
class Checked:
    """What a check did. `post` is as it was left."""

    post: Post
    outcome: Outcome
    snapshot: PostSnapshot | None = None
    """What was recorded now."""
    before: PostSnapshot | None = None
    """What had been measured before that."""
    error: ProviderError | None = None
    """Why nothing was measured."""


@dataclass(frozen=True)
class _Claim:
    """The right to record what a post shows now. `post` is as it was claimed."""

    post: Post
    token: UUID


@dataclass(frozen=True)
class _Entry:
    """Which planned checks a check stands for; none: it came between them."""

    check_index: int | None = None
    planned_at: datetime | None = None
    covers: int = 1


class _Lost(Exception):
    """The claim ran out, and the post is somebody else's or not tracked any more. Roll back."""


def lease() -> timedelta:
    """Longer than any check takes. Who is silent for so long is taken for dead."""
    return max(_SHORTEST_LEASE, conf.provider().timeout + timedelta(minutes=1))


def due(limit: int, *, now: datetime) -> list[PendingCheckback]:
    """The TikTok posts to check, soonest first, as the database's view has them."""
    return list(PendingCheckback.objects.filter(platform=Platform.TIKTOK, next_check_at__lte=now)[:limit])


def _nothing_else() -> None:
    pass


def check(
    post_id: int,
    *,
    force: bool = False,
    settle: Callable[[], None] = _nothing_else,
    patience: timedelta = PATIENCE,
    now: datetime,
) -> Checked:
    """Check a post that is due; with `force` any that is tracked: before its time that leaves the plan as it is. What
    the provider answers with, errors too, becomes a result. `settle` is called in the transaction that ends the check,
    whatever its outcome but BUSY. Must not be called inside a transaction.

    Raises:
        UnknownPost: there is no such post.
    """
    claim = _claim(post_id, force=force, now=now)
    checked = None if claim is None else _carry_out(claim, settle, patience=patience, now=now)
    if checked is None:
        return _leave(post_id, settle, force=force, now=now)
    if checked.outcome == Outcome.MEASURED and checked.snapshot is not None:
        alerts.look(post_id, now=checked.snapshot.captured_at)
    return checked


def _claim(post_id: int, *, force: bool, now: datetime) -> _Claim | None:
    """Take the post by one statement; the lease runs by the database's clock."""
    free = Q(checking_until=None) | Q(checking_until__lte=Now())
    posts = Post.objects.filter(free, pk=post_id, tracking_state=TrackingState.ACTIVE)
    if not force:
        posts = posts.filter(next_check_at__lte=now)
    token = uuid4()
    if not posts.update(checking_token=token, checking_until=Now() + lease()):
        return None
    post = Post.objects.filter(pk=post_id).first()
    return None if post is None else _Claim(post, token)  # deleted since


def _carry_out(claim: _Claim, settle: Callable[[], None], *, patience: timedelta, now: datetime) -> Checked | None:
    """Ask, and record what came of it. None: the claim was lost meanwhile, and nothing is recorded."""
    began = monotonic()
    try:
        try:
            return _record(claim, _ask(claim.post, patience=patience, now=now), settle)
        except (ProviderError, DataError, UnicodeEncodeError) as error:
            at = now + timedelta(seconds=monotonic() - began)
            return _record_failure(claim, _as_provider_error(error), settle, at=at)
    except _Lost:
        log.info("post_check.lost", post_id=claim.post.pk)
        return None


def _ask(post: Post, *, patience: timedelta, now: datetime) -> Seen:
    return starting.see(
        post.post_url,
        platform=post.platform,
        post_id=post.external_post_id,
        provider_name=post.provider,
        patience=patience,
        now=now,
    )


def _as_provider_error(error: Exception) -> ProviderError:
    """What the database does not take was no usable answer."""
    if isinstance(error, ProviderError):
        return error
    return Unreachable(f"The provider's answer cannot be kept: {str(error).strip()[:_LONGEST_ERROR]}")


def _record(claim: _Claim, seen: Seen, settle: Callable[[], None]) -> Checked:
    """The snapshot, the progress and the next job, or nothing of it. Raises _Lost."""
    before = storing.latest(claim.post.pk)
    with transaction.atomic(durable=True):
        storing.store_video(seen.video, provider=seen.provider, now=seen.at)
        post = _held(claim)
        entry = _pass_entries(post, at=seen.at)
        snapshot = storing.record_snapshot(
            post,
            seen.video,
            provider=seen.provider,
            captured_at=seen.at,
            check_index=entry.check_index,
            planned_at=entry.planned_at,
            covers=entry.covers,
        )
        changes = {**_FORGIVEN, "provider": seen.provider.name, "last_checked_at": seen.at}
        post = _let_go(post, changes, settle, now=seen.at)
    return Checked(post, Outcome.MEASURED, snapshot=snapshot, before=before)


def _record_failure(claim: _Claim, error: ProviderError, settle: Callable[[], None], *, at: datetime) -> Checked:
    """What the failure says of the post, and the next try; or its end. Raises _Lost."""
    before = storing.latest(claim.post.pk)
    with transaction.atomic(durable=True):
        post = _held(claim)
        known = failing.Record(post.failed_checks, post.gone_checks, post.gone_since)
        ends_at = [post.tracking_started_at or at, *plan.from_texts(post.check_schedule[-1:])][-1]
        verdict = failing.judge(error, known, ends_at=ends_at, now=at, jitter=random.random())  # noqa: S311
        changes: dict[str, Any] = {"check_error_code": error.code, "check_error": outcomes.storable(str(error))}
        if verdict.record != known:
            changes.update(
                failed_checks=verdict.record.failed,
                gone_checks=verdict.record.gone,
                gone_since=verdict.record.gone_since,
                last_checked_at=at,
            )
        snapshot = None
        planned = progress.next_planned(post.pk)
        if verdict.is_dead:
            snapshot = _bury(post, str(error), planned, at=at)
            changes.update(tracking_state=TrackingState.UNAVAILABLE, next_check_at=None)
            changes["deleted_at"] = at if isinstance(error, Gone) else None
        else:
            # Before its time, as somebody wished: the plan stands.
            changes["next_check_at"] = planned if planned is not None and planned > at else verdict.retry_at
        post = _let_go(post, changes, settle, now=at)
    log.info("post_check.failed", post_id=post.pk, code=error.code, is_dead=verdict.is_dead)
    outcome = Outcome.GONE if verdict.is_dead else Outcome.FAILED
    return Checked(post, outcome, snapshot=snapshot, before=before, error=error)


def _held(claim: _Claim) -> Post:
    """The post, locked, if the claim still holds it. Raises _Lost."""
    post = states.locked(claim.post.pk)
    if post.checking_token != claim.token or post.tracking_state != TrackingState.ACTIVE:
        raise _Lost
    return post


def _pass_entries(post: Post, *, at: datetime) -> _Entry:
    """Leave behind the planned checks that are over at this time, if any."""
    planned = progress.next_planned(post.pk)
    if planned is not None and planned > at:
        Post.objects.filter(pk=post.pk).update(next_check_at=planned)
        return _Entry()
    progress.advance(post.pk, checked_at=at)
    behind = Post.objects.values_list("checks_completed", flat=True).get(pk=post.pk)
    # Measured against the last of them: that one was due most lately.
    planned_at = plan.from_texts(post.check_schedule[behind - 1 : behind])
    return _Entry(behind, planned_at[0] if planned_at else None, behind - post.checks_completed)


def _bury(post: Post, reason: str, planned: datetime | None, *, at: datetime) -> PostSnapshot:
    """The last row of a post's curve: from here on nothing can be measured."""
    is_planned = planned is not None and planned <= at
    return storing.record_absence(
        post,
        outcomes.storable(reason),
        captured_at=at,
        check_index=post.checks_completed + 1 if is_planned else None,
        planned_at=planned if is_planned else None,
    )


def _let_go(post: Post, changes: Mapping[str, Any], settle: Callable[[], None], *, now: datetime) -> Post:
    """Write what changed, give the lease back, end the job that asked, and see to the next one."""
    Post.objects.filter(pk=post.pk).update(**changes, checking_token=None, checking_until=None)
    settle()
    post = Post.objects.get(pk=post.pk)
    timetable.keep(post, now=now)
    return post


def _leave(post_id: int, settle: Callable[[], None], *, force: bool, now: datetime) -> Checked:
    """Nothing was done: say why, and see to it that the post has its job. Raises UnknownPost."""
    with transaction.atomic(durable=True):
        post = states.locked(post_id)
        if post.tracking_state != TrackingState.ACTIVE:
            outcome = Outcome.NOT_TRACKED
        elif post.next_check_at is not None and post.next_check_at > now and not force:
            outcome = Outcome.NOT_DUE
        else:
            return Checked(post, Outcome.BUSY)
        settle()
        timetable.keep(post, now=now)
    return Checked(post, outcome)
