"""What the engine says of itself: one job's story, lists of jobs, the scheduler's health and its figures."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from asgiref.sync import sync_to_async
from django.db import connection
from django.db.models import Count, Max

from jobs import conf, pagination, pauses, registry, reports, sql
from jobs.models import ClusterHeartbeat, JobExecution, JobStatus, Report, ScheduledJob
from jobs.rescue import EVERY_SECONDS

SHOWN = (
    "job_id",
    "job_type",
    "status",
    "scheduled_time",
    "next_attempt_at",
    "expires_at",
    "created_at",
    "started_at",
    "completed_at",
    "error_message",
    "retry_count",
    "max_retries",
    "priority",
    "unique_key",
    "worker",
    "payload",
)
"""What is told of a job, in this order."""
DAY = timedelta(hours=24)
MOST_ATTEMPTS = 100_000
"""The figures of a day read at most so many attempts, the newest."""
MOST_COUNTED = pagination.ESTIMATE_ABOVE
"""Jobs of one kind are counted so far, then estimated."""

FRESH = timedelta(seconds=6 * EVERY_SECONDS)
"""A cluster that has not beaten for this long is taken for dead."""

MOST_OVERDUE = 50
"""More overdue jobs than these are not a short rush: the scheduler's health is degraded."""


@dataclass(frozen=True)
class JobReport:
    """A job, its attempts and what they reported, oldest first."""

    job: ScheduledJob
    attempts: list[JobExecution]
    reports: list[Report]


@dataclass(frozen=True)
class SchedulerHealth:
    """The engine's state at one instant. Durations in seconds."""

    enabled: bool
    running: bool
    """At least one cluster has a fresh heartbeat."""
    clusters: int
    last_heartbeat_at: datetime | None
    pending: int
    """About so many, when they are more than MOST_COUNTED."""
    is_pending_estimate: bool
    due: int
    """At least so many, when `is_due_capped`."""
    is_due_capped: bool
    """More than MOST_COUNTED jobs of one type and priority are due: counting stopped there."""
    due_in_future: int
    """Of the pending ones; about so many, when those are."""
    overdue: int
    """Due for more than two check intervals and not started, though their type is not paused."""
    oldest_due_at: datetime | None
    failed_last_hour: int
    paused: list[str]
    """The job types that are not started; `*` means all."""


@dataclass(frozen=True)
class StatusCount:
    """How many jobs are in one state."""

    count: int
    is_estimate: bool
    """The table is too large to be counted: this is from the planner's statistics."""


@dataclass(frozen=True)
class AttemptSummary:
    """How the attempts of a day went. A figure that nothing was measured for is None."""

    since: datetime
    """Where the span begins; later when it had more attempts than were read, and the figures are of the newest."""
    executions: int
    """Attempts that ran: successes, failures and unknown outcomes."""
    successes: int
    failures: int
    unknown: int
    expired: int
    """Jobs that came too late to be run; no execution."""
    success_rate: float | None
    """Successes by executions, from 0 to 1."""
    average_ms: float | None
    p95_ms: float | None
    lateness_p50: float | None
    """Seconds from due to started, of jobs that ended with their first attempt."""
    lateness_p99: float | None


@dataclass(frozen=True)
class SchedulerStats:
    """The engine's figures at one instant."""

    health: SchedulerHealth
    """Live clusters and the oldest due job among it."""
    jobs: dict[JobStatus, StatusCount]
    """Every state, in the order of JobStatus."""
    queue_depth: int
    """Jobs that are due now and not claimed; at least so many, when the health's `is_due_capped`."""
    day: AttemptSummary
    handlers: list[str]
    """The job types that this process can run."""


def job_status(job_id: str) -> JobReport | None:
    """Everything about one job, or None."""
    job = ScheduledJob.objects.filter(job_id=job_id).first()
    if job is None:
        return None
    attempts = JobExecution.objects.filter(job_id=job_id).order_by("execution_time", "execution_id")
    return JobReport(job, list(attempts), reports.of_job(job_id))


ajob_status = sync_to_async(job_status)


def list_jobs(
    *,
    limit: int,
    status: JobStatus | None = None,
    job_type: str | None = None,
    due_before: datetime | None = None,
    after: ScheduledJob | None = None,
) -> list[ScheduledJob]:
    """Up to `limit` jobs, the latest scheduled time first; `after` is the last job of the page before.

    `due_before` compares with the time of the next (of an ended job: the latest) attempt.
    """
    rows = ScheduledJob.objects.all()
    if status is not None:
        rows = rows.filter(status=status)
    if job_type is not None:
        rows = rows.filter(job_type=job_type)
    if due_before is not None:
        rows = rows.due_before(due_before, only_pending=status == JobStatus.PENDING)
    if after is not None:
        rows = rows.listed_after(after)
    return list(rows.order_by("-scheduled_time", "-job_id")[:limit])


