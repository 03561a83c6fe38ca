"""Stopping pending follow-ups, each with its job and its queued message; closing those whose job is gone."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce, Concat

from followups import members
from followups.llm import drafting
from followups.models import FollowUp, FollowUpStatus
from followups.policy import Gate
from jobs import lifecycle
from jobs.models import JobStatus, ScheduledJob
from socialmedia import outbox
from socialmedia.models import Message, MessageStatus

_NEVER_LEFT = (MessageStatus.SUPPRESSED, MessageStatus.FAILED)


def cancel(follow_up_id: str, *, reason: str, now: datetime) -> bool:
    """Cancel one follow-up. False when it is not pending or its message is, or may be, on the wire."""
    owner = FollowUp.objects.filter(pk=follow_up_id).values_list("user_id", flat=True).first()
    if owner is None:
        return False
    with transaction.atomic():
        members.lock(owner)
        follow_up = FollowUp.objects.select_for_update(of=("self",)).get(pk=follow_up_id)
        return _stop(follow_up, reason=reason, now=now)


def cancel_pending(user_id: str, *, reason: str, now: datetime, triggers: Sequence[str] | None = None) -> int:
    """Cancel the member's pending follow-ups, or those of some triggers, and return how many.

    Needs the member's row locked (`members.lock`). What is on the wire is left to the relay, which asks the policy.
    """
    pending = FollowUp.objects.filter(user_id=user_id, status=FollowUpStatus.PENDING)
    if triggers is not None:
        pending = pending.filter(trigger_type__in=triggers)
    rows = pending.select_for_update(of=("self",)).order_by("pk")
    return sum(_stop(follow_up, reason=reason, now=now) for follow_up in rows)


def close_stranded(*, now: datetime) -> int:
    """Close the pending follow-ups whose job ended without writing them, and return how many.

    A job that somebody cancelled cancels its follow-up; one that expired skips it, as the policy would have; one that
    failed for good fails it, and retrying the job opens it again. Otherwise they would be pending for ever and keep
    the member's next check-in from coming.
    """
    job = ScheduledJob.objects.filter(job_id=OuterRef("job_id"))
    unwritten = FollowUp.objects.filter(status=FollowUpStatus.PENDING, message=None).annotate(
        job_status=Subquery(job.values("status")[:1])
    )
    with transaction.atomic():
        cancelled = _take(unwritten.filter(job_status=JobStatus.CANCELLED))
        # Without a row: while nobody looked, the job ended and was deleted for its age.
        gone = Q(job_status=None) & ~Q(job_id="")
        failed = _take(unwritten.filter(gone | Q(job_status=JobStatus.FAILED)))
        late = _take(unwritten.filter(job_status=JobStatus.EXPIRED))
        return (
            cancelled.update(
                status=FollowUpStatus.CANCELLED,
                cancelled_at=now,
                reason="its job was cancelled",
                dedupe_key=Concat(Value("cancelled:"), "pk"),
            )
            + late.update(
                status=FollowUpStatus.SKIPPED,
                reason=f"{Gate.TOO_LATE.value}: Its job could not start in time.",
            )
            + failed.update(
                status=FollowUpStatus.FAILED,
                error_message=Coalesce(Subquery(job.values("error_message")[:1]), Value("Its job failed.")),
            )
        )


def _take(rows: QuerySet[FollowUp]) -> QuerySet[FollowUp]:
    """Lock the rows nobody else is changing: they keep for the next time, and waiting could end in a deadlock."""
    keys = list(rows.select_for_update(skip_locked=True, of=("self",)).values_list("pk", flat=True))
    return FollowUp.objects.filter(pk__in=keys)


def _stop(follow_up: FollowUp, *, reason: str, now: datetime) -> bool:
    """Cancel a locked follow-up. Its occasion becomes free: cancelling and planning the same again must work."""
    if follow_up.status != FollowUpStatus.PENDING or not _stop_message(follow_up, reason=reason, now=now):
        return False
    FollowUp.objects.filter(pk=follow_up.pk).update(
        status=FollowUpStatus.CANCELLED,
        cancelled_at=now,
        reason=reason[:255],
        dedupe_key=Concat(Value("cancelled:"), "pk"),
    )
    drafting.give_up(follow_up)
    if follow_up.message_id is None and follow_up.job_id:
        # A running job is left alone: it waits for the member's row and then finds nothing to do.
        lifecycle.cancel_job(follow_up.job_id, now=now)
    return True


def _stop_message(follow_up: FollowUp, *, reason: str, now: datetime) -> bool:
    """Whether its message will not go out any more: there is none, or it could be stopped, or was stopped before."""
    if follow_up.message_id is None or outbox.suppress_queued(follow_up.message_id, reason=reason, now=now):
        return True
    return Message.objects.filter(pk=follow_up.message_id, status__in=_NEVER_LEFT).exists()
