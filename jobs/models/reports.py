"""What jobs say of themselves, and the figures of each day."""

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models.functions import Now


class Report(models.Model):
    """What one run of a job said of itself (`reports.write`). Never changed."""

    # No foreign key: like the history, a report may outlive the job's row.
    job_id = models.CharField(max_length=255, help_text="The job.")
    job_type = models.CharField(max_length=100, help_text="Its type.")
    created_at = models.DateTimeField(db_default=Now(), editable=False, help_text="When this row was written.")
    report = models.JSONField(encoder=DjangoJSONEncoder, help_text="What it did, in figures.")

    class Meta:
        db_table = "job_reports"
        ordering = ["-id"]
        indexes = [
            # reports.of_job: the reports of one job (console, command).
            models.Index(fields=["job_id"], name="idx_job_reports_job"),
            # Pruning by age.
            models.Index(fields=["created_at"], name="idx_job_reports_time"),
        ]

    def __str__(self) -> str:
        return f"report of {self.job_id}"


class DailyFigure(models.Model):
    """One number of one day in UTC, such as the follow-ups sent. Written by `figures.collect`, also again."""

    day = models.DateField(help_text="The day, in UTC.")
    name = models.CharField(max_length=100, help_text="What was counted or measured, such as followups.sent.")
    value = models.FloatField(help_text="The number; durations say their unit in the name.")

    class Meta:
        db_table = "daily_figures"
        ordering = ["-day", "name"]
        verbose_name = "daily figure"
        constraints = [
            # Also the index of figures.series: a span of days, some names.
            models.UniqueConstraint(fields=["day", "name"], name="daily_figures_one_a_day"),
        ]

    def __str__(self) -> str:
        return f"{self.day} {self.name}"
