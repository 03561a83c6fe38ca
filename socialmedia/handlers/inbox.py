"""The jobs of the inbox."""

from django.utils import timezone

from jobs.registry import Attempt, handler
from socialmedia.desk import postponed, replies
from socialmedia.desk.postponed import SendReply


@handler(postponed.JOB_TYPE, SendReply)
def staff_reply(attempt: Attempt[SendReply]) -> None:
    """Send a reply of staff whose time has come."""
    replies.send_due(attempt, now=timezone.now())
