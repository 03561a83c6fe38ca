"""When nobody listened: times in which what members wrote could not be heard."""

from django.db import models
from django.db.models import F, Q

from socialmedia.models.accounts import Platform


class ListeningGap(models.Model):
    """A time in which none of our accounts on a network was connected. Such a time is nobody's silence."""

    platform = models.CharField(
        max_length=50, choices=Platform, default=Platform.DISCORD, db_default=Platform.DISCORD, help_text="The network."
    )
    began_at = models.DateTimeField(help_text="The last sign of life before it.")
    ended_at = models.DateTimeField(help_text="The first one after it.")

    class Meta:
        db_table = "listening_gaps"
        ordering = ["-began_at"]
        indexes = [models.Index(fields=["platform", "ended_at"], name="idx_gaps_end")]  # gaps since a time
        constraints = [
            models.CheckConstraint(condition=Q(ended_at__gt=F("began_at")), name="listening_gaps_ends_after_start"),
        ]

    def __str__(self) -> str:
        return f"{self.began_at:%Y-%m-%d %H:%M} to {self.ended_at:%Y-%m-%d %H:%M}"
