"""What keeps a bot within Discord's limits: its switches, its pace, and the requests that Discord refused."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from socialmedia.models import Account


class BotControl(models.Model):
    """The switches of one bot account, shared by all its processes. No row: nothing was ever switched."""

    account = models.OneToOneField(
        Account, primary_key=True, on_delete=models.CASCADE, related_name="+", help_text="The bot's account."
    )
    stopped_at = models.DateTimeField(null=True, blank=True, help_text="Nothing is sent since then. Empty: it sends.")
    stopped_by = models.CharField(max_length=255, blank=True, default="", db_default="", help_text="Who stopped it.")
    stop_reason = models.TextField(blank=True, default="", db_default="", help_text="Why.")
    opening_paused_until = models.DateTimeField(
        null=True, blank=True, help_text="No new private channel is opened before this time: Discord wanted none."
    )
    opening_pause_reason = models.TextField(blank=True, default="", db_default="", help_text="What Discord said.")
    trips = models.IntegerField(default=0, db_default=0, help_text="How often in a row Discord wanted no new channels.")
    next_call_at = models.DateTimeField(
        db_default=Now(), help_text="When the next request may go out, by the database's clock."
    )
    updated_at = models.DateTimeField(db_default=Now(), help_text="Last switched.")

    class Meta:
        db_table = "bot_controls"
        verbose_name = "bot's switches"
        verbose_name_plural = "bots' switches"

    def __str__(self) -> str:
        return str(self.account)


class InvalidRequests(models.Model):
    """How many requests Discord refused in one minute. 10,000 in ten minutes, and it bars our address."""

    minute = models.DateTimeField(help_text="The beginning of the minute.")
    status = models.SmallIntegerField(help_text="HTTP status: 401, 403 or 429.")
    count = models.IntegerField(help_text="How many.")

    class Meta:
        db_table = "discord_invalid_requests"
        ordering = ["-minute", "status"]
        constraints = [
            models.UniqueConstraint(fields=["minute", "status"], name="discord_invalid_requests_minute"),
            models.CheckConstraint(condition=Q(status__in=[401, 403, 429]), name="discord_invalid_requests_status"),
            models.CheckConstraint(condition=Q(count__gt=0), name="discord_invalid_requests_count"),
        ]
        verbose_name_plural = "invalid requests"

    def __str__(self) -> str:
        return f"{self.count} x {self.status} at {self.minute:%Y-%m-%d %H:%M}"
