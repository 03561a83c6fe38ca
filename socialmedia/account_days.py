"""An account's figures day by day: its profile, and what the posts known here have."""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any, Final

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from psycopg.types.json import Jsonb

from jobs import enqueue
from jobs.models import ScheduledJob
from socialmedia.models import (
    Account,
    AccountSnapshot,
    AnalyticsFetch,
    FetchStatus,
    FetchType,
    Platform,
    Post,
    TrackingState,
)
from socialmedia.providers import choosing, fields
from socialmedia.providers.base import Profile, Provider, ProviderError, TooMany, Unreachable

JOB_TYPE: Final = "account_day"
RECENT: Final = timedelta(days=60)
"""An account is looked at for so long after tracking of a post of it began, and while one is tracked."""
_WRITE: Final = (Path(__file__).parent / "sql" / "account_day_v1.sql").read_text()


class SomebodyElse(Exception):
    """The handle belongs to another account by now: its figures are not this one's. Nothing was stored."""


class NoSuchAccount(Exception):
    """There is no account of this id here (any more)."""


@dataclass(frozen=True)
class AccountDay:
    """Payload: whose day."""

    account_id: int = 0


def due(*, now: datetime) -> QuerySet[Account]:
    """The accounts whose figures are collected: those with posts that are tracked or were lately, and our own."""
    # Account by account, by idx_posts_account_tracked: a list of all their posts is searched anew for each account.
    posts = Post.objects.filter(account=OuterRef("pk"), platform=Platform.TIKTOK, tracking_started_at__isnull=False)
    is_tracked = Exists(posts.filter(tracking_state=TrackingState.ACTIVE))
    was_lately = Exists(posts.filter(tracking_started_at__gte=now - RECENT))
    accounts = Account.objects.filter(platform=Platform.TIKTOK, is_active=True, monitoring_enabled=True)
    return accounts.filter(Q(is_own=True) | was_lately | is_tracked).order_by("pk")


def order_all(*, now: datetime) -> int:
    """Make a job for each account that is due and has none on its way. Returns how many are on their way."""
    return len([order(account_id, now=now) for account_id in due(now=now).values_list("pk", flat=True)])


def order(account_id: int, *, now: datetime) -> ScheduledJob:
    """Let a job collect an account's figures. When one is on its way already, that is the one returned."""
    try:
        return enqueue.schedule_job(JOB_TYPE, now, AccountDay(account_id))
    except enqueue.UniqueKeyTaken as error:
        return error.existing


def take(account_id: int, *, patience: timedelta, now: datetime) -> AccountSnapshot:
    """Ask for an account's profile and write its row of today (UTC). Again on the same day it writes over it.

    The row in `analytics_fetch_jobs` says how it went; a crash leaves it running, and the next try goes on with it.

    Raises:
        NoSuchAccount: it was deleted.
        SomebodyElse: the handle changed hands.
        ProviderError: no answer. Nothing but the reason was stored.
    """
    account = Account.objects.filter(pk=account_id).first()
    if account is None:
        raise NoSuchAccount(f"There is no account {account_id} here.")
    provider = choosing.find(patience=patience)
    fetch = _begin(account, now=now)
    try:
        profile = provider.profile(account.username)
        return _keep(fetch, profile, provider, now=now)
    except TooMany as error:
        _end(fetch, FetchStatus.PENDING, str(error), now=None)
        raise
    except (ProviderError, SomebodyElse) as error:
        _end(fetch, FetchStatus.FAILED, str(error), now=now)
        raise


def _begin(account: Account, *, now: datetime) -> AnalyticsFetch:
    """Today's fetch: one that waits or was cut off goes on."""
    midnight = datetime.combine(now.astimezone(UTC).date(), time(), UTC)
    unfinished = AnalyticsFetch.objects.filter(
        account=account,
        job_type=FetchType.DAILY_SNAPSHOT,
        status__in=[FetchStatus.PENDING, FetchStatus.RUNNING],
        started_at__gte=midnight,
    )
    fetch = unfinished.order_by("-pk").first() or AnalyticsFetch(account=account, job_type=FetchType.DAILY_SNAPSHOT)
    fetch.status, fetch.started_at, fetch.error_message = FetchStatus.RUNNING, now, ""
    fetch.save()
    return fetch


def _end(fetch: AnalyticsFetch, status: FetchStatus, reason: str, *, now: datetime | None) -> None:
    reason = _text(reason, 1_000)
    AnalyticsFetch.objects.filter(pk=fetch.pk).update(status=status, error_message=reason, completed_at=now)


@transaction.atomic
def _keep(fetch: AnalyticsFetch, profile: Profile, provider: Provider, *, now: datetime) -> AccountSnapshot:
    account = Account.objects.select_for_update(no_key=True).filter(pk=fetch.account_id).first()
    if account is None:
        raise NoSuchAccount(f"There is no account {fetch.account_id} here.")
    _refresh(account, profile, now=now)
    (day,) = AccountSnapshot.objects.raw(_WRITE, _figures(account, profile, provider, now=now))
    _end(fetch, FetchStatus.COMPLETED, "", now=now)
    return day


def _refresh(account: Account, profile: Profile, *, now: datetime) -> None:
    """Bring along what the profile says now. Names that it leaves out stay. Raises SomebodyElse or Unreachable."""
    known, found = account.external_id, _text(profile.person.external_id, 255)
    if known and found and known != found:
        raise SomebodyElse(f"@{account.username} belongs to another account by now: the network's id was {known}.")
    handle = profile.person.username
    if handle and handle.lower() != account.username.lower() and not (known and known == found):
        raise Unreachable("The provider answered with another account than the one it was asked for.")
    if not known and found and not _is_taken(account, found):
        account.external_id = found
    account.display_name = _text(profile.person.display_name, 255) or account.display_name
    account.profile_pic_url = _text(profile.person.avatar_url) or account.profile_pic_url
    account.bio, account.website_url = _text(profile.bio), _text(profile.website_url)
    account.is_verified, account.is_private = profile.is_verified, profile.is_private
    account.last_fetched_at = account.updated_at = now
    names = ("external_id", "display_name", "profile_pic_url", "bio", "website_url", "is_verified", "is_private")
    account.save(update_fields=[*names, "last_fetched_at", "updated_at"])


def _text(value: str, longest: int = 10_000) -> str:
    return str(fields.storable(value[:longest]))


def _is_taken(account: Account, external_id: str) -> bool:
    return Account.objects.filter(platform=account.platform, external_id=external_id).exists()


def _figures(account: Account, profile: Profile, provider: Provider, *, now: datetime) -> dict[str, Any]:
    return {
        "account_id": account.pk,
        "day": now.astimezone(UTC).date(),
        "followers": fields.count(profile.followers),
        "following": fields.count(profile.following),
        "posts": fields.count(profile.posts),
        "likes": fields.count(profile.likes),
        "raw": Jsonb(fields.storable(profile.raw)),
        "parser_version": provider.parser_version,
    }
