"""What callers and people do to a job: cancel, retry, run now, reschedule. Each is one conditional statement."""

from datetime import datetime


def cancel_job(job_id: str, *, now: datetime) -> bool:
    """Cancel a pending job. False, and the row unchanged, in any other state or without such a job."""
    raise NotImplementedError


def retry_job(job_id: str, *, now: datetime) -> bool:
    """Make a failed, expired or unknown job pending again, due now, with all its retries. False otherwise."""
    raise NotImplementedError


def run_now(job_id: str, *, now: datetime) -> bool:
    """Make a pending job due now. False otherwise."""
    raise NotImplementedError


def reschedule_job(job_id: str, scheduled_time: datetime) -> bool:
    """Move a pending job to another time. False otherwise."""
    raise NotImplementedError
