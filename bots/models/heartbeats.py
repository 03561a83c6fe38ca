"""Which processes carry messages, and when they last said so."""

from django.db import models
from django.db.models.functions import Now

from socialmedia.models import Account


class BotHeartbeat(models.Model):
    """A running `runbot`. Whether it lives is judged by the age of `beat_at`."""

    process = models.CharField(primary_key=True, max_length=255, help_text="Host and process.")
    # The index of the foreign key is not needed: a row for each bot that runs.
    account = models.ForeignKey(
        Account, on_delete=models.CASCADE, db_index=False, related_name="+", help_text="The bot's account."
    )
    is_connected = models.BooleanField(help_text="It has a connection to Discord's gateway.")
    has_gateway = models.BooleanField(
        default=False, db_default=False, help_text="It is the one of its account that listens; others stand by."
    )
    is_ready = models.BooleanField(
        default=False,
        db_default=False,
        help_text="It has read what was written while nobody listened; before that no relay of the account sends.",
    )
    started_at = models.DateTimeField(db_default=Now(), help_text="When it first said so.")
    beat_at = models.DateTimeField(help_text="When it last said so, by the database's clock.")

    class Meta:
        db_table = "bot_heartbeats"
        ordering = ["process"]
        constraints = [
            # One process of an account listens. Two would hear everything twice.
            models.UniqueConstraint(
                fields=["account"], condition=models.Q(has_gateway=True), name="bot_heartbeats_one_gateway"
            )
        ]
        verbose_name = "bot"

    def __str__(self) -> str:
        return self.process
