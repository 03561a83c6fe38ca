"""The figures of one day: private messages, who was active, and the check-backs of posts."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from django.db.models import Count, Q

from jobs.figures import Span
from socialmedia import conf
from socialmedia.models import (
    ApiUsage,
    ChannelActivity,
    Message,
    MessageStatus,
    Post,
    PostSnapshot,
    SnapshotOutcome,
)
from socialmedia.providers.base import Gone

_LEFT = (MessageStatus.SENT, MessageStatus.DELIVERED, MessageStatus.READ)
CHECKS_ASK_FOR = "video"
"""What the log of provider calls names a check."""
_DISCORD_EPOCH_MS = 1_420_070_400_000
_TIME_SHIFT = 22


def of_day(span: Span) -> Mapping[str, float | None]:
    """Count one day, by idx_messages_sent_at and the primary key of channel_activity.

    A failed message counts on the day on which it was queued. Active are those who wrote a private message, or one
    in a channel.
    """
    messages = Message.objects.filter(sent_at__gte=span.since, sent_at__lt=span.until)
    counts = messages.aggregate(
        messages_in=Count("pk", filter=Q(is_outgoing=False)),
        messages_out=Count("pk", filter=Q(is_outgoing=True, status__in=_LEFT)),
        messages_failed=Count("pk", filter=Q(is_outgoing=True, status=MessageStatus.FAILED)),
    )
    return {**counts, "active_members": _active_members(span)}


def posts_of_day(span: Span) -> Mapping[str, float | None]:
    """Count one day of check-backs, by idx_posts_tracked, idx_snapshots_captured_at and idx_api_usage_failed.

    A post counts on the day of its last start of tracking. A check that had to be made again, because the provider
    did not answer, is a failed one as often as it failed; that a post is gone is an answer.
    """
    looks = PostSnapshot.objects.filter(captured_at__gte=span.since, captured_at__lt=span.until)
    failed = ApiUsage.objects.filter(requested_at__gte=span.since, requested_at__lt=span.until, success=False)
    return {
        **looks.aggregate(
            checks=Count("pk", filter=Q(outcome=SnapshotOutcome.MEASURED)),
            gone=Count("pk", filter=Q(outcome=SnapshotOutcome.UNAVAILABLE)),
        ),
        "tracked": Post.objects.filter(tracking_started_at__gte=span.since, tracking_started_at__lt=span.until).count(),
        "checks_failed": failed.filter(endpoint=CHECKS_ASK_FOR).exclude(error_code=Gone.code).count(),
    }


def _active_members(span: Span) -> int:
    in_channels = ChannelActivity.objects.filter(
        message_id__gte=_first_id(span.since), message_id__lt=_first_id(span.until)
    )
    in_private = Message.objects.filter(sent_at__gte=span.since, sent_at__lt=span.until, is_outgoing=False)
    people = in_channels.order_by().values_list("author__external_id")
    return people.union(in_private.order_by().values_list("conversation__participant_id")).count()


def _first_id(at: datetime) -> int:
    """The lowest id that Discord gives at a time: its ids hold the milliseconds since 2015."""
    return (int(at.timestamp() * 1000) - _DISCORD_EPOCH_MS) << _TIME_SHIFT


def keep() -> timedelta:
    """How long the rows stay that `of_day` counts."""
    return conf.current().keep_messages


def keep_posts() -> timedelta:
    """How long the rows stay that `posts_of_day` counts."""
    return conf.tracking().keep_usage
