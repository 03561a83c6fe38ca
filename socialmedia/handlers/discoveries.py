"""The jobs that fetch comments and accounts' figures, and count hashtags."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from django.utils import timezone

from jobs import recurring, reports
from jobs.errors import PermanentFailure, Snooze
from jobs.policies import Policy
from jobs.registry import Attempt, handler
from socialmedia import account_days, comments, hashtags
from socialmedia.account_days import AccountDay
from socialmedia.comments import PostComments
from socialmedia.providers import choosing
from socialmedia.providers.base import NotConfigured, ProviderError, TooMany, Unreachable

CALL_PATIENCE = timedelta(seconds=5)
"""So long a job in the background may wait for its place in the provider's budget; then it comes again later."""


@contextmanager
def provider_errors() -> Iterator[None]:
    """Tell the engine what a provider's error means: come again, try again, or give up."""
    try:
        yield
    except TooMany as error:
        raise Snooze(str(error), until=timezone.now() + max(error.retry_after, timedelta(seconds=1))) from error
    except Unreachable:
        raise
    except ProviderError as error:
        raise PermanentFailure(str(error)) from error


@handler(
    comments.JOB_TYPE,
    PostComments,
    policy=Policy(concurrency=1, unique_key=lambda payload: f"post-comments:{payload.post_id}"),
)
def post_comments(attempt: Attempt[PostComments]) -> None:
    """Fetch a post's comments, and report how far it got."""
    asked = attempt.payload
    try:
        with provider_errors():
            found = comments.fetch(asked.post_id, most=asked.most, patience=CALL_PATIENCE, now=timezone.now())
    except comments.NoSuchPost as error:
        raise PermanentFailure(str(error)) from error
    reports.write(attempt, {"post_id": asked.post_id, "is_complete": found.is_complete, "words": found.words})


@dataclass(frozen=True)
class HashtagDays:
    """Payload of counting the hashtags: nothing."""


@handler("hashtag_days", HashtagDays, policy=Policy(concurrency=1, timeout=timedelta(hours=1)))
def hashtag_days(attempt: Attempt[HashtagDays]) -> None:
    """Count how each hashtag stands today."""
    reports.write(attempt, {"hashtags": hashtags.count_day(now=timezone.now())})


@dataclass(frozen=True)
class AccountDays:
    """Payload of ordering the accounts' figures: nothing."""


@handler("account_days", AccountDays, policy=Policy(concurrency=1, timeout=timedelta(hours=1)))
def order_account_days(attempt: Attempt[AccountDays]) -> None:
    """Make a job for each account whose figures are collected; none when there is nobody to ask."""
    try:
        choosing.find()
    except NotConfigured as error:
        reports.write(attempt, {"accounts": 0, "why": str(error)})
    else:
        reports.write(attempt, {"accounts": account_days.order_all(now=timezone.now())})


@handler(
    account_days.JOB_TYPE,
    AccountDay,
    policy=Policy(concurrency=1, unique_key=lambda payload: f"account-day:{payload.account_id}"),
)
def account_day(attempt: Attempt[AccountDay]) -> None:
    """Collect one account's figures of today."""
    try:
        with provider_errors():
            account_days.take(attempt.payload.account_id, patience=CALL_PATIENCE, now=timezone.now())
    except account_days.NoSuchAccount:
        return
    except account_days.SomebodyElse as error:
        raise PermanentFailure(str(error)) from error


recurring.register(
    "hashtag-days",
    job_type="hashtag_days",
    payload=HashtagDays(),
    cron="37 0 * * *",
    describe="Counts how each hashtag stands: posts, views, engagement.",
)
recurring.register(
    "account-days",
    job_type="account_days",
    payload=AccountDays(),
    cron="47 0 * * *",
    describe="Collects the day's figures of accounts whose posts are tracked, and of our own.",
)
