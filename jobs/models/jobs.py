"""Jobs and the history of their attempts."""

import os
import time
import uuid

from django.db import models
from django.db.models import F, Func, Q
from django.db.models.functions import Now

from jobs.policies import HIGHEST_PRIORITY, LOWEST_PRIORITY
from jobs.querysets import JobQuerySet


class JobStatus(models.TextChoices):
    """Where a job is. The last five are final: only a person's retry leaves them."""

    PENDING = "pending", "Pending"
    RUNNING = "running", "Running"
    COMPLETED = "completed", "Completed"
    FAILED = "failed", "Failed"
    CANCELLED = "cancelled", "Cancelled"
    EXPIRED = "expired", "Expired"
    UNKNOWN = "unknown", "Unknown"


def new_job_id() -> str:
    """A UUID of version 7 (RFC 9562), as text because callers may bring their own.

    It begins with the time: new jobs stand side by side in the index. Random ids would touch another page of a large
    index at each change of a row.
    """
    milliseconds = (time.time_ns() // 1_000_000).to_bytes(6)
    tail = bytearray(os.urandom(10))
    tail[0] = tail[0] & 0x0F | 0x70  # the version
    tail[2] = tail[2] & 0x3F | 0x80  # the variant
    return str(uuid.UUID(bytes=milliseconds + bytes(tail)))


class IsObject(Func):
    """Whether a JSON value is an object."""

    template = "jsonb_typeof(%(expressions)s) = 'object'"
    output_field = models.BooleanField()


class IsFinite(Func):
    """Whether a time is an instant: PostgreSQL has two that are not."""

    function = "isfinite"
    output_field = models.BooleanField()


class ScheduledJob(models.Model):
    """One unit of work with a due time. Rows are changed by the modules of this app only, never by `save()`."""

    job_id = models.CharField(
        primary_key=True, max_length=255, default=new_job_id, help_text="Made by us, unless the caller gave one."
    )
    job_type = models.CharField(max_length=100, help_text="Names the handler that runs it.")
    scheduled_time = models.DateTimeField(help_text="When it was first due. Retries do not change it.")
    payload = models.JSONField(default=dict, help_text="The handler's input.")
    status = models.CharField(
        max_length=50, choices=JobStatus, default=JobStatus.PENDING, db_default=JobStatus.PENDING, help_text="State."
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False, help_text="When it was enqueued.")
    started_at = models.DateTimeField(null=True, help_text="When the latest attempt was claimed.")
    completed_at = models.DateTimeField(null=True, help_text="When it reached its final state, whichever that is.")
    error_message = models.TextField(null=True, help_text="Why the latest attempt failed.")  # noqa: DJ001 - seed column
    retry_count = models.IntegerField(default=0, db_default=0, help_text="Attempts that failed and were rescheduled.")
    max_retries = models.IntegerField(default=3, db_default=3, help_text="Attempts allowed after the first one.")

    next_attempt_at = models.DateTimeField(help_text="When the next attempt is due; at first the scheduled time.")
    expires_at = models.DateTimeField(null=True, help_text="Not started by then: it expires instead of running.")
    priority = models.SmallIntegerField(default=0, db_default=0, help_text="0 to 9; among due jobs higher goes first.")
    unique_key = models.CharField(  # noqa: DJ001 - NULL means "no key" to the partial unique index
        max_length=255, null=True, help_text="No second live job may have the same key."
    )
    lease_token = models.UUIDField(null=True, help_text="Who may record the outcome: the holder of this token.")
    lease_expires_at = models.DateTimeField(null=True, help_text="The holder is taken for dead after this time.")
    worker = models.CharField(  # noqa: DJ001 - NULL while nobody has it
        max_length=255, null=True, help_text="Host and process of the latest attempt."
    )

    objects = JobQuerySet.as_manager()

    class Meta:
        db_table = "scheduled_jobs"
        ordering = ["-scheduled_time", "job_id"]
        verbose_name = "job"
        indexes = [
            # Lists by time and status; lists of a type, newest first.
            models.Index(fields=["scheduled_time", "status"], name="idx_scheduled_jobs_time_status"),
            models.Index(fields=["job_type", "scheduled_time"], name="idx_scheduled_jobs_type"),
            # leases.claim, job_heads(), stats: the waiting jobs of one priority and type, oldest first.
            models.Index(
                fields=["priority", "job_type", "next_attempt_at"],
                condition=Q(status="pending"),
                name="idx_scheduled_jobs_queue",
            ),
            # rescue.rescue: leases that ran out. Small: only what runs now.
            models.Index(fields=["lease_expires_at"], condition=Q(status="running"), name="idx_scheduled_jobs_leases"),
            # What ended without success, newest first (console, API): few rows among millions.
            models.Index(
                fields=["status", "scheduled_time"],
                condition=Q(status__in=["failed", "expired", "cancelled"]),
                name="idx_scheduled_jobs_ended_bad",
            ),
            # What waits for a person (console). Small.
            models.Index(fields=["completed_at"], condition=Q(status="unknown"), name="idx_scheduled_jobs_unknown"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(status__in=JobStatus.values), name="scheduled_jobs_status_known"),
            models.CheckConstraint(
                condition=Q(priority__range=(LOWEST_PRIORITY, HIGHEST_PRIORITY)), name="scheduled_jobs_priority_range"
            ),
            models.CheckConstraint(
                condition=Q(retry_count__gte=0) & Q(max_retries__gte=0), name="scheduled_jobs_retries_not_negative"
            ),
            models.CheckConstraint(
                condition=Q(status="running", lease_token__isnull=False, lease_expires_at__isnull=False)
                | (~Q(status="running") & Q(lease_token__isnull=True, lease_expires_at__isnull=True)),
                name="scheduled_jobs_only_running_is_leased",
            ),
            models.CheckConstraint(
                condition=Q(status__in=["pending", "running"], completed_at__isnull=True)
                | (~Q(status__in=["pending", "running"]) & Q(completed_at__isnull=False)),
                name="scheduled_jobs_final_has_time",
            ),
            # Jobs without a key are not in its index: every claim would write to it.
            models.UniqueConstraint(
                fields=["unique_key"],
                condition=Q(status__in=["pending", "running"], unique_key__isnull=False),
                name="scheduled_jobs_unique_live_key",
            ),
            # Every handler's payload is a dataclass. Raw SQL is held to it, too.
            models.CheckConstraint(condition=IsObject(F("payload")), name="scheduled_jobs_payload_is_object"),
            # Python cannot read an infinite time: one such row would break every list that it is in.
            models.CheckConstraint(
                condition=Q(IsFinite(F("scheduled_time")), IsFinite(F("next_attempt_at")), IsFinite(F("expires_at"))),
                name="scheduled_jobs_times_are_finite",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.job_type} {self.job_id}"


class JobExecution(models.Model):
    """One attempt of a job, with its outcome. Written once, in the transaction that records the outcome."""

    execution_id = models.BigAutoField(primary_key=True)
    # No foreign key, as in the seeds: the history outlives the job's row.
    job_id = models.CharField(max_length=255, help_text="The job.")
    job_type = models.CharField(max_length=100, help_text="Its type.")
    execution_time = models.DateTimeField(help_text="When the attempt started.")
    duration_ms = models.IntegerField(null=True, help_text="How long it took, in whole milliseconds.")
    status = models.CharField(max_length=50, choices=JobStatus, help_text="How the attempt ended.")
    error_message = models.TextField(null=True, help_text="Why it failed.")  # noqa: DJ001 - seed column
    created_at = models.DateTimeField(db_default=Now(), editable=False, help_text="When this row was written.")
    attempt = models.IntegerField(default=1, db_default=1, help_text="1 for the first attempt.")
    worker = models.CharField(max_length=255, default="", db_default="", blank=True, help_text="Host and process.")
    lateness_ms = models.IntegerField(
        null=True, help_text="How late it began, of attempts that reached a handler and were the job's last."
    )

    class Meta:
        db_table = "job_execution_history"
        ordering = ["-execution_time", "-execution_id"]
        verbose_name = "attempt"
        indexes = [
            # The seeds' index: figures and pruning by time.
            models.Index(fields=["execution_time"], name="idx_job_history_time"),
            # The attempts of one job (admin, API, job_status).
            models.Index(fields=["job_id"], name="idx_job_history_job"),
            # Attempts of one type, newest first (console): a daily job's few among millions.
            models.Index(fields=["job_type", "execution_time"], name="idx_job_history_type_time"),
            # Failures, newest first, and how many there were lately (health, console).
            models.Index(fields=["execution_time"], condition=Q(status="failed"), name="idx_job_history_failed"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=["completed", "failed", "expired", "unknown"]),
                name="job_execution_history_status_known",
            ),
        ]

    def __str__(self) -> str:
        return f"attempt {self.attempt} of {self.job_id}: {self.status}"
