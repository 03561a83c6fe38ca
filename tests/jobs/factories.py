"""Jobs in any state, written straight into the table."""

from datetime import UTC, datetime, timedelta
from typing import Any

from jobs.models import ScheduledJob

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


def make_job(**fields: Any) -> ScheduledJob:
    """A pending job that was due a minute ago by the real clock."""
    due = fields.pop("scheduled_time", datetime.now(UTC) - timedelta(minutes=1))
    values: dict[str, Any] = {"job_type": "sample_one", "payload": {}, "next_attempt_at": due, **fields}
    return ScheduledJob.objects.create(scheduled_time=due, **values)
