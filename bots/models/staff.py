"""Staff in Discord: the thread that stands for a member's private channel, and what is posted for staff."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from socialmedia.models import Account, Conversation


class StaffThread(models.Model):
    """The thread in the staff channel that stands for one conversation. Without one, it is about to be deleted."""

    conversation = models.ForeignKey(
        Conversation,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        db_index=False,  # the constraint has one
        related_name="+",
        help_text="The private messages that it shows. Empty: the member was forgotten.",
    )
    account = models.ForeignKey(
        Account, on_delete=models.CASCADE, db_index=False, related_name="+", help_text="The bot's account."
    )
    channel_id = models.CharField(
        max_length=32, help_text="Discord's id of the staff channel it is below; where that has changed, it rests."
    )
    thread_id = models.CharField(max_length=32, unique=True, help_text="Discord's id of the thread.")
    created_at = models.DateTimeField(db_default=Now(), editable=False, help_text="When it was opened.")

    class Meta:
        db_table = "staff_threads"
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(fields=["conversation", "channel_id"], name="staff_threads_one_per_channel")
        ]

    def __str__(self) -> str:
        return self.thread_id


class StaffPostStatus(models.TextChoices):
    """Where a post for staff is."""

    QUEUED = "queued", "Queued"
    SENDING = "sending", "Sending"
    SENT = "sent", "Sent"
    FAILED = "failed", "Failed"


class StaffPost(models.Model):
    """Something that staff shall see in Discord, once: in a member's thread, or in the staff channel."""

    account = models.ForeignKey(
        Account, on_delete=models.CASCADE, db_index=False, related_name="+", help_text="The bot's account."
    )
    key = models.CharField(max_length=255, unique=True, help_text="What it is about, such as flag:12; posted once.")
    conversation = models.ForeignKey(
        Conversation,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        db_index=False,
        related_name="+",
        help_text="In this conversation's thread. Empty: in the staff channel.",
    )
    user_id = models.CharField(
        max_length=255,
        blank=True,
        default="",
        db_default="",
        help_text="The member whom it names in the staff channel.",
    )
    text = models.TextField(help_text="The words.")
    status = models.CharField(
        max_length=16,
        choices=StaffPostStatus,
        default=StaffPostStatus.QUEUED,
        db_default=StaffPostStatus.QUEUED,
        help_text="State.",
    )
    attempts = models.IntegerField(default=0, db_default=0, help_text="How often it was tried.")
    next_attempt_at = models.DateTimeField(db_default=Now(), help_text="Not tried again before this time.")
    first_attempt_at = models.DateTimeField(null=True, blank=True, help_text="When it was first tried.")
    lease_token = models.UUIDField(null=True, blank=True, help_text="Who may record the outcome.")
    lease_expires_at = models.DateTimeField(null=True, blank=True, help_text="They are taken for dead after this.")
    external_message_id = models.CharField(
        max_length=32, blank=True, default="", db_default="", help_text="Discord's id of the post."
    )
    channel_id = models.CharField(
        max_length=32,
        blank=True,
        default="",
        db_default="",
        help_text="Discord's id of the channel or thread it is in.",
    )
    error = models.TextField(blank=True, default="", db_default="", help_text="Why it was not posted.")
    withdrawn_at = models.DateTimeField(
        null=True, blank=True, help_text="When its words went; it stays until the bot has deleted it in Discord."
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False, help_text="When it was queued.")

    class Meta:
        db_table = "staff_posts"
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=Q(status__in=StaffPostStatus.values), name="staff_posts_status_known"),
            models.CheckConstraint(
                condition=(Q(status="sending") & Q(lease_token__isnull=False) & Q(lease_expires_at__isnull=False))
                | (~Q(status="sending") & Q(lease_token__isnull=True) & Q(lease_expires_at__isnull=True)),
                name="staff_posts_only_sending_is_leased",
            ),
        ]
        indexes = [
            # What waits or was left by a process that died, oldest first.
            models.Index(fields=["id"], condition=Q(status__in=["queued", "sending"]), name="idx_staff_posts_waiting"),
            # Forgetting a member; a thread's order.
            models.Index(fields=["conversation", "id"], name="idx_staff_posts_conversation"),
            models.Index(fields=["user_id"], condition=~Q(user_id=""), name="idx_staff_posts_user"),
            # A thread's order: what has not gone out yet.
            models.Index(
                fields=["conversation", "id"],
                condition=Q(status__in=["queued", "sending"]),
                name="idx_staff_posts_open",
            ),
            # What is to be deleted in Discord.
            models.Index(
                fields=["withdrawn_at"], condition=Q(withdrawn_at__isnull=False), name="idx_staff_posts_withdrawn"
            ),
            # Pruning: what names nobody, and what is in threads.
            models.Index(
                fields=["created_at"],
                condition=Q(conversation__isnull=True, user_id=""),
                name="idx_staff_posts_notices",
            ),
            models.Index(
                fields=["created_at"], condition=Q(conversation__isnull=False), name="idx_staff_posts_in_threads"
            ),
        ]

    def __str__(self) -> str:
        return self.key
