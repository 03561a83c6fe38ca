"""The ledger of decisions: why a follow-up was sent, held or dropped."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now


class PolicyDecision(models.Model):
    """One answer of the policy about one follow-up."""

    follow_up_id = models.CharField(max_length=255, blank=True, default="", help_text="The follow-up, if it exists.")
    user_id = models.CharField(max_length=255, help_text="The member.")
    trigger_type = models.CharField(max_length=50, help_text="What would have been sent.")
    asked_by = models.CharField(max_length=20, help_text="planning, execution or relay.")
    verdict = models.CharField(max_length=10, help_text="send, hold or drop.")
    gate = models.CharField(max_length=50, blank=True, default="", help_text="The gate that decided; empty for send.")
    reason = models.TextField(blank=True, default="", help_text="The same in words.")
    held_until = models.DateTimeField(null=True, blank=True, help_text="When to ask again.")
    inputs = models.JSONField(default=dict, help_text="The facts the gate saw.")
    decided_at = models.DateTimeField(db_default=Now(), help_text="When.")

    class Meta:
        db_table = "followup_decisions"
        ordering = ["-id"]
        verbose_name = "decision"
        indexes = [
            # A member's or a follow-up's story, newest first.
            models.Index(fields=["user_id", "-id"], name="idx_decisions_user"),
            models.Index(fields=["follow_up_id"], name="idx_decisions_follow_up"),
            # Pruning by age.
            models.Index(fields=["decided_at"], name="idx_decisions_time"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(verdict__in=["send", "hold", "drop"]), name="followup_decisions_verdict_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user_id}: {self.verdict} {self.gate}".strip()
