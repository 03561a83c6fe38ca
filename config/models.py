"""API keys: stored as a digest, with a name, scopes and the time of the last use."""

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from knox.models import AbstractAuthToken

SCOPES: dict[str, str] = {
    "jobs:read": "See jobs and the scheduler's health",
    "jobs:write": "Schedule, cancel and retry jobs",
    "followups:read": "See follow-ups and consent",
    "followups:write": "Plan and cancel follow-ups, opt members in and out",
    "privacy:read": "Export everything that is held about a member",
    "privacy:write": "Forget a member for good",
}


class ApiToken(AbstractAuthToken):
    """A program's key. Shown once when made; only its SHA-512 digest is kept."""

    name = models.CharField(max_length=100, default="", help_text="What uses this key.")
    scopes = ArrayField(
        models.CharField(max_length=50, choices=list(SCOPES.items())), default=list, help_text="What it may do."
    )
    last_used_at = models.DateTimeField(null=True, blank=True, help_text="Last request, to the minute.")

    class Meta:
        db_table = "api_tokens"
        verbose_name = "API key"
        swappable: ClassVar[str] = "KNOX_TOKEN_MODEL"

    def __str__(self) -> str:
        return self.name or self.token_key
