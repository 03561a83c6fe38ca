"""Consent: receipts that are only ever added. The newest one of a member is the current state."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from followups.models.profiles import Topic, UserProfile, every_topic


class ConsentState(models.TextChoices):
    """What a member said."""

    GRANTED = "granted", "Granted"
    REFUSED = "refused", "Refused"
    WITHDRAWN = "withdrawn", "Withdrawn"


class ConsentReceipt(models.Model):
    """Who said what, when, by which act, and on which wording. The database refuses UPDATE, and DELETE but while the
    member is being forgotten.
    """

    user = models.ForeignKey(
        UserProfile, on_delete=models.PROTECT, related_name="consent_receipts", db_index=False, help_text="The member."
    )
    state = models.CharField(max_length=20, choices=ConsentState, help_text="What they said.")
    recorded_at = models.DateTimeField(db_default=Now(), editable=False, help_text="When, by the database's clock.")
    source = models.CharField(
        max_length=50, help_text="The way it came: slash_command, text_command, api, admin, dm_stop_word, import, demo."
    )
    evidence = models.TextField(help_text="The act itself: interaction or message id, or who told us and how.")
    wording_version = models.CharField(max_length=50, help_text="Version of the text the member saw.")
    topics = ArrayField(
        models.CharField(max_length=20, choices=Topic),
        default=every_topic,
        db_default=every_topic(),
        blank=True,
        help_text="What a `granted` covers; a smaller set is a partial withdrawal.",
    )
    actor = models.CharField(max_length=255, help_text="Who recorded it: the member's id, a staff login, an API key.")

    class Meta:
        db_table = "consent_receipts"
        ordering = ["-id"]
        indexes = [
            # consent.current: a member's newest receipt.
            models.Index(F("user"), F("id").desc(), name="idx_consent_newest"),
            # analytics.of_day: who opted in or out on a day.
            models.Index(fields=["recorded_at"], name="idx_consent_time"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(state__in=ConsentState.values), name="consent_receipts_state_known"),
            models.CheckConstraint(
                condition=Q(topics__contained_by=every_topic()), name="consent_receipts_topics_known"
            ),
            models.CheckConstraint(condition=~Q(evidence=""), name="consent_receipts_has_evidence"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id}: {self.state}"
