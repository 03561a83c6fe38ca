"""Members: what we know of a person, and what they allow."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Greatest, Now

from socialmedia.models import Account


class Topic(models.TextChoices):
    """What a member may want to hear about. Consent covers those that its newest receipt names."""

    CHECK_INS = "check_ins", "Check-ins"
    EVENTS = "events", "After events"
    RE_ENGAGEMENT = "re_engagement", "After a long silence"


def every_topic() -> list[str]:
    """All topics, as the wording of the consent names them."""
    return [topic.value for topic in Topic]


class RelationshipLevel(models.IntegerChoices):
    """How well the community knows the member. An unknown stored value reads as stranger."""

    STRANGER = 1, "Stranger"
    ACQUAINTANCE = 2, "Acquaintance"
    FRIEND = 3, "Friend"
    CLOSE_FRIEND = 4, "Close friend"


MOST_UNANSWERED = 2
"""After so many re-engagements without an answer there is no other."""
_MAY_BE_ASKED = Q(follow_ups_enabled=True, unreachable_since__isnull=True, left_at__isnull=True)
_SILENCE_IS_OPEN = Q(quiet_planned_for__isnull=True) | Q(quiet_planned_for__lt=F("last_interaction"))


MOST_INTERESTS = 10


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
    topics = ArrayField(
        models.CharField(max_length=20, choices=Topic),
        default=every_topic,
        db_default=every_topic(),
        blank=True,
        help_text="What they want to hear about; a copy of the newest receipt's.",
    )
    interests = ArrayField(
        models.CharField(max_length=50),
        default=list,
        db_default=[],
        blank=True,
        help_text="What they like, as they or the staff have said; at most ten.",
    )
    paused_until = models.DateTimeField(null=True, blank=True, help_text="They want no follow-up before this time.")
    quiet_start = models.SmallIntegerField(
        null=True, blank=True, help_text="Their own quiet hours, from this hour of their day on."
    )
    quiet_end = models.SmallIntegerField(null=True, blank=True, help_text="Up to, not including, this hour.")
    birthday_month = models.SmallIntegerField(null=True, blank=True, help_text="1 to 12.")
    birthday_day = models.SmallIntegerField(null=True, blank=True, help_text="1 to 31. No year: nobody's age is kept.")
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
    quiet_after = models.DurationField(
        null=True, blank=True, help_text="The silence that is unusual for them; NULL while too little is known."
    )
    quiet_due_at = models.DateTimeField(
        null=True, blank=True, help_text="Their last message plus `quiet_after`: when silence becomes unusual."
    )
    re_engagement_counts_from = models.DateTimeField(
        null=True, blank=True, help_text="For a re-engagement, silence counts from here if this is later."
    )
    re_engagements_unanswered = models.SmallIntegerField(
        default=0, db_default=0, help_text="Re-engagements since their last message; after two there is no third."
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
            # The sweep, where no rhythm is known: opted in, reachable, and this silence not yet answered.
            models.Index(
                fields=["last_interaction"],
                condition=_MAY_BE_ASKED & _SILENCE_IS_OPEN & Q(quiet_due_at__isnull=True),
                name="idx_profiles_quiet_fixed",
            ),
            # The sweep, where the member's own rhythm is known.
            models.Index(
                fields=["quiet_due_at"],
                condition=_MAY_BE_ASKED & _SILENCE_IS_OPEN & Q(quiet_due_at__isnull=False),
                name="idx_profiles_quiet_personal",
            ),
            # The sweep's re-engagements, from the time that the silence counts from.
            models.Index(
                Greatest("last_interaction", "re_engagement_counts_from"),
                condition=_MAY_BE_ASKED & Q(re_engagements_unanswered__lt=MOST_UNANSWERED),
                name="idx_profiles_re_engagement",
            ),
            # Whose birthday is it?
            models.Index(
                fields=["birthday_month", "birthday_day"],
                condition=_MAY_BE_ASKED & Q(birthday_month__isnull=False),
                name="idx_profiles_birthday",
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
            models.CheckConstraint(condition=Q(topics__contained_by=every_topic()), name="user_profiles_topics_known"),
            models.CheckConstraint(condition=Q(interests__len__lte=MOST_INTERESTS), name="user_profiles_interests_few"),
            models.CheckConstraint(
                condition=Q(quiet_start__isnull=True, quiet_end__isnull=True)
                | Q(quiet_start__range=(0, 23), quiet_end__range=(0, 23)),
                name="user_profiles_quiet_hours_range",
            ),
            models.CheckConstraint(
                condition=Q(birthday_month__isnull=True, birthday_day__isnull=True)
                | Q(birthday_month__range=(1, 12), birthday_day__range=(1, 31)),
                name="user_profiles_birthday_range",
            ),
            models.CheckConstraint(
                condition=Q(re_engagements_unanswered__gte=0), name="user_profiles_unanswered_not_negative"
            ),
        ]

    def __str__(self) -> str:
        return self.name or self.user_id
