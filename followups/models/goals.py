"""What a member wants to reach and to be asked about, and when they have said to be away."""

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from followups.models.profiles import UserProfile


class Goal(models.Model):
    """One goal; a member has at most one open at a time."""

    user = models.ForeignKey(
        UserProfile, on_delete=models.CASCADE, related_name="goals", db_index=False, help_text="Whose."
    )
    text = models.CharField(max_length=200, help_text="In their words.")
    check_in_at = models.DateTimeField(help_text="When they want to be asked.")
    created_at = models.DateTimeField(db_default=Now(), editable=False, help_text="When they set it.")
    closed_at = models.DateTimeField(null=True, blank=True, help_text="When it was reached, dropped or replaced.")
    follow_up_id = models.CharField(
        max_length=255, blank=True, default="", db_default="", help_text="The follow-up that was planned for it."
    )

    class Meta:
        db_table = "member_goals"
        ordering = ["-id"]
        indexes = [models.Index(fields=["user", "-id"], name="idx_goals_user")]  # a member's goals
        constraints = [
            models.UniqueConstraint(
                fields=["user"], condition=Q(closed_at__isnull=True), name="member_goals_one_open_per_member"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user_id}: {self.text[:40]}"


class Absence(models.Model):
    """A time for which the member said to be away: no silence, and no follow-up in it."""

    user = models.ForeignKey(
        UserProfile, on_delete=models.CASCADE, related_name="absences", db_index=False, help_text="Who."
    )
    starts_at = models.DateTimeField(help_text="From.")
    ends_at = models.DateTimeField(help_text="To.")
    note = models.CharField(max_length=200, blank=True, default="", db_default="", help_text="Why, if they said so.")
    created_at = models.DateTimeField(db_default=Now(), editable=False, help_text="When they said so.")

    class Meta:
        db_table = "member_absences"
        ordering = ["-starts_at", "-id"]
        indexes = [models.Index(fields=["user", "ends_at"], name="idx_absences_user")]  # is the member away?
        constraints = [
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="member_absences_ends_after_start"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id}: {self.starts_at:%Y-%m-%d} to {self.ends_at:%Y-%m-%d}"
