"""Conversations, staff and replies for the tests of the inbox."""

import uuid
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from django.contrib.auth.models import User

from jobs.models import ScheduledJob
from jobs.registry import Attempt
from socialmedia import inbox
from socialmedia.desk import replies
from socialmedia.desk.postponed import SendReply
from socialmedia.desk.replies import Written
from socialmedia.models import Account, Conversation, Message, StaffReply
from tests.socialmedia.factories import NOON, make_conversation

HOUR = timedelta(hours=1)
_numbers = count(1)


def make_staff(username: str = "", **more: Any) -> User:
    """Somebody of the staff."""
    return User.objects.create(username=username or f"staff{next(_numbers)}", is_staff=True, **more)


def say(conversation: Conversation, text: str = "Hello?", *, at: datetime = NOON, **more: Any) -> Message:
    """The other side writes."""
    message = inbox.record_inbound(
        conversation=conversation, external_message_id=f"x{next(_numbers)}", text=text, sent_at=at, now=at, **more
    )
    assert message is not None
    return message


def make_chat() -> Conversation:
    """A thread on Discord, begun by the other side."""
    conversation = make_conversation()
    say(conversation, at=NOON - HOUR)
    conversation.refresh_from_db()
    return conversation


def make_tiktok_chat(*, has_written: bool = True) -> Conversation:
    """A thread on TikTok, where no program can send."""
    number = next(_numbers)
    ours = Account.objects.create(platform="tiktok", username=f"ours{number}", is_own=True)
    theirs = Account.objects.create(platform="tiktok", username=f"fan{number}", display_name="Fay")
    conversation = inbox.open_conversation(account=ours, participant=theirs, now=NOON)
    if has_written:
        say(conversation, at=NOON - HOUR)
    return conversation


def written(conversation: Conversation, text: str = "Hi {name}!", by: User | None = None, **more: Any) -> Written:
    """What somebody of the staff wants to say."""
    return Written(conversation.pk, text, by or make_staff(), **more)


def make_later(conversation: Conversation | None = None, text: str = "Still there?", **more: Any) -> StaffReply:
    """A reply that waits for an hour after NOON."""
    by = more.pop("by", None)
    return replies.send_later(written(conversation or make_chat(), text, by), send_at=NOON + HOUR, now=NOON, **more)


def start_job(reply: StaffReply) -> Attempt[SendReply]:
    """Claim the reply's job, whatever its due time."""
    token = uuid.uuid4()
    job = ScheduledJob.objects.get(job_id=reply.job_id)
    ScheduledJob.objects.filter(job_id=job.job_id).update(
        status="running",
        worker="test",
        lease_token=token,
        lease_expires_at=datetime(2099, 1, 1, tzinfo=UTC),
        completed_at=None,
    )
    return Attempt(
        job_id=job.job_id,
        job_type=job.job_type,
        payload=SendReply(**job.payload),
        scheduled_time=job.scheduled_time,
        number=1,
        lease_token=token,
    )


def outgoing(conversation: Conversation) -> list[str]:
    """What we wrote, oldest first."""
    rows = Message.objects.filter(conversation=conversation, is_outgoing=True).order_by("pk")
    return list(rows.values_list("message_text", flat=True))
