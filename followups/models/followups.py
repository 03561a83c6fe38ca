"""Follow-ups: what is planned, and the history of what was sent."""

import uuid
from datetime import timedelta

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from followups.models.profiles import UserProfile
from socialmedia.models import Message, MessageTemplate


class Trigger(models.TextChoices):
    """Why a follow-up is planned. `inactivity` is the seed's automatic 48-hour check-in, the next four are its own,
    and the last two are ours.
    """

    INACTIVITY = "inactivity", "Went quiet"
    POST_EVENT = "post_event", "After an event"
    RE_ENGAGEMENT = "re_engagement", "Away for long"
    EMOTION_BASED = "emotion_based", "Sounded unhappy"
    CUSTOM = "custom", "By hand"
    BIRTHDAY = "birthday", "Birthday"
    GOAL = "goal", "Their goal"


class FollowUpStatus(models.TextChoices):
    """Where a follow-up is: the seed's four and `skipped`, which always has a reason."""

    PENDING = "pending", "Pending"
    EXECUTED = "executed", "Executed"
    CANCELLED = "cancelled", "Cancelled"
    FAILED = "failed", "Failed"
    SKIPPED = "skipped", "Skipped"


def new_follow_up_id() -> str:
    """A random id: the seed's derived ids leak the member and collide when one is planned again."""
    return str(uuid.uuid4())


class FollowUp(models.Model):
    """One planned message to one member. `executed` means that Discord took the message."""

    id = models.CharField(primary_key=True, max_length=255, default=new_follow_up_id, help_text="Random.")
    conversation_id = models.CharField(
        max_length=255, blank=True, default="", db_default="", help_text="The conversation it belongs to, if any."
    )
    user = models.ForeignKey(
        UserProfile, on_delete=models.CASCADE, related_name="follow_ups", db_index=False, help_text="The member."
    )
    trigger_type = models.CharField(max_length=50, choices=Trigger, help_text="Why.")
    trigger_data = models.JSONField(default=dict, db_default={}, blank=True, help_text="What the trigger knew.")
    scheduled_at = models.DateTimeField(help_text="When it is due.")
    executed_at = models.DateTimeField(null=True, blank=True, help_text="When Discord took the message.")
    cancelled_at = models.DateTimeField(null=True, blank=True, help_text="When it was cancelled.")
    status = models.CharField(
        max_length=20, choices=FollowUpStatus, default="pending", db_default="pending", help_text="State."
    )
    template_id = models.CharField(max_length=50, blank=True, default="", db_default="", help_text="Template used.")
    message_content = models.TextField(
        blank=True, default="", db_default="", help_text="The text, written when it is due, never earlier."
    )
    composition = models.JSONField(
        default=dict,
        db_default={},
        blank=True,
        help_text="How it was written: template, key, variant, locale, level, emotion, composed_by.",
    )
    event_at = models.DateTimeField(null=True, blank=True, help_text="The event that it follows, if any.")
    created_at = models.DateTimeField(db_default=Now(), editable=False, help_text="When it was planned.")
    error_message = models.TextField(blank=True, default="", db_default="", help_text="Why it failed.")
    retry_count = models.IntegerField(default=0, db_default=0, help_text="Delivery attempts that failed.")
    job_id = models.CharField(max_length=255, blank=True, default="", db_default="", help_text="Its job.")
    dedupe_key = models.CharField(max_length=255, unique=True, help_text="One follow-up per occasion: the occasion.")
    reason = models.CharField(
        max_length=255, blank=True, default="", db_default="", help_text="Why it was skipped or cancelled."
    )
    message = models.OneToOneField(
        Message,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="follow_up",
        help_text="The message in the outbox, once written.",
    )

    class Meta:
        db_table = "scheduled_followups"
        ordering = ["-scheduled_at", "id"]
        verbose_name = "follow-up"
        indexes = [
            models.Index(fields=["user"], name="ix_scheduled_followups_user_id"),
            models.Index(fields=["conversation_id"], name="ix_scheduled_followups_convers"),
            models.Index(fields=["scheduled_at"], name="ix_scheduled_followups_sched"),
            models.Index(fields=["status", "scheduled_at"], name="idx_followups_status_scheduled"),
            models.Index(fields=["user", "status"], name="idx_followups_user_status"),
            models.Index(fields=["user", "trigger_type", "status", "scheduled_at"], name="idx_followups_user_trigger"),
            # Whether an event nearby has a follow-up already.
            models.Index(
                fields=["user", "event_at"], condition=Q(event_at__isnull=False), name="idx_followups_user_event"
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=FollowUpStatus.values), name="scheduled_followups_status_known"
            ),
            models.CheckConstraint(
                condition=Q(trigger_type__in=Trigger.values), name="scheduled_followups_trigger_known"
            ),
            models.CheckConstraint(
                condition=~Q(status="executed") | Q(executed_at__isnull=False),
                name="scheduled_followups_executed_has_time",
            ),
            models.CheckConstraint(
                condition=~Q(status="cancelled") | Q(cancelled_at__isnull=False),
                name="scheduled_followups_cancelled_has_time",
            ),
            models.CheckConstraint(
                condition=~Q(status="skipped") | ~Q(reason=""), name="scheduled_followups_skipped_has_reason"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_trigger_type_display()} for {self.user_id}"

    @property
    def is_unwritten(self) -> bool:
        """Whether it is still to be written: not cancelled meanwhile, nor written by an attempt whose completion got
        lost. One that failed before it was written is to be written again: somebody has retried its job.
        """
        return self.message_id is None and self.status in {FollowUpStatus.PENDING, FollowUpStatus.FAILED}


