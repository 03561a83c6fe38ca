"""How messages sounded, members' rhythms, and what a person of the staff must look at."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q, Value
from django.db.models.functions import Coalesce, Now

from followups.models.profiles import UserProfile
from socialmedia.models import Message


class MessageEmotion(models.Model):
    """How one inbound message sounded: a hint, not a verdict."""

    message = models.OneToOneField(
        Message, primary_key=True, on_delete=models.CASCADE, related_name="emotion", help_text="The message."
    )
    user = models.ForeignKey(
        UserProfile, on_delete=models.CASCADE, related_name="emotions", db_index=False, help_text="Who wrote it."
    )
    sent_at = models.DateTimeField(help_text="When they wrote it.")
    score = models.FloatField(help_text="0 very unhappy to 1 very happy.")
    label = models.CharField(max_length=10, help_text="negative (below 0.4), neutral, positive (above 0.6).")
    category = models.CharField(max_length=20, help_text="One of the seed's ten emotions.")
    intensity = models.FloatField(help_text="0 to 1.")
    confidence = models.FloatField(help_text="0 to 1.")
    method = models.CharField(max_length=100, help_text="What read it: the lexicon's or the model's name.")

    class Meta:
        db_table = "message_emotions"
        ordering = ["-sent_at"]
        indexes = [models.Index(fields=["user", "-sent_at"], name="idx_emotions_user_time")]  # a member's last five
        constraints = [
            models.CheckConstraint(condition=Q(score__range=(0, 1)), name="message_emotions_score_range"),
            models.CheckConstraint(condition=Q(intensity__range=(0, 1)), name="message_emotions_intensity_range"),
            models.CheckConstraint(condition=Q(confidence__range=(0, 1)), name="message_emotions_confidence_range"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id}: {self.category} {self.score:.2f}"


class Rhythm(models.Model):
    """How a member usually comes and goes, from the gaps between the days on which they wrote.

    The row may be empty yet, or rest on too few gaps: `rhythm.of` tells only what is known.
    """

    user = models.OneToOneField(
        UserProfile, primary_key=True, on_delete=models.CASCADE, related_name="rhythm", help_text="Whose."
    )
    gaps = models.IntegerField(help_text="How many gaps it rests on.")
    usual_low = models.DurationField(help_text="A quarter of their gaps is shorter.")
    usual_high = models.DurationField(help_text="A quarter of their gaps is longer.")
    rare = models.DurationField(help_text="One gap in ten is longer.")
    weekdays = ArrayField(models.FloatField(), size=7, help_text="Share of their active days by weekday, Monday first.")
    computed_at = models.DateTimeField(
        null=True, blank=True, help_text="When; empty: they have written since, and it is to be computed."
    )

    class Meta:
        db_table = "member_rhythms"
        indexes = [
            # rhythm.compute: what is out of date.
            models.Index(fields=["user"], condition=Q(computed_at__isnull=True), name="idx_rhythms_to_compute"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id}: {self.gaps} gaps"


class FlagKind(models.TextChoices):
    """What staff should look at."""

    ESCALATION = "escalation", "Sounded very unhappy"
    NEGATIVE_REPLY = "negative_reply", "Unhappy answer to a follow-up"
    HARM = "harm", "Messages that do harm"


class StaffFlag(models.Model):
    """Something that a person must look at. One open flag per member and kind: more of the same counts up."""

    user = models.ForeignKey(
        UserProfile,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="flags",
        db_index=False,
        help_text="The member, if it is about one.",
    )
    kind = models.CharField(max_length=30, choices=FlagKind, help_text="What it is about.")
    subject = models.CharField(
        max_length=255, blank=True, default="", db_default="", help_text="What else it is about: a template, a trigger."
    )
    message = models.ForeignKey(
        Message, null=True, blank=True, on_delete=models.SET_NULL, related_name="+", help_text="The latest message."
    )
    detail = models.TextField(help_text="In words.")
    times = models.IntegerField(default=1, db_default=1, help_text="How often it was raised while open.")
    raised_at = models.DateTimeField(help_text="First.")
    last_raised_at = models.DateTimeField(help_text="Last.")
    settled_at = models.DateTimeField(null=True, blank=True, help_text="When somebody had dealt with it.")
    settled_by = models.CharField(max_length=150, blank=True, default="", db_default="", help_text="Who.")
    note = models.TextField(blank=True, default="", db_default="", help_text="What they did.")
    created_at = models.DateTimeField(db_default=Now(), editable=False, help_text="When this row was written.")

    class Meta:
        db_table = "staff_flags"
        ordering = [F("settled_at").asc(nulls_first=True), "-last_raised_at"]
        verbose_name = "flag"
        indexes = [
            # What is open (console, overview).
            models.Index(fields=["-last_raised_at"], condition=Q(settled_at__isnull=True), name="idx_flags_open"),
            models.Index(fields=["user", "kind"], name="idx_flags_user"),  # a member's flags
            # Pruning by age.
            models.Index(fields=["settled_at"], condition=Q(settled_at__isnull=False), name="idx_flags_settled"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=FlagKind.values), name="staff_flags_kind_known"),
            # PostgreSQL 14 has no NULLS NOT DISTINCT.
            models.UniqueConstraint(
                Coalesce("user", Value("")),
                "kind",
                "subject",
                condition=Q(settled_at__isnull=True),
                name="staff_flags_one_open",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.user_id or self.subject}"
