"""What a job's run has to say for itself, for people: kept beside the job, which has no column for a result."""

from collections.abc import Mapping
from typing import Any

import structlog

from jobs.models import Report
from jobs.registry import Attempt

log = structlog.get_logger(__name__)


def write(attempt: Attempt[Any], report: Mapping[str, Any]) -> None:
    """Keep a report of JSON-friendly values (times may be datetimes) and log it. No member's words, no secrets."""
    kept = Report.objects.create(job_id=attempt.job_id, job_type=attempt.job_type, report=dict(report))
    kept.refresh_from_db(fields=["report"])  # as it is kept: times have become text
    log.info("job.report", job_id=attempt.job_id, job_type=attempt.job_type, report=kept.report)


def of_job(job_id: str) -> list[Report]:
    """The reports of a job's runs, oldest first."""
    return list(Report.objects.filter(job_id=job_id).order_by("id"))
