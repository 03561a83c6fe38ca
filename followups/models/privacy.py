"""Proof that somebody was forgotten, without saying who."""

from django.db import models
from django.db.models.functions import Now


class ErasureReceipt(models.Model):
    """One erasure. The digest is keyed with SECRET_KEY: it answers "was this id erased?", never "who was it?"."""

    digest = models.CharField(max_length=64, help_text="HMAC-SHA-256 of the member's id.")
    erased_at = models.DateTimeField(db_default=Now(), editable=False, help_text="When, by the database's clock.")
    source = models.CharField(max_length=50, help_text="The way the wish came: slash_command, api, admin, command.")
    evidence = models.TextField(help_text="The act itself, without naming the member.")
    actor = models.CharField(max_length=255, help_text="Who did it: 'member', a staff login, an API key.")
    counts = models.JSONField(default=dict, help_text="What was erased or anonymised: table -> rows.")

    class Meta:
        db_table = "erasure_receipts"
        ordering = ["-id"]
        indexes = [models.Index(fields=["digest"], name="idx_erasures_digest")]  # was this id erased?

    def __str__(self) -> str:
        return f"{self.erased_at:%Y-%m-%d} by {self.actor}"