class Harm(models.TextChoices):
    """What a follow-up did to a member within 24 hours of reaching them."""

    OPT_OUT = "opt_out", "Opted out"
    BLOCK = "block", "Refused messages"
    LEFT = "left", "Left the community"
    NEGATIVE_REPLY = "negative_reply", "Unhappy answer"


class FollowUpHistory(models.Model):
    """One follow-up that reached its member, and whether they answered."""

    user = models.ForeignKey(
        UserProfile, on_delete=models.CASCADE, related_name="follow_up_history", db_index=False, help_text="The member."
    )
    message_sent = models.TextField(help_text="The text.")
    context_data = models.JSONField(null=True, blank=True, help_text="What it was written from.")
    sent_at = models.DateTimeField(db_default=Now(), help_text="When Discord took it.")
    response_received = models.BooleanField(default=False, db_default=False, help_text="The member answered.")
    response_time = models.DateTimeField(null=True, blank=True, help_text="When they answered.")
    reacted_at = models.DateTimeField(null=True, blank=True, help_text="Their first reaction; no answer.")
    returned_at = models.DateTimeField(
        null=True, blank=True, help_text="Their first message anywhere within the window for answers."
    )
    harm = models.CharField(
        max_length=20, choices=Harm, blank=True, default="", db_default="", help_text="What it did within 24 hours."
    )
    harm_at = models.DateTimeField(null=True, blank=True, help_text="When.")
    trigger_type = models.CharField(
        max_length=50, choices=Trigger, blank=True, default="", db_default="", help_text="Why it was sent."
    )
    template = models.ForeignKey(
        MessageTemplate,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        help_text="The very version of the template.",
    )
    template_key = models.CharField(max_length=50, blank=True, default="", db_default="", help_text="Its key.")
    variant = models.CharField(max_length=20, blank=True, default="", db_default="", help_text="Its variant.")
    locale = models.CharField(max_length=16, blank=True, default="", db_default="", help_text="Its language.")
    relationship_level = models.SmallIntegerField(null=True, blank=True, help_text="The member's level then.")
    emotion = models.CharField(
        max_length=10, blank=True, default="", db_default="", help_text="high, neutral or low, then."
    )
    composed_by = models.CharField(
        max_length=10, blank=True, default="", db_default="", help_text="template, llm or staff."
    )
    local_hour = models.SmallIntegerField(null=True, blank=True, help_text="Hour of the member's day, 0 to 23.")
    local_weekday = models.SmallIntegerField(null=True, blank=True, help_text="Their day: 0 Monday to 6 Sunday.")
    follow_up = models.OneToOneField(
        FollowUp, null=True, on_delete=models.SET_NULL, related_name="history", help_text="The plan it came from."
    )

    class Meta:
        db_table = "follow_up_history"
        ordering = ["-sent_at", "-id"]
        verbose_name = "sent follow-up"
        indexes = [
            # The weekly cap; the follow-up an answer belongs to.
            models.Index(fields=["user", "sent_at"], name="idx_follow_up_user_time"),
            # What was sent lately (dashboard, console).
            models.Index(fields=["sent_at"], name="idx_follow_up_time"),
            # Figures of one trigger.
            models.Index(fields=["trigger_type", "sent_at"], name="idx_follow_up_trigger_time"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(harm__in=["", *Harm.values]), name="follow_up_history_harm_known"),
            models.CheckConstraint(
                condition=Q(harm="") | Q(harm_at__isnull=False), name="follow_up_history_harm_has_time"
            ),
            models.CheckConstraint(
                condition=Q(response_received=False) | Q(response_time__isnull=False),
                name="follow_up_history_response_has_time",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} {self.sent_at:%Y-%m-%d %H:%M}"

    @property
    def time_to_answer(self) -> timedelta | None:
        """How long the member took; None without an answer."""
        return self.response_time - self.sent_at if self.response_received and self.response_time else None
