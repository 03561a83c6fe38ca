"""Recurring work: its schedules and its runs."""

from django.db import models
from django.db.models import Q
from django_q.models import Schedule


class Origin(models.TextChoices):
    """Why a run of recurring work is there."""

    SCHEDULE = "schedule", "Schedule"
    MANUAL = "manual", "By hand"
    BACKFILL = "backfill", "Backfill"


class RecurringRun(models.Model):
    """One planned time of recurring work, and its job. It is enqueued, waits for its turn, or was skipped."""

    run_id = models.BigAutoField(primary_key=True)
    name = models.CharField(max_length=100, help_text="The recurring work.")
    planned_at = models.DateTimeField(help_text="When it should run; for a run by hand, when somebody asked for it.")
    origin = models.CharField(max_length=20, choices=Origin, help_text="What asked for it.")
    decided_at = models.DateTimeField(help_text="When it was enqueued; without a job, when it was put off or skipped.")
    # No foreign keys: as with attempts, the history outlives the jobs' rows.
    job_id = models.CharField(  # noqa: DJ001 - NULL means "no job"
        max_length=255, null=True, help_text="The job that does it."
    )
    backfill_id = models.CharField(  # noqa: DJ001 - NULL means "not in a queue"
        max_length=255, null=True, help_text="The job that enqueues this run when its turn comes, or that did so."
    )
    skipped_because = models.TextField(  # noqa: DJ001 - NULL means "not skipped"
        null=True, help_text="Why there is no job."
    )

    class Meta:
        db_table = "recurring_runs"
        ordering = ["-planned_at"]
        verbose_name = "run of recurring work"
        verbose_name_plural = "runs of recurring work"
        indexes = [
            # The latest runs of one work: runs.latest, runs.last_result, runs.live_job.
            models.Index(fields=["name", "decided_at"], name="idx_recurring_runs_latest"),
            # The runs of one backfill, and the next of them: runs.waiting, runs.progress.
            models.Index(
                fields=["backfill_id", "planned_at"],
                condition=Q(backfill_id__isnull=False),
                name="idx_recurring_runs_backfill",
            ),
            # The old ones, for the clean-up: runs.decided_before.
            models.Index(fields=["decided_at"], name="idx_recurring_runs_decided"),
        ]
        constraints = [
            # Each planned time is enqueued once, whoever comes first: a schedule, another cluster's, a backfill.
            # Also the index of the runs of some times: runs.known, runs.take, runs.planned_before.
            models.UniqueConstraint(fields=["name", "planned_at"], name="recurring_runs_once_per_time"),
            models.CheckConstraint(condition=Q(origin__in=Origin.values), name="recurring_runs_origin_known"),
            models.CheckConstraint(
                condition=Q(job_id__isnull=False, skipped_because__isnull=True)
                | Q(job_id__isnull=True, skipped_because__isnull=False, backfill_id__isnull=True)
                | Q(job_id__isnull=True, skipped_because__isnull=True, backfill_id__isnull=False),
                name="recurring_runs_enqueued_skipped_or_waiting",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} of {self.planned_at:%Y-%m-%d %H:%M}"


class RecurringSchedule(Schedule):
    """A Django-Q schedule under its name: what the console lists, and what permissions are about."""

    class Meta:
        proxy = True
        verbose_name = "recurring work"
        verbose_name_plural = "recurring work"

    def __str__(self) -> str:
        return self.name or ""
