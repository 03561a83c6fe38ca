"""Conversations and messages of every network. An outgoing message is also the outbox's row."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from socialmedia.models.accounts import Account, Platform


class Conversation(models.Model):
    """A private thread between one of our accounts and one person."""

    account = models.ForeignKey(
        Account, on_delete=models.CASCADE, related_name="conversations", help_text="Our side: the bot or the page."
    )
    platform = models.CharField(
        max_length=50, choices=Platform, default=Platform.TIKTOK, db_default=Platform.TIKTOK, help_text="The network."
    )
    participant_username = models.CharField(
        max_length=255, help_text="The other side's handle; on Discord their id, because handles change hands there."
    )
    participant_id = models.CharField(max_length=255, blank=True, default="", db_default="", help_text="Their id.")
    participant_display_name = models.CharField(
        max_length=255, blank=True, default="", db_default="", help_text="Their shown name."
    )
    participant_avatar_url = models.TextField(blank=True, default="", db_default="", help_text="Their picture.")
    participant_verified = models.BooleanField(default=False, db_default=False, help_text="Verified by the network.")
    last_message_at = models.DateTimeField(null=True, blank=True, help_text="When the newest message was sent.")
    last_message_preview = models.TextField(blank=True, default="", db_default="", help_text="How it begins.")
    last_message_is_outgoing = models.BooleanField(null=True, blank=True, help_text="Whether it was ours.")
    unread_count = models.IntegerField(default=0, db_default=0, help_text="Inbound messages nobody has read.")
    is_muted = models.BooleanField(default=False, db_default=False, help_text="No notices.")
    is_archived = models.BooleanField(default=False, db_default=False, help_text="Put away.")
    is_blocked = models.BooleanField(default=False, db_default=False, help_text="Blocked by us.")
    is_spam = models.BooleanField(default=False, db_default=False, help_text="Spam.")
    auto_reply_enabled = models.BooleanField(default=False, db_default=False, help_text="Answered by machine.")
    follow_up_scheduled_at = models.DateTimeField(null=True, blank=True, help_text="When a follow-up is planned.")
    conversation_started_at = models.DateTimeField(null=True, blank=True, help_text="When the first message was sent.")
    created_at = models.DateTimeField(db_default=Now(), editable=False, help_text="First seen.")
    updated_at = models.DateTimeField(db_default=Now(), editable=False, help_text="Last changed.")
    external_channel_id = models.CharField(
        max_length=255, blank=True, default="", db_default="", help_text="The network's id of the thread (DM channel)."
    )
    assigned_to = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        help_text="Who of the staff looks after it.",
    )
    snoozed_until = models.DateTimeField(
        null=True, blank=True, help_text="Out of the way until then, or until the other side writes."
    )

    class Meta:
        db_table = "social_media_conversations"
        ordering = [F("last_message_at").desc(nulls_last=True), "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["account", "platform", "participant_username"], name="social_media_conversations_participant"
            ),
            models.CheckConstraint(condition=Q(unread_count__gte=0), name="social_media_conversations_unread_positive"),
        ]
        indexes = [
            models.Index(fields=["platform"], name="idx_conversations_platform"),
            # The inbox's first page, newest first.
            models.Index(F("last_message_at").desc(nulls_last=True), name="idx_conversations_last_msg"),
            models.Index(fields=["unread_count"], condition=Q(unread_count__gt=0), name="idx_conversations_unread"),
            models.Index(
                fields=["follow_up_scheduled_at"],
                condition=Q(follow_up_scheduled_at__isnull=False),
                name="idx_conversations_follow_up",
            ),
            # The inbox's boxes: what is open, and what was put away. Each holds its part of the rows only.
            models.Index(
                F("last_message_at").desc(nulls_last=True),
                "id",
                condition=Q(is_archived=False, is_blocked=False, is_spam=False),
                name="idx_conversations_open",
            ),
            models.Index(
                F("last_message_at").desc(nulls_last=True),
                "id",
                condition=Q(is_archived=True) | Q(is_blocked=True) | Q(is_spam=True),
                name="idx_conversations_away",
            ),
            # Search by handle.
            models.Index(fields=["participant_username"], name="idx_conversations_handle"),
            # The conversations of one member.
            models.Index(fields=["participant_id"], name="idx_conversations_participant"),
            # The conversation of a private channel in which a message was taken back.
            models.Index(
                fields=["external_channel_id"],
                condition=~Q(external_channel_id=""),
                name="idx_conversations_channel",
            ),
            # Those that come back. Small.
            models.Index(
                fields=["snoozed_until"],
                condition=Q(snoozed_until__isnull=False),
                name="idx_conversations_snoozed",
            ),
        ]

    def __str__(self) -> str:
        return self.participant_display_name or self.participant_username

    @property
    def is_shut(self) -> bool:
        """Neither staff nor automated messages write to it, and what arrives counts as nothing new."""
        return self.is_blocked or self.is_spam


class MessageType(models.TextChoices):
    """What a message is."""

    TEXT = "text", "Text"
    IMAGE = "image", "Image"
    VIDEO = "video", "Video"
    STICKER = "sticker", "Sticker"
    GIF = "gif", "GIF"
    VOICE = "voice", "Voice"


class MessageStatus(models.TextChoices):
    """Where an outgoing message is. The seed's four, and the outbox's own."""

    QUEUED = "queued", "Queued"
    SENDING = "sending", "Sending"
    SENT = "sent", "Sent"
    DELIVERED = "delivered", "Delivered"
    READ = "read", "Read"
    FAILED = "failed", "Failed"
    UNKNOWN = "unknown", "Unknown"
    SUPPRESSED = "suppressed", "Suppressed"


class Message(models.Model):
    """One message, in or out. Outgoing ones go `queued -> sending -> sent | failed | unknown | suppressed`;
    only `socialmedia.outbox` moves them.
    """

    conversation = models.ForeignKey(
        Conversation, on_delete=models.CASCADE, related_name="messages", help_text="The thread."
    )
    external_message_id = models.CharField(  # noqa: DJ001 - NULL until the network gave one
        max_length=255, null=True, blank=True, help_text="The network's id of the message."
    )
    message_text = models.TextField(blank=True, default="", db_default="", help_text="The words.")
    message_type = models.CharField(
        max_length=50, choices=MessageType, default=MessageType.TEXT, db_default=MessageType.TEXT, help_text="Kind."
    )
    media_url = models.TextField(blank=True, default="", db_default="", help_text="Attachment.")
    media_thumbnail_url = models.TextField(blank=True, default="", db_default="", help_text="Its small picture.")
    is_outgoing = models.BooleanField(help_text="Sent by us.")
    sender_username = models.CharField(max_length=255, blank=True, default="", db_default="", help_text="Handle.")
    status = models.CharField(
        max_length=50,
        choices=MessageStatus,
        default=MessageStatus.SENT,
        db_default=MessageStatus.SENT,
        help_text="State.",
    )
    is_read = models.BooleanField(default=False, db_default=False, help_text="Somebody read it.")
    sent_at = models.DateTimeField(help_text="When it was sent; for a queued one, when it was queued.")
    delivered_at = models.DateTimeField(null=True, blank=True, help_text="When the network took it.")
    read_at = models.DateTimeField(null=True, blank=True, help_text="When it was read.")
    edited_at = models.DateTimeField(null=True, blank=True, help_text="When its sender last changed it.")
    deleted_at = models.DateTimeField(
        null=True, blank=True, help_text="When its sender took it back; the words are gone then."
    )
    reply_to_message = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, help_text="The message it answers."
    )
    metadata = models.JSONField(default=dict, blank=True, help_text="What else the network said.")
    is_automated = models.BooleanField(default=False, db_default=False, help_text="Started by us without being asked.")
    template_used = models.CharField(max_length=255, blank=True, default="", db_default="", help_text="Template.")
    created_at = models.DateTimeField(db_default=Now(), editable=False, help_text="When this row was written.")

    nonce = models.CharField(  # noqa: DJ001 - NULL for inbound messages
        max_length=25, null=True, blank=True, help_text="Sent along, so that the network drops a second copy."
    )
    consent_id = models.BigIntegerField(
        null=True, blank=True, help_text="The consent an automated message rests on (a row of consent_receipts)."
    )
    attempts = models.IntegerField(default=0, db_default=0, help_text="How often the relay tried.")
    next_attempt_at = models.DateTimeField(null=True, blank=True, help_text="Not tried again before this time.")
    first_attempt_at = models.DateTimeField(null=True, blank=True, help_text="When the relay first tried.")
    lease_token = models.UUIDField(null=True, blank=True, help_text="Which relay may record the outcome.")
    lease_expires_at = models.DateTimeField(null=True, blank=True, help_text="That relay is taken for dead after this.")
    error_code = models.CharField(max_length=50, blank=True, default="", db_default="", help_text="The network's code.")
    error_message = models.TextField(blank=True, default="", db_default="", help_text="Why it was not delivered.")

    class Meta:
        db_table = "social_media_messages"
        ordering = ["-sent_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["conversation", "external_message_id"], name="social_media_messages_external_id"
            ),
            models.UniqueConstraint(fields=["nonce"], name="social_media_messages_nonce"),
            models.CheckConstraint(
                condition=Q(status__in=MessageStatus.values), name="social_media_messages_status_known"
            ),
            models.CheckConstraint(condition=Q(message_type__in=MessageType.values), name="social_media_messages_type"),
            # ORIGINS C15: words are required in a text; anything else needs its attachment.
            models.CheckConstraint(
                condition=~Q(message_text="") | (~Q(message_type="text") & ~Q(media_url="")),
                name="social_media_messages_not_empty",
            ),
            models.CheckConstraint(
                condition=Q(is_outgoing=True) | Q(status__in=["sent", "delivered", "read"]),
                name="social_media_messages_inbound_has_arrived",
            ),
            models.CheckConstraint(
                condition=~Q(is_outgoing=True, is_automated=True) | Q(consent_id__isnull=False),
                name="social_media_messages_automated_has_consent",
            ),
            models.CheckConstraint(
                condition=~Q(status="queued") | Q(next_attempt_at__isnull=False),
                name="social_media_messages_queued_has_time",
            ),
            # outbox.claim: order is kept because a conversation has at most one message on the wire.
            models.UniqueConstraint(
                fields=["conversation"],
                condition=Q(status="sending"),
                name="social_media_messages_one_in_delivery",
            ),
            models.CheckConstraint(
                condition=(Q(status="sending") & Q(lease_token__isnull=False) & Q(lease_expires_at__isnull=False))
                | (~Q(status="sending") & Q(lease_token__isnull=True) & Q(lease_expires_at__isnull=True)),
                name="social_media_messages_only_sending_is_leased",
            ),
        ]
        indexes = [
            # A thread, newest last; also the index of the foreign key. The counts of active_conversations_summary read
            # nothing but this index.
            models.Index(fields=["conversation", "sent_at"], include=["is_outgoing"], name="idx_messages_thread"),
            models.Index(F("sent_at").desc(), name="idx_messages_sent_at"),
            # outbox.claim: what the relay may take, oldest first.
            models.Index(fields=["next_attempt_at", "id"], condition=Q(status="queued"), name="idx_messages_outbox"),
            # outbox.claim: whether a conversation has an older queued message.
            models.Index(fields=["conversation", "id"], condition=Q(status="queued"), name="idx_messages_queue"),
            # outbox.stranded: deliveries whose relay died.
            models.Index(fields=["lease_expires_at"], condition=Q(status="sending"), name="idx_messages_in_delivery"),
            # What waits for a person (console). Small.
            models.Index(fields=["sent_at"], condition=Q(status="unknown"), name="idx_messages_unknown"),
            # Forgetting who was of the team: their answers to others. Small.
            models.Index(fields=["id"], condition=Q(metadata__has_key="staff"), name="idx_messages_staff"),
        ]

    def __str__(self) -> str:
        return f"{'to' if self.is_outgoing else 'from'} {self.conversation_id}: {self.message_text[:40]}"
