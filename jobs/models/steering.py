"""What holds jobs back: pauses, and the use of limited types."""

from django.contrib.postgres.fields import ArrayField
from django.db import models


class JobPause(models.Model):
    """A job type, or everything, that is not to be started. Resuming deletes the row."""

    EVERYTHING = "*"

    job_type = models.CharField(
        primary_key=True,
        max_length=100,
        error_messages={"unique": "This is paused already."},
        help_text="A job type, or * for everything.",
    )
    paused_at = models.DateTimeField(help_text="Since when.")
    paused_by = models.CharField(max_length=255, help_text="Who paused it.")
    reason = models.CharField(max_length=255, blank=True, default="", db_default="", help_text="Why.")

    class Meta:
        db_table = "job_pauses"
        ordering = ["job_type"]
        verbose_name = "pause"

    def __str__(self) -> str:
        return "everything" if self.job_type == self.EVERYTHING else self.job_type


class JobTypeUse(models.Model):
    """How much of a limited type was started lately. Locked by whoever claims jobs of that type."""

    name = models.CharField(
        primary_key=True, max_length=100, help_text="A job type with a limit, or the limit that several types share."
    )
    recent_starts = ArrayField(
        models.DateTimeField(),
        default=list,
        db_default=[],
        help_text="When jobs started, oldest first, as far back as the rate asks.",
    )

    class Meta:
        db_table = "job_type_use"
        ordering = ["name"]
        verbose_name = "use of a limited type"
        verbose_name_plural = "use of limited types"

    def __str__(self) -> str:
        return self.name
