"""What callers and people do to a job: cancel, retry, run now, reschedule. Each is one conditional statement."""

from datetime import datetime

from asgiref.sync import sync_to_async

from jobs import enqueue, wakeup
from jobs.models import JobStatus, ScheduledJob

RETRYABLE = (JobStatus.FAILED, JobStatus.EXPIRED, JobStatus.UNKNOWN)


def cancel_job(job_id: str, *, now: datetime) -> bool:
    """Cancel a pending job. False, and the row unchanged, in any other state or without such a job."""
    return bool(
        ScheduledJob.objects.pending().filter(job_id=job_id).update(status=JobStatus.CANCELLED, completed_at=now)
    )


acancel_job = sync_to_async(cancel_job)


def retry_job(job_id: str, *, now: datetime) -> bool:
    """Make a failed, expired or unknown job pending again, due now, with all its retries. False otherwise.

    It does not expire again, and it gives up its unique key: another job may hold that by now.
    """
    changed = ScheduledJob.objects.filter(job_id=job_id, status__in=RETRYABLE).update(
        status=JobStatus.PENDING,
        next_attempt_at=now,
        completed_at=None,
        retry_count=0,
        expires_at=None,
        unique_key=None,
    )
    return _woken(changed)


def run_now(job_id: str, *, now: datetime) -> bool:
    """Make a pending job due now; it does not expire any more. False otherwise."""
    return _woken(ScheduledJob.objects.pending().filter(job_id=job_id).update(next_attempt_at=now, expires_at=None))


def reschedule_job(job_id: str, scheduled_time: datetime, *, now: datetime) -> bool:
    """Move a pending job to another time; it does not expire any more. False otherwise.

    Raises InvalidJob for a time that no job can have.
    """
    enqueue.check_time(scheduled_time, now=now)
    changed = (
        ScheduledJob.objects.pending()
        .filter(job_id=job_id)
        .update(scheduled_time=scheduled_time, next_attempt_at=scheduled_time, expires_at=None)
    )
    return _woken(changed)


def _woken(changed: int) -> bool:
    if changed:
        wakeup.notify()
    return bool(changed)
