"""Templates: texts with placeholders, chosen by what is known and rendered when they are sent."""

from django.db import models
from django.db.models import Q, Value
from django.db.models.functions import Coalesce, Now

from socialmedia.models.accounts import Account


class TemplateStatus(models.TextChoices):
    """Where a version is. Only published ones are sent."""

    DRAFT = "draft", "Draft"
    PUBLISHED = "published", "Published"
    RETIRED = "retired", "Retired"


class TemplateCategory(models.TextChoices):
    """The seed's five."""

    WELCOME = "welcome", "Welcome"
    FOLLOW_UP = "follow_up", "Follow-up"
    THANK_YOU = "thank_you", "Thank you"
    PROMO = "promo", "Promotion"
    CUSTOM = "custom", "Custom"


# PostgreSQL 14 has no NULLS NOT DISTINCT.
_PLACE = (Coalesce("account", Value(0)), "key", Coalesce("level", Value(0)), "emotion", "locale", "variant")


class MessageTemplate(models.Model):
    """One version of one text. A published version never changes: an edit is a new draft, and publishing that one
    retires the other.
    """

    account = models.ForeignKey(
        Account, null=True, blank=True, on_delete=models.CASCADE, help_text="For one account only; empty: for all."
    )
    name = models.CharField(max_length=255, help_text="For people.")
    category = models.CharField(
        max_length=100,
        choices=TemplateCategory,
        default=TemplateCategory.CUSTOM,
        db_default=TemplateCategory.CUSTOM,
        help_text="What kind of message.",
    )
    template_text = models.TextField(help_text="The words, with placeholders like {name}.")
    variables = models.JSONField(default=list, blank=True, help_text="The placeholders it uses.")
    times_used = models.IntegerField(default=0, db_default=0, help_text="How often it was sent.")
    last_used_at = models.DateTimeField(null=True, blank=True, help_text="When it was sent last.")
    is_active = models.BooleanField(default=True, db_default=True, help_text="Off: not chosen, though published.")
    created_at = models.DateTimeField(db_default=Now(), editable=False, help_text="Made.")
    updated_at = models.DateTimeField(db_default=Now(), help_text="Last changed.")

    key = models.CharField(
        max_length=50, blank=True, default="", db_default="", help_text="Its id in programs, like reengagement_general."
    )
    trigger = models.CharField(
        max_length=50, blank=True, default="", db_default="", help_text="The trigger it is for; empty: none."
    )
    level = models.SmallIntegerField(null=True, blank=True, help_text="For this relationship level; empty: for all.")
    emotion = models.CharField(
        max_length=10, blank=True, default="", db_default="", help_text="high, neutral or low; empty: for all."
    )
    locale = models.CharField(max_length=16, default="en", db_default="en", help_text="Language, like de or pt-br.")
    variant = models.CharField(max_length=20, default="a", db_default="a", help_text="For tests of several texts.")
    weight = models.SmallIntegerField(
        default=1, db_default=1, help_text="Share of this variant, compared with the others'."
    )
    version = models.IntegerField(default=1, db_default=1, help_text="Counts up.")
    status = models.CharField(
        max_length=20,
        choices=TemplateStatus,
        default=TemplateStatus.DRAFT,
        db_default=TemplateStatus.DRAFT,
        help_text="State.",
    )
    published_at = models.DateTimeField(null=True, blank=True, help_text="When it was published.")
    published_by = models.CharField(max_length=150, blank=True, default="", db_default="", help_text="Who did.")
    paused_at = models.DateTimeField(null=True, blank=True, help_text="Since when it is not chosen: it did harm.")
    pause_reason = models.CharField(max_length=255, blank=True, default="", db_default="", help_text="Why.")
    is_shipped = models.BooleanField(default=False, db_default=False, help_text="Came with Checkback.")

    class Meta:
        db_table = "message_templates"
        ordering = ["key", "locale", "level", "emotion", "variant", "-version"]
        verbose_name = "template"
        indexes = [
            models.Index(fields=["category"], name="idx_templates_category"),
            # What may be chosen for a trigger.
            models.Index(fields=["trigger", "locale"], condition=Q(status="published"), name="idx_templates_choice"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=TemplateStatus.values), name="message_templates_status_known"
            ),
            models.CheckConstraint(
                condition=Q(category__in=TemplateCategory.values), name="message_templates_category_known"
            ),
            models.CheckConstraint(
                condition=Q(emotion__in=["", "high", "neutral", "low"]), name="message_templates_emotion_known"
            ),
            models.CheckConstraint(
                condition=Q(level__isnull=True) | Q(level__range=(1, 4)), name="message_templates_level_known"
            ),
            models.CheckConstraint(condition=~Q(template_text=""), name="message_templates_has_text"),
            models.CheckConstraint(condition=Q(weight__gte=0), name="message_templates_weight_not_negative"),
            models.UniqueConstraint(*_PLACE, "version", condition=~Q(key=""), name="message_templates_version"),
            models.UniqueConstraint(
                *_PLACE, condition=Q(status="published") & ~Q(key=""), name="message_templates_one_published"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.locale}, version {self.version})"
