"""The jobs of conversations, and what conversations give to the engine's own jobs."""

from django.utils import timezone

from jobs import cleanup, figures
from jobs.pruning import Rows
from jobs.registry import Attempt, handler
from socialmedia import analytics, postponed, replies, retention
from socialmedia.postponed import SendReply


@handler(postponed.JOB_TYPE, SendReply)
def staff_reply(attempt: Attempt[SendReply]) -> None:
    """Send a reply of staff whose time has come."""
    replies.send_due(attempt, now=timezone.now())


figures.register("messages", analytics.of_day, keep=analytics.keep)
cleanup.register(
    "openings",
    Rows(
        "openings",
        lambda: retention.KEEP_OPENINGS,
        retention.old_openings,
        by="created_at",
        among=retention.openings,
    ),
    at_least=retention.KEEP_OPENINGS_AT_LEAST,
)