def scheduler_health(*, now: datetime) -> SchedulerHealth:
    """How the engine is doing."""
    settings = conf.current()
    clusters = ClusterHeartbeat.objects.filter(beat_at__gt=now - FRESH).count()
    with connection.cursor() as cursor:
        cursor.execute(
            sql.read("waiting_v1"), {"now": now, "late": now - 2 * settings.check_interval, "most": MOST_COUNTED}
        )
        due, overdue, oldest_due_at, is_due_capped = cursor.fetchone()
    pending = _pending()
    return SchedulerHealth(
        enabled=settings.enabled,
        running=settings.enabled and clusters > 0,
        clusters=clusters,
        last_heartbeat_at=ClusterHeartbeat.objects.aggregate(newest=Max("beat_at"))["newest"],
        pending=pending.count,
        is_pending_estimate=pending.is_estimate,
        due=due,
        is_due_capped=is_due_capped,
        due_in_future=_due_in_future(now) if is_due_capped else max(pending.count - due, 0),
        overdue=overdue,
        oldest_due_at=oldest_due_at,
        failed_last_hour=JobExecution.objects.filter(
            execution_time__gt=now - timedelta(hours=1), status=JobStatus.FAILED
        ).count(),
        paused=[pause.job_type for pause in pauses.paused()],
    )


def scheduler_stats(*, now: datetime) -> SchedulerStats:
    """The engine's figures. Reads a bounded number of attempts; a huge table of jobs is estimated, not counted."""
    health = scheduler_health(now=now)
    return SchedulerStats(
        health=health,
        jobs=_jobs_by_status(StatusCount(health.pending, health.is_pending_estimate)),
        queue_depth=health.due,
        day=attempts_between(now - DAY, now),
        handlers=registry.job_types(),
    )


def _due_in_future(now: datetime) -> int:
    """Counted like the pending ones, since those that are due were not counted to their end."""
    return ScheduledJob.objects.pending().filter(next_attempt_at__gt=now).order_by()[:MOST_COUNTED].count()


def _pending() -> StatusCount:
    count = ScheduledJob.objects.pending().order_by()[: MOST_COUNTED + 1].count()
    if count <= MOST_COUNTED:
        return StatusCount(count, is_estimate=False)
    return StatusCount(max(_estimated_by_status().get(JobStatus.PENDING, 0), count), is_estimate=True)


def _jobs_by_status(pending: StatusCount) -> dict[JobStatus, StatusCount]:
    if pagination.estimated_count(ScheduledJob) <= pagination.ESTIMATE_ABOVE:
        grouped = ScheduledJob.objects.order_by().values_list("status").annotate(Count("job_id"))
        exact: dict[str, int] = dict(grouped)
        return {status: StatusCount(exact.get(status, 0), is_estimate=False) for status in JobStatus}
    estimates = _estimated_by_status()
    counts = {status: StatusCount(estimates.get(status, 0), is_estimate=True) for status in JobStatus}
    # These have partial indexes of their own, so they are counted, however large the table is.
    for status in (JobStatus.RUNNING, JobStatus.UNKNOWN):
        counts[status] = StatusCount(ScheduledJob.objects.filter(status=status).count(), is_estimate=False)
    return {**counts, JobStatus.PENDING: pending}


def _estimated_by_status() -> dict[str, int]:
    """Empty for a table that was never analyzed."""
    with connection.cursor() as cursor:
        cursor.execute(sql.read("status_estimate_v1"))
        return dict(cursor.fetchall())


def attempts_between(since: datetime, until: datetime, *, most: int = MOST_ATTEMPTS) -> AttemptSummary:
    """How the attempts went that started from `since`, up to and without `until`: at most the newest `most`."""
    with connection.cursor() as cursor:
        cursor.execute(sql.read("attempts_summary_v1"), {"since": since, "until": until, "size": most})
        rows_read, oldest, successes, failures, unknown, expired, *measured = cursor.fetchone()
    executions = successes + failures + unknown
    average_ms, p95_ms, lateness_p50, lateness_p99 = measured
    return AttemptSummary(
        since=oldest if rows_read == most else since,
        executions=executions,
        successes=successes,
        failures=failures,
        unknown=unknown,
        expired=expired,
        success_rate=successes / executions if executions else None,
        average_ms=average_ms,
        p95_ms=p95_ms,
        lateness_p50=lateness_p50,
        lateness_p99=lateness_p99,
    )


@dataclass(frozen=True)
class Lateness:
    """How late attempts started."""

    buckets: dict[str, int]
    """`under_1_s under_10_s under_1_min under_10_min later` -> attempts."""
    p99: float | None
    """Seconds; None without attempts."""

    @property
    def attempts(self) -> int:
        """How many were counted."""
        return sum(self.buckets.values())


def lateness(*, since: datetime, most: int = MOST_ATTEMPTS) -> Lateness:
    """How late the attempts since then started, of at most the newest `most`."""
    with connection.cursor() as cursor:
        cursor.execute(sql.read("lateness_v1"), {"since": since, "size": most})
        *counts, p99 = cursor.fetchone()
        names = [column.name for column in cursor.description]
    return Lateness(dict(zip(names[:-1], counts, strict=True)), p99)
