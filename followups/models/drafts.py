"""What a language model wrote for a follow-up, and the breaker in front of it."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from followups.models.followups import FollowUp


class DraftStatus(models.TextChoices):
    """Where a draft is."""

    WAITING = "waiting", "Waits for approval"
    APPROVED = "approved", "Approved"
    USED = "used", "Used"
    REJECTED = "rejected", "Rejected"
    VOID = "void", "Out of date"
    FAILED = "failed", "Not usable"


class Draft(models.Model):
    """One text that a model wrote. Each personal claim in it names the message that it rests on."""

    follow_up = models.ForeignKey(
        FollowUp, on_delete=models.CASCADE, related_name="drafts", db_index=False, help_text="What it is for."
    )
    status = models.CharField(max_length=20, choices=DraftStatus, help_text="State.")
    text = models.TextField(blank=True, default="", db_default="", help_text="The words, without the way out.")
    claims = models.JSONField(
        default=list, db_default=[], blank=True, help_text="What it says of the member, each with its source."
    )
    problem = models.CharField(
        max_length=255, blank=True, default="", db_default="", help_text="Why it is not usable, or was rejected."
    )
    model = models.CharField(max_length=100, blank=True, default="", db_default="", help_text="Which model.")
    prompt_version = models.CharField(max_length=20, blank=True, default="", db_default="", help_text="Which prompt.")
    seconds = models.FloatField(null=True, blank=True, help_text="How long the model took.")
    newest_message_id = models.BigIntegerField(
        null=True, blank=True, help_text="The newest inbound message it knew; a newer one makes it void."
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False, help_text="When it was written.")
    expires_at = models.DateTimeField(null=True, blank=True, help_text="Afterwards the template is sent instead.")
    decided_at = models.DateTimeField(null=True, blank=True, help_text="When a person decided.")
    decided_by = models.CharField(max_length=150, blank=True, default="", db_default="", help_text="Who.")

    class Meta:
        db_table = "followup_drafts"
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["follow_up", "-id"], name="idx_drafts_follow_up"),  # a follow-up's newest
            models.Index(fields=["id"], condition=Q(status="waiting"), name="idx_drafts_waiting"),  # what to approve
            models.Index(fields=["created_at"], name="idx_drafts_time"),  # pruning by age
        ]
        constraints = [
            models.CheckConstraint(condition=Q(status__in=DraftStatus.values), name="followup_drafts_status_known"),
            models.UniqueConstraint(
                fields=["follow_up"],
                condition=Q(status__in=["waiting", "approved"]),
                name="followup_drafts_one_live",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.status}: {self.text[:40]}"


class LlmCircuit(models.Model):
    """The breaker of one endpoint, shared by all workers: after some failures in a row nobody asks for a while."""

    endpoint = models.CharField(primary_key=True, max_length=255, help_text="Address and model.")
    failures = models.IntegerField(default=0, db_default=0, help_text="In a row.")
    open_until = models.DateTimeField(null=True, blank=True, help_text="Not asked before this time.")
    last_error = models.CharField(max_length=255, blank=True, default="", db_default="", help_text="What happened.")
    updated_at = models.DateTimeField(db_default=Now(), help_text="Last change.")

    class Meta:
        db_table = "llm_circuits"

    def __str__(self) -> str:
        return self.endpoint
