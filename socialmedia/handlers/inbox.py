"""The jobs of the inbox."""

from dataclasses import dataclass
from datetime import timedelta

from django.utils import timezone

from jobs import recurring
from jobs.registry import Attempt, handler
from socialmedia.desk import postponed, replies
from socialmedia.desk.postponed import SendReply

STRANDED = "stranded_replies"


@dataclass(frozen=True)
class StrandedReplies:
    """Payload of looking for replies without a job: nothing."""


@handler(postponed.JOB_TYPE, SendReply)
def staff_reply(attempt: Attempt[SendReply]) -> None:
    """Send a reply of staff whose time has come."""
    replies.send_due(attempt, now=timezone.now())


@handler(STRANDED, StrandedReplies)
def stranded_replies(attempt: Attempt[StrandedReplies]) -> None:
    """Say of replies that lost their job that they were not sent."""
    replies.close_stranded(now=timezone.now())


recurring.register(
    "stranded-replies",
    job_type=STRANDED,
    payload=StrandedReplies(),
    every=timedelta(minutes=15),
    describe="Says of staff's replies whose job was cancelled or failed that they were not sent.",
)
