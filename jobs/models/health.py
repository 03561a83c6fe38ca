"""The clusters that run jobs, and what the check-up found."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now


class ClusterHeartbeat(models.Model):
    """A running cluster and when it last said so. Health is judged by the age of `beat_at`."""

    cluster = models.CharField(primary_key=True, max_length=255, help_text="Host and process of its pusher.")
    started_at = models.DateTimeField(db_default=Now(), help_text="When it began to take jobs.")
    beat_at = models.DateTimeField(help_text="When it was last alive, by the database's clock.")

    class Meta:
        db_table = "job_clusters"
        ordering = ["cluster"]
        verbose_name = "cluster"

    def __str__(self) -> str:
        return self.cluster


class HealthStatus(models.TextChoices):
    """What a check of the check-up can find."""

    OK = "ok", "Ok"
    DEGRADED = "degraded", "Degraded"
    FAILED = "failed", "Failed"


class HealthResult(models.Model):
    """A time during which one check of the check-up found the same state. Written by `jobs.checkup` only."""

    check_name = models.CharField(max_length=50, help_text="Which check.")
    status = models.CharField(max_length=20, choices=HealthStatus, help_text="What it found.")
    detail = models.TextField(help_text="In one sentence, as of the latest run.")
    numbers = models.JSONField(default=dict, help_text="The figures behind it, as of the latest run.")
    began_at = models.DateTimeField(help_text="When it was found first.")
    checked_at = models.DateTimeField(help_text="When it was found last.")
    duration_ms = models.IntegerField(help_text="How long the latest run took, in whole milliseconds.")
    worker = models.CharField(max_length=255, help_text="Host and process of the latest run.")
    is_current = models.BooleanField(default=True, help_text="The check's newest state.")

    class Meta:
        db_table = "health_results"
        ordering = ["-is_current", "check_name", "-checked_at"]
        verbose_name = "health result"
        indexes = [
            # checkup.record deletes what is too old.
            models.Index(fields=["checked_at"], name="idx_health_results_checked_at"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(status__in=HealthStatus.values), name="health_results_status_known"),
            models.CheckConstraint(
                condition=Q(began_at__lte=models.F("checked_at")), name="health_results_times_in_order"
            ),
            # Also the index of what each check found last: checkup.latest, checkup.record.
            models.UniqueConstraint(
                fields=["check_name"], condition=Q(is_current=True), name="health_results_one_current"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.check_name}: {self.status}"
