"""What was done in somebody's name on a network: the log that limits are counted by."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from socialmedia.models.accounts import Account, Platform


class ActionType(models.TextChoices):
    """The seed's seven, and what Discord limits."""

    LIKE = "like", "Like"
    COMMENT = "comment", "Comment"
    FOLLOW = "follow", "Follow"
    UNFOLLOW = "unfollow", "Unfollow"
    MESSAGE = "message", "Message"
    SEARCH = "search", "Search"
    VIEW = "view", "View"
    OPEN_DM = "open_dm", "Opening of a private channel"


class AutomationAction(models.Model):
    """One action: reserved before it is done, confirmed afterwards. One that was never confirmed counts as done."""

    account = models.ForeignKey(
        Account,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        db_index=False,
        related_name="actions",
        help_text="Which account of ours did it. Empty: that account was deleted; its log stays.",
    )
    account_username = models.CharField(
        max_length=255, blank=True, default="", db_default="", help_text="The account's handle when it was done."
    )
    platform = models.CharField(
        max_length=50, choices=Platform, default=Platform.TIKTOK, db_default=Platform.TIKTOK, help_text="The network."
    )
    action_type = models.CharField(max_length=50, choices=ActionType, help_text="What was done.")
    target_type = models.CharField(
        max_length=50, blank=True, default="", db_default="", help_text="video, user, hashtag, sound, conversation."
    )
    target_id = models.CharField(max_length=255, blank=True, default="", db_default="", help_text="To what.")
    target_username = models.CharField(max_length=255, blank=True, default="", db_default="", help_text="To whom.")
    target_url = models.TextField(blank=True, default="", db_default="", help_text="Where.")
    content_text = models.TextField(blank=True, default="", db_default="", help_text="With which words.")
    success = models.BooleanField(null=True, blank=True, help_text="Empty: reserved, not confirmed.")
    error_message = models.TextField(blank=True, default="", db_default="", help_text="Why it failed.")
    error_code = models.CharField(max_length=50, blank=True, default="", db_default="", help_text="The network's code.")
    session_id = models.CharField(max_length=255, blank=True, default="", db_default="", help_text="In which session.")
    triggered_by = models.CharField(
        max_length=50, blank=True, default="", db_default="", help_text="manual, scheduled, auto_reply, workflow."
    )
    action_date = models.DateField(help_text="The day, in the account's zone.")
    action_hour = models.IntegerField(help_text="The hour of that day.")
    execution_time_ms = models.IntegerField(null=True, blank=True, help_text="How long it took, in milliseconds.")
    created_at = models.DateTimeField(db_default=Now(), editable=False, help_text="When it was reserved.")

    class Meta:
        db_table = "automation_actions"
        ordering = ["-created_at", "-id"]
        constraints = [
            models.CheckConstraint(condition=Q(action_type__in=ActionType.values), name="automation_actions_type"),
            models.CheckConstraint(condition=Q(action_hour__range=(0, 23)), name="automation_actions_hour"),
        ]
        indexes = [
            models.Index(fields=["account", "action_date"], name="idx_actions_account_date"),
            models.Index(fields=["action_type"], name="idx_actions_type"),
            models.Index(fields=["target_type", "target_id"], name="idx_actions_target"),
            models.Index(fields=["success"], name="idx_actions_success"),
            models.Index(fields=["action_date", "action_hour"], name="idx_actions_date_hour"),
            # limits: what an account did of one kind lately.
            models.Index(fields=["account", "action_type", "created_at"], name="idx_actions_recent"),
            # retention.action_words: what messages said.
            models.Index(
                fields=["created_at"],
                condition=Q(action_type="message") & ~Q(content_text=""),
                name="idx_actions_words",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.action_type} {self.target_id}".strip()
