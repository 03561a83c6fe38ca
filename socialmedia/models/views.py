"""The seed's four views, to read. Their SQL is in `socialmedia/sql`."""

from django.db import models

from socialmedia.models.accounts import Account


class PendingCheckback(models.Model):
    """Posts that are due for a check, soonest first."""

    id = models.BigIntegerField(primary_key=True)
    platform = models.CharField(max_length=50)
    post_url = models.TextField()
    external_post_id = models.CharField(max_length=255)
    caption = models.TextField()
    posted_at = models.DateTimeField(null=True)
    next_check_at = models.DateTimeField()
    checks_completed = models.IntegerField()
    tracking_started_at = models.DateTimeField()
    account_username = models.CharField(max_length=255)
    minutes_overdue = models.DecimalField(max_digits=20, decimal_places=6)

    class Meta:
        managed = False
        db_table = "posts_pending_checkback"
        ordering = ["next_check_at", "id"]

    def __str__(self) -> str:
        return self.external_post_id


class DailyActionCount(models.Model):
    """What each account did of each kind, day by day, in the last seven days."""

    pk = models.CompositePrimaryKey("action_date", "action_type")  # with the account, which can be empty
    account = models.ForeignKey(Account, null=True, on_delete=models.DO_NOTHING, related_name="+")
    action_date = models.DateField()
    action_type = models.CharField(max_length=50)
    action_count = models.BigIntegerField()
    success_count = models.BigIntegerField()
    failure_count = models.BigIntegerField()

    class Meta:
        managed = False
        db_table = "daily_action_counts"
        ordering = ["-action_date", "account_id", "action_type"]

    def __str__(self) -> str:
        return f"{self.action_type} on {self.action_date}"


class HourlyActionCount(models.Model):
    """At which hours each account does what, over the last 30 days."""

    pk = models.CompositePrimaryKey("action_type", "action_hour")  # with the account, which can be empty
    account = models.ForeignKey(Account, null=True, on_delete=models.DO_NOTHING, related_name="+")
    action_type = models.CharField(max_length=50)
    action_hour = models.IntegerField()
    action_count = models.BigIntegerField()

    class Meta:
        managed = False
        db_table = "hourly_action_distribution"
        ordering = ["account_id", "action_type", "action_hour"]

    def __str__(self) -> str:
        return f"{self.action_type} at {self.action_hour}"


class ConversationSummary(models.Model):
    """Conversations to look at: not archived, blocked or spam; newest first, those without a message last."""

    id = models.BigIntegerField(primary_key=True)
    platform = models.CharField(max_length=50)
    participant_username = models.CharField(max_length=255)
    participant_display_name = models.CharField(max_length=255)
    last_message_at = models.DateTimeField(null=True)
    last_message_preview = models.TextField()
    unread_count = models.IntegerField()
    our_account = models.CharField(max_length=255)
    total_messages = models.BigIntegerField()
    sent_messages = models.BigIntegerField()
    received_messages = models.BigIntegerField()

    class Meta:
        managed = False
        db_table = "active_conversations_summary"
        ordering = [models.F("last_message_at").desc(nulls_last=True), "id"]

    def __str__(self) -> str:
        return self.participant_display_name or self.participant_username
