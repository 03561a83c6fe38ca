"""What we ask of the providers of figures: each call, and what is left of the day's budget."""

from datetime import UTC, datetime

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now, TruncDate

from socialmedia.models.accounts import Platform


class ApiUsage(models.Model):
    """One call of a provider: reserved before it is made, confirmed afterwards."""

    provider_name = models.CharField(max_length=100, help_text="Who was asked.")
    platform = models.CharField(max_length=50, choices=Platform, help_text="The network.")
    endpoint = models.CharField(max_length=255, help_text="For what.")
    request_count = models.IntegerField(default=1, db_default=1, help_text="How many requests it took.")
    success = models.BooleanField(null=True, blank=True, help_text="Empty: begun, and no answer noted.")
    latency_ms = models.IntegerField(null=True, blank=True, help_text="How long it took, in milliseconds.")
    error_message = models.TextField(blank=True, default="", db_default="", help_text="Why it failed.")
    error_code = models.CharField(max_length=50, blank=True, default="", db_default="", help_text="Kind of failure.")
    date = models.DateField(db_default=TruncDate(Now()), help_text="The day in UTC.")
    requested_at = models.DateTimeField(db_default=Now(), help_text="When.")

    class Meta:
        db_table = "api_usage_tracking"
        ordering = ["-requested_at", "-id"]
        verbose_name = "provider call"
        indexes = [
            models.Index(fields=["date", "provider_name"], name="idx_api_usage_date"),
            models.Index(fields=["requested_at"], name="idx_api_usage_requested"),  # the clean-up; the console's list
            models.Index(fields=["requested_at"], condition=Q(success=False), name="idx_api_usage_failed"),
        ]

    def __str__(self) -> str:
        return f"{self.provider_name} {self.endpoint}"


class ProviderBudget(models.Model):
    """What may still be asked of a provider: the next free place by second, what the day has used, and a stop."""

    provider_name = models.CharField(max_length=100, primary_key=True, help_text="Who is asked.")
    next_call_at = models.DateTimeField(null=True, blank=True, help_text="When the next place is free.")
    day = models.DateField(null=True, blank=True, help_text="The day in UTC that `used` counts.")
    used = models.IntegerField(default=0, db_default=0, help_text="Requests of that day.")
    blocked_until = models.DateTimeField(null=True, blank=True, help_text="Nothing is asked before this.")
    blocked_reason = models.TextField(blank=True, default="", db_default="", help_text="Why.")
    refusals = models.IntegerField(default=0, db_default=0, help_text="Refusals in a row: each makes the stop longer.")

    class Meta:
        db_table = "provider_budgets"
        constraints = [models.CheckConstraint(condition=Q(used__gte=0), name="provider_budgets_used_positive")]

    def __str__(self) -> str:
        return self.provider_name

    def used_on(self, now: datetime) -> int:
        """The requests of the day (UTC) of this time."""
        return self.used if self.day == now.astimezone(UTC).date() else 0

    def is_stopped(self, now: datetime) -> bool:
        """Whether nobody may ask it."""
        return self.blocked_until is not None and self.blocked_until > now
