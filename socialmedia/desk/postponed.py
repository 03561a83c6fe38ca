"""Staff's replies that wait for their time: their jobs, and what cancels them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db.models import Q, QuerySet

from jobs.enqueue import UniqueKeyTaken, schedule_job
from jobs.lifecycle import cancel_job, reschedule_job
from socialmedia.models import ReplyStatus, StaffReply

JOB_TYPE: Final = "staff_reply"
THEY_WROTE: Final = "They wrote first."


@dataclass(frozen=True)
class SendReply:
    """Payload of the job that sends a reply at its time."""

    reply_id: int = 0


def enqueue(reply: StaffReply) -> None:
    """Let a job send the reply at its `send_at`; one that waits already is moved. The caller holds the conversation.

    A job that runs at this moment waits for the conversation, sees the new time and puts itself back.
    """
    assert reply.send_at is not None  # noqa: S101 - the database's constraint
    if reply.job_id and reschedule_job(reply.job_id, reply.send_at, now=reply.updated_at):
        return
    try:
        job = schedule_job(JOB_TYPE, reply.send_at, SendReply(reply.pk), unique_key=f"{JOB_TYPE}:{reply.pk}")
    except UniqueKeyTaken as taken:
        job = taken.existing
    reply.job_id = job.job_id
    reply.save(update_fields=["job_id"])


def waiting(conversation_id: int) -> QuerySet[StaffReply]:
    """Those of a conversation that wait for their time; by idx_staff_replies_open."""
    return StaffReply.objects.filter(conversation=conversation_id, status=ReplyStatus.SCHEDULED)


def unseen(conversation_id: int) -> QuerySet[StaffReply]:
    """Those that nobody can have sent yet: they wait for their time, or for somebody to be shown their words."""
    ready = Q(status=ReplyStatus.READY, action=None)
    return StaffReply.objects.filter(Q(status=ReplyStatus.SCHEDULED) | ready, conversation=conversation_id)


def cancel(replies: QuerySet[StaffReply], *, reason: str, by: str = "", now: datetime) -> int:
    """Cancel waiting replies of a conversation that the caller holds, in the caller's transaction. Returns how many.

    A job that runs already finds its reply cancelled.
    """
    found = list(replies.order_by("pk").values_list("pk", "job_id"))
    if not found:
        return 0
    StaffReply.objects.filter(pk__in=[pk for pk, _ in found]).update(
        status=ReplyStatus.CANCELLED, problem=reason, closed_by=by, updated_at=now
    )
    for _, job_id in found:
        cancel_job(job_id, now=now)
    return len(found)


def cancel_answered(conversation_id: int, *, now: datetime) -> int:
    """The other side wrote: what was to be sent only if they did not is cancelled. Returns how many."""
    return cancel(waiting(conversation_id).filter(cancel_on_answer=True), reason=THEY_WROTE, now=now)
