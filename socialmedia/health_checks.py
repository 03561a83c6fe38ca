"""What the outbox needs: its check of the check-up."""

from datetime import datetime, timedelta

from django.db.models import Count, Min

from jobs import checkup
from jobs.checkup import Finding, degraded, ok
from socialmedia.models import Message, MessageStatus

LONGEST_WAIT = timedelta(minutes=15)


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


checkup.register("messages", messages)
