"""Campaigns: all follow-ups of one trigger. Who is kept without a message, and why one is paused."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from followups.models.followups import FollowUp, Trigger
from followups.models.profiles import UserProfile


class Campaign(models.Model):
    """What staff, or the guard against harm, have set for one trigger. Without a row nothing is set."""

    trigger_type = models.CharField(primary_key=True, max_length=50, choices=Trigger, help_text="The trigger.")
    holdout_percent = models.SmallIntegerField(
        null=True, blank=True, help_text="Members kept without these messages; empty: FOLLOW_UP_HOLDOUT_PERCENT."
    )
    paused_at = models.DateTimeField(null=True, blank=True, help_text="Since when nothing of it is sent.")
    paused_by = models.CharField(max_length=150, blank=True, default="", db_default="", help_text="Who paused it.")
    pause_reason = models.CharField(max_length=255, blank=True, default="", db_default="", help_text="Why.")
    judged_from = models.DateTimeField(
        null=True, blank=True, help_text="Harm before this time does not count: somebody has resumed it then."
    )
    updated_at = models.DateTimeField(db_default=Now(), help_text="Last changed.")

    class Meta:
        db_table = "followup_campaigns"
        ordering = ["trigger_type"]
        constraints = [
            models.CheckConstraint(condition=Q(trigger_type__in=Trigger.values), name="followup_campaigns_trigger"),
            models.CheckConstraint(
                condition=Q(holdout_percent__isnull=True) | Q(holdout_percent__range=(0, 50)),
                name="followup_campaigns_holdout_range",
            ),
            models.CheckConstraint(
                condition=Q(paused_at__isnull=True) | ~Q(pause_reason=""), name="followup_campaigns_pause_has_reason"
            ),
        ]

    def __str__(self) -> str:
        return str(self.get_trigger_type_display())


class Holdout(models.Model):
    """A follow-up that was due and kept back on purpose, to see what happens without it."""

    follow_up = models.OneToOneField(
        FollowUp, primary_key=True, on_delete=models.CASCADE, related_name="holdout", help_text="The plan."
    )
    user = models.ForeignKey(
        UserProfile, on_delete=models.CASCADE, related_name="holdouts", db_index=False, help_text="The member."
    )
    trigger_type = models.CharField(max_length=50, choices=Trigger, help_text="What would have been sent.")
    held_at = models.DateTimeField(help_text="When it would have been sent.")
    returned_at = models.DateTimeField(
        null=True, blank=True, help_text="Their first message anywhere within the window for answers."
    )

    class Meta:
        db_table = "followup_holdouts"
        ordering = ["-held_at"]
        indexes = [
            models.Index(fields=["user", "held_at"], name="idx_holdouts_user_time"),  # who comes back
            models.Index(fields=["trigger_type", "held_at"], name="idx_holdouts_trigger_time"),  # figures
        ]

    def __str__(self) -> str:
        return f"{self.user_id}: {self.trigger_type}"
