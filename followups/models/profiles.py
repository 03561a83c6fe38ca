"""Members: what we know of a person, and what they allow."""

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from socialmedia.models import Account


class RelationshipLevel(models.IntegerChoices):
    """How well the community knows the member. An unknown stored value reads as stranger."""

    STRANGER = 1, "Stranger"
    ACQUAINTANCE = 2, "Acquaintance"
    FRIEND = 3, "Friend"
    CLOSE_FRIEND = 4, "Close friend"


class UserProfile(models.Model):
    """One member. `user_id` is the network's id as text (on Discord the snowflake)."""

    user_id = models.CharField(primary_key=True, max_length=255, help_text="The network's id of the person.")
    account = models.OneToOneField(
        Account, on_delete=models.PROTECT, related_name="profile", help_text="Their identity on the network."
    )
    name = models.CharField(max_length=255, blank=True, default="", db_default="", help_text="What to call them.")
    relationship_level = models.IntegerField(
        choices=RelationshipLevel, default=1, db_default=1, help_text="1 stranger to 4 close friend."
    )
    current_emotion = models.CharField(max_length=50, default="neutral", db_default="neutral", help_text="Last mood.")
    interaction_count = models.IntegerField(default=0, db_default=0, help_text="Messages they wrote.")
    first_interaction = models.DateTimeField(null=True, blank=True, help_text="Their first message.")
    last_interaction = models.DateTimeField(
        null=True, blank=True, help_text="Their latest message, in any channel or conversation."
    )
    emotion_history = models.JSONField(default=list, blank=True, db_default=[], help_text="The last 50 moods.")
    escalation_count = models.IntegerField(default=0, db_default=0, help_text="Unhappy messages, less happy ones.")
    trust_indicators = models.JSONField(default=list, blank=True, db_default=[], help_text="Signs of trust.")
    follow_ups_enabled = models.BooleanField(
        default=False, db_default=False, help_text="Opted in. Changed only together with a consent receipt."
    )
    last_follow_up_sent = models.DateTimeField(null=True, blank=True, help_text="When the last follow-up was sent.")
    follow_up_frequency_hours = models.IntegerField(
        default=48, db_default=48, help_text="Their own least time between two follow-ups, in hours."
    )
    timezone = models.CharField(
        max_length=64, blank=True, default="", db_default="", help_text="IANA zone; empty means the community's."
    )
    locale = models.CharField(max_length=16, blank=True, default="", db_default="", help_text="Language, like 'de'.")
    unreachable_since = models.DateTimeField(
        null=True, blank=True, help_text="Discord refused a message to them; cleared when they write."
    )
    left_at = models.DateTimeField(null=True, blank=True, help_text="When they left the community.")
    quiet_planned_for = models.DateTimeField(
        null=True, blank=True, help_text="The last interaction whose silence has been answered with a plan."
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False, help_text="First seen.")

    class Meta:
        db_table = "user_profiles"
        ordering = ["name", "user_id"]
        verbose_name = "member"
        indexes = [
            models.Index(fields=["last_interaction"], name="idx_profiles_last_interaction"),
            models.Index(fields=["relationship_level"], name="idx_profiles_relationship"),
            models.Index(fields=["user_id", "follow_ups_enabled"], name="idx_profiles_follow_ups"),
            # planning.plan_quiet_members: opted in, reachable, and this silence not yet answered.
            models.Index(
                fields=["last_interaction"],
                condition=Q(follow_ups_enabled=True, unreachable_since__isnull=True, left_at__isnull=True)
                & (Q(quiet_planned_for__isnull=True) | Q(quiet_planned_for__lt=F("last_interaction"))),
                name="idx_profiles_quiet",
            ),
            # Search by name (admin).
            models.Index(fields=["name"], name="idx_profiles_name"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(follow_up_frequency_hours__gte=1) & Q(follow_up_frequency_hours__lte=8760),
                name="user_profiles_frequency_range",
            ),
            models.CheckConstraint(condition=Q(interaction_count__gte=0), name="user_profiles_count_not_negative"),
        ]

    def __str__(self) -> str:
        return self.name or self.user_id
