"""Staff's work on a conversation: notes, and replies that are drafts, wait for their time, or for a person's hand."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from socialmedia.models.actions import AutomationAction
from socialmedia.models.inbox import Conversation, Message
from socialmedia.models.templates import MessageTemplate


class ReplyStatus(models.TextChoices):
    """Where a reply of staff is."""

    DRAFT = "draft", "Draft"
    SCHEDULED = "scheduled", "To be sent later"
    READY = "ready", "To be copied"
    SENT = "sent", "Sent"
    CANCELLED = "cancelled", "Cancelled"
    FAILED = "failed", "Failed"


class StaffReply(models.Model):
    """A reply that staff write. Where a network has an interface, sending it queues a message; elsewhere a person
    copies it there and says so. Its placeholders are filled when it is sent.
    """

    conversation = models.ForeignKey(
        Conversation, on_delete=models.CASCADE, related_name="staff_replies", help_text="To whom."
    )
    status = models.CharField(
        max_length=20,
        choices=ReplyStatus,
        default=ReplyStatus.DRAFT,
        db_default=ReplyStatus.DRAFT,
        help_text="State.",
    )
    text = models.TextField(
        blank=True, default="", db_default="", help_text="The words, with placeholders like {name}."
    )
    rendered_text = models.TextField(
        blank=True, default="", db_default="", help_text="The words as they were sent, or are to be copied."
    )
    template = models.ForeignKey(
        MessageTemplate, null=True, blank=True, on_delete=models.SET_NULL, help_text="The canned reply it came from."
    )
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, help_text="Who wrote it."
    )
    author_name = models.CharField(max_length=150, blank=True, default="", db_default="", help_text="Their name.")
    send_at = models.DateTimeField(null=True, blank=True, help_text="When it is to be sent.")
    cancel_on_answer = models.BooleanField(
        default=True, db_default=True, help_text="Not sent when the member writes first."
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False, help_text="Begun.")
    updated_at = models.DateTimeField(db_default=Now(), editable=False, help_text="Last changed.")
    sent_at = models.DateTimeField(null=True, blank=True, help_text="When it was sent or queued.")
    closed_by = models.CharField(
        max_length=150, blank=True, default="", db_default="", help_text="Who sent or cancelled it; empty: nobody did."
    )
    problem = models.CharField(max_length=255, blank=True, default="", db_default="", help_text="Why it was not sent.")
    message = models.OneToOneField(
        Message, null=True, blank=True, on_delete=models.SET_NULL, help_text="The message it became."
    )
    action = models.OneToOneField(
        AutomationAction, null=True, blank=True, on_delete=models.SET_NULL, help_text="Its line in the action log."
    )
    job_id = models.CharField(max_length=255, blank=True, default="", db_default="", help_text="The job that sends it.")
    key = models.CharField(
        max_length=64,
        blank=True,
        default="",
        db_default="",
        help_text="Names the click that made it: a second makes none.",
    )

    class Meta:
        db_table = "staff_replies"
        ordering = ["-updated_at", "-id"]
        verbose_name = "reply"
        verbose_name_plural = "replies"
        constraints = [
            models.CheckConstraint(condition=Q(status__in=ReplyStatus.values), name="staff_replies_status"),
            models.CheckConstraint(
                condition=~Q(status="scheduled") | Q(send_at__isnull=False), name="staff_replies_scheduled_has_time"
            ),
            models.CheckConstraint(
                condition=Q(status__in=["draft", "cancelled"]) | ~Q(text=""), name="staff_replies_has_words"
            ),
            # Everybody has one draft in a conversation.
            models.UniqueConstraint(
                fields=["conversation", "author"], condition=Q(status="draft"), name="staff_replies_one_draft"
            ),
            models.UniqueConstraint(fields=["key"], condition=~Q(key=""), name="staff_replies_one_per_click"),
        ]
        indexes = [
            # What an answer of the member cancels; what the console shows. Small.
            models.Index(
                fields=["conversation"],
                condition=Q(status__in=["scheduled", "ready"]),
                name="idx_staff_replies_open",
            ),
            models.Index(fields=["send_at"], condition=Q(status="scheduled"), name="idx_staff_replies_due"),
            # Pruning by age.
            models.Index(
                fields=["updated_at"],
                condition=Q(status__in=["sent", "cancelled", "failed"]),
                name="idx_staff_replies_closed",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_status_display()}: {self.text[:40]}"


class ConversationNote(models.Model):
    """What staff tell each other about a conversation. The other side never sees it."""

    conversation = models.ForeignKey(
        Conversation, on_delete=models.CASCADE, related_name="notes", help_text="About which conversation."
    )
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, help_text="Who wrote it."
    )
    author_name = models.CharField(max_length=150, blank=True, default="", db_default="", help_text="Their name.")
    text = models.TextField(help_text="The words.")
    created_at = models.DateTimeField(db_default=Now(), editable=False, help_text="When.")

    class Meta:
        db_table = "conversation_notes"
        ordering = ["-created_at", "-id"]
        verbose_name = "note"
        constraints = [models.CheckConstraint(condition=~Q(text=""), name="conversation_notes_has_text")]

    def __str__(self) -> str:
        return self.text[:40]
