"""What the outbox and the check-backs need: their checks of the check-up."""

from datetime import datetime, timedelta

import humanize
from django.db.models import Count, Min

from jobs import checkup
from jobs.checkup import Finding, degraded, failed, ok
from socialmedia import conf
from socialmedia.models import Message, MessageStatus, Post, ProviderBudget, TrackingState
from socialmedia.providers import choosing
from socialmedia.providers.base import NotConfigured

LONGEST_WAIT = timedelta(minutes=15)
LATE = timedelta(hours=1)
NEARLY = 0.8
"""So much of a day's budget leaves no room for surprises."""


def messages(*, now: datetime) -> Finding:
    """What may go out goes out. Messages that are held until later do not count."""
    due = Message.objects.filter(status=MessageStatus.QUEUED, next_attempt_at__lt=now - LONGEST_WAIT)
    found = due.aggregate(count=Count("pk"), oldest=Min("next_attempt_at"))
    if not found["count"]:
        return ok("No message waits for longer than it should.", waiting=0)
    late = now - found["oldest"]
    return degraded(
        f"{found['count']:,} queued messages should have gone out, the oldest {late // timedelta(minutes=1):,} minutes "
        "ago: does the bot of their account run?",
        waiting=found["count"],
        oldest_s=round(late.total_seconds()),
    )


def provider(*, now: datetime) -> Finding:
    """Tracked posts can be looked at, and are."""
    if not Post.objects.filter(tracking_state=TrackingState.ACTIVE).exists():
        return ok("No posts are tracked.")
    try:
        asked = choosing.find().name
    except NotConfigured as error:
        return failed(f"Posts are tracked, and nobody can be asked about them. {error}")
    budget = ProviderBudget.objects.filter(pk=asked).first() or ProviderBudget(pk=asked)
    late = Post.objects.filter(tracking_complete=False, next_check_at__lt=now - LATE)  # by idx_posts_next_check
    overdue = late.aggregate(count=Count("pk"), oldest=Min("next_check_at"))
    figures = {
        "used_today": budget.used_on(now),
        "budget": conf.provider().per_day,
        "overdue": overdue["count"],
    }
    if budget.is_stopped(now):
        return _stopped(budget, figures)
    if overdue["count"]:
        return _late(now - overdue["oldest"], figures)
    return _spent(asked, figures)


def _stopped(budget: ProviderBudget, figures: dict[str, int]) -> Finding:
    words = f"The provider {budget.pk} is not asked before {budget.blocked_until:%Y-%m-%d %H:%M} UTC"
    judge = failed if budget.refusals else degraded
    return judge(f"{words}: {budget.blocked_reason}", **figures)


def _late(by: timedelta, figures: dict[str, int]) -> Finding:
    return degraded(
        f"{figures['overdue']:,} check-backs are overdue, the oldest by {humanize.naturaldelta(by)}: do the clusters "
        "run, and is the provider's budget large enough (TIKTOK_REQUESTS_PER_DAY)?",
        **figures,
    )


def _spent(name: str, figures: dict[str, int]) -> Finding:
    used, most = figures["used_today"], figures["budget"]
    words = f"{used:,} of today's {most:,} requests to the provider {name} are used"
    if used >= NEARLY * most:
        return degraded(f"{words}: raise TIKTOK_REQUESTS_PER_DAY, or track fewer posts.", **figures)
    return ok(f"{words}, and no check-back is late.", **figures)


checkup.register("messages", messages)
checkup.register("provider", provider)
