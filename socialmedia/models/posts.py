"""Posts, and what was measured of them: each snapshot is what a network showed at one instant."""

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from socialmedia.models.accounts import Account, Platform


class MediaType(models.TextChoices):
    """What a post is. The seed's seven."""

    VIDEO = "video", "Video"
    IMAGE = "image", "Image"
    CAROUSEL = "carousel", "Carousel"
    STORY = "story", "Story"
    REEL = "reel", "Reel"
    SHORT = "short", "Short"
    PIN = "pin", "Pin"


class TrackingState(models.TextChoices):
    """Where the check-backs of a post are."""

    UNTRACKED = "untracked", "Not tracked"
    ACTIVE = "active", "Tracked"
    STOPPED = "stopped", "Stopped"
    COMPLETE = "complete", "Complete"
    UNAVAILABLE = "unavailable", "Unavailable"


class CheckBase(models.TextChoices):
    """From when the offsets of the check-backs are counted."""

    TRACKING_START = "tracking_start", "Start of tracking"
    POSTING = "posting", "Publication of the post"


class Post(models.Model):
    """One post of one account, and its check-backs. `tracking_started_at` is empty for posts that are not tracked."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="posts", help_text="Whose post.")
    platform = models.CharField(max_length=50, choices=Platform, help_text="The network.")
    external_post_id = models.CharField(max_length=255, help_text="The network's id.")
    post_url = models.TextField(help_text="Where it is.")
    short_code = models.CharField(max_length=100, blank=True, default="", db_default="", help_text="Short id in links.")
    caption = models.TextField(blank=True, default="", db_default="", help_text="Words below it.")
    description = models.TextField(blank=True, default="", db_default="", help_text="Longer words.")
    title = models.CharField(max_length=500, blank=True, default="", db_default="", help_text="Title.")
    media_type = models.CharField(
        max_length=50, choices=MediaType, default=MediaType.VIDEO, db_default=MediaType.VIDEO, help_text="Kind."
    )
    media_count = models.IntegerField(default=1, db_default=1, help_text="How many pictures or videos.")
    thumbnail_url = models.TextField(blank=True, default="", db_default="", help_text="Small picture.")
    media_url = models.TextField(blank=True, default="", db_default="", help_text="The video or picture.")
    media_urls = models.JSONField(default=list, blank=True, help_text="All of them.")
    duration = models.IntegerField(null=True, blank=True, help_text="In seconds.")
    video_quality = models.CharField(max_length=20, blank=True, default="", db_default="", help_text="Like 1080p.")
    has_audio = models.BooleanField(default=True, db_default=True, help_text="With sound.")
    is_short_form = models.BooleanField(default=False, db_default=False, help_text="A short.")
    is_pinned = models.BooleanField(default=False, db_default=False, help_text="On top of the profile.")
    is_ad = models.BooleanField(default=False, db_default=False, help_text="An ad.")
    is_sponsored = models.BooleanField(default=False, db_default=False, help_text="Paid for.")
    visibility = models.CharField(max_length=50, default="public", db_default="public", help_text="Who sees it.")
    youtube_category = models.CharField(max_length=100, blank=True, default="", db_default="", help_text="YouTube.")
    pinterest_board_id = models.CharField(max_length=100, blank=True, default="", db_default="", help_text="Pinterest.")
    twitter_thread_id = models.CharField(max_length=100, blank=True, default="", db_default="", help_text="Twitter.")
    instagram_product_tags = models.JSONField(null=True, blank=True, help_text="Instagram.")
    location_name = models.CharField(max_length=255, blank=True, default="", db_default="", help_text="Where it was.")
    location_lat = models.DecimalField(max_digits=10, decimal_places=6, null=True, blank=True, help_text="Latitude.")
    location_lng = models.DecimalField(max_digits=10, decimal_places=6, null=True, blank=True, help_text="Longitude.")
    posted_at = models.DateTimeField(null=True, blank=True, help_text="When it was published.")
    created_at = models.DateTimeField(db_default=Now(), editable=False, help_text="First seen.")
    updated_at = models.DateTimeField(db_default=Now(), editable=False, help_text="Last changed.")
    deleted_at = models.DateTimeField(null=True, blank=True, help_text="When it was found to be gone.")
    raw_data = models.JSONField(null=True, blank=True, help_text="What the provider said last.")

    check_schedule = models.JSONField(
        default=list, db_default=models.Value([], models.JSONField()), help_text="Planned checks, as ISO 8601 in UTC."
    )
    next_check_at = models.DateTimeField(
        null=True, blank=True, help_text="When it is checked next; after a failure later than planned."
    )
    tracking_complete = models.BooleanField(default=False, db_default=False, help_text="All checks are done.")
    tracking_started_at = models.DateTimeField(null=True, blank=True, help_text="Empty: not tracked.")
    checks_completed = models.IntegerField(
        default=0, db_default=0, help_text="How many planned checks are behind it: the place of the next in the plan."
    )

    tracking_state = models.CharField(
        max_length=20,
        choices=TrackingState,
        default=TrackingState.UNTRACKED,
        db_default=TrackingState.UNTRACKED,
        help_text="State.",
    )
    tracking_round = models.IntegerField(default=0, db_default=0, help_text="How often tracking was begun.")
    check_offsets = models.JSONField(
        default=list, db_default=models.Value([], models.JSONField()), help_text="The plan's hours after its base."
    )
    check_base = models.CharField(
        max_length=20,
        choices=CheckBase,
        default=CheckBase.TRACKING_START,
        db_default=CheckBase.TRACKING_START,
        help_text="From when the hours count.",
    )
    stopped_at = models.DateTimeField(null=True, blank=True, help_text="When tracking was stopped.")
    stopped_by = models.CharField(max_length=150, blank=True, default="", db_default="", help_text="Who stopped it.")
    provider = models.CharField(max_length=100, blank=True, default="", db_default="", help_text="Who measures it.")
    last_checked_at = models.DateTimeField(null=True, blank=True, help_text="The last try, good or bad.")
    failed_checks = models.IntegerField(default=0, db_default=0, help_text="Tries in a row that measured nothing.")
    gone_checks = models.IntegerField(default=0, db_default=0, help_text="Of these, in a row: said that it is gone.")
    gone_since = models.DateTimeField(null=True, blank=True, help_text="When the first of these said so.")
    check_error_code = models.CharField(max_length=50, blank=True, default="", db_default="", help_text="Last failure.")
    check_error = models.TextField(blank=True, default="", db_default="", help_text="Last failure, in words.")
    checking_token = models.UUIDField(null=True, blank=True, help_text="Which checker may record.")
    checking_until = models.DateTimeField(null=True, blank=True, help_text="That checker is taken for dead after this.")

    class Meta:
        db_table = "social_media_posts"
        ordering = [F("tracking_started_at").desc(nulls_last=True), "-id"]
        constraints = [
            models.UniqueConstraint(fields=["platform", "external_post_id"], name="social_media_posts_external_id"),
            models.CheckConstraint(condition=Q(platform__in=Platform.values), name="social_media_posts_platform_known"),
            models.CheckConstraint(condition=Q(media_type__in=MediaType.values), name="social_media_posts_media_type"),
            models.CheckConstraint(
                condition=Q(tracking_state__in=TrackingState.values), name="social_media_posts_tracking_state"
            ),
            models.CheckConstraint(condition=Q(check_base__in=CheckBase.values), name="social_media_posts_check_base"),
            models.CheckConstraint(condition=Q(checks_completed__gte=0), name="social_media_posts_checks_positive"),
            # Who is to be checked has a time for it, and nobody else.
            models.CheckConstraint(
                condition=Q(tracking_state="active", next_check_at__isnull=False)
                | (~Q(tracking_state="active") & Q(next_check_at__isnull=True)),
                name="social_media_posts_active_has_next_check",
            ),
            models.CheckConstraint(
                condition=Q(tracking_state="complete", tracking_complete=True)
                | (~Q(tracking_state="complete") & Q(tracking_complete=False)),
                name="social_media_posts_complete_says_so",
            ),
            models.CheckConstraint(
                condition=Q(tracking_state="untracked", tracking_started_at__isnull=True, tracking_round=0)
                | (~Q(tracking_state="untracked") & Q(tracking_started_at__isnull=False, tracking_round__gt=0)),
                name="social_media_posts_tracked_has_start",
            ),
        ]
        indexes = [
            models.Index(F("posted_at").desc(nulls_last=True), name="idx_posts_posted_at"),
            models.Index(fields=["post_url"], name="idx_posts_url"),
            # The clean-up of raw payloads.
            models.Index(fields=["updated_at"], condition=Q(raw_data__isnull=False), name="idx_posts_raw"),
            # posts_pending_checkback: what is due, soonest first.
            models.Index(
                fields=["next_check_at"],
                condition=Q(tracking_complete=False, next_check_at__isnull=False),
                name="idx_posts_next_check",
            ),
            models.Index(
                fields=["tracking_complete"], condition=Q(tracking_complete=False), name="idx_posts_incomplete"
            ),
            # The list of tracked posts, newest tracking first; also by state.
            models.Index(
                F("tracking_started_at").desc(),
                "id",
                condition=Q(tracking_started_at__isnull=False),
                name="idx_posts_tracked",
            ),
            models.Index(
                "tracking_state",
                F("tracking_started_at").desc(),
                condition=Q(tracking_started_at__isnull=False),
                name="idx_posts_tracking_state",
            ),
            # Those that were found to be gone lately (console). Small.
            models.Index(fields=["deleted_at"], condition=Q(tracking_state="unavailable"), name="idx_posts_gone"),
            # What an account's posts usually do: its posts tracked last, after every snapshot (alerts).
            models.Index(
                "account",
                F("tracking_started_at").desc(),
                condition=Q(tracking_started_at__isnull=False),
                name="idx_posts_account_tracked",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.account.username}: {self.caption[:40] or self.external_post_id}"


class SnapshotOutcome(models.TextChoices):
    """Whether a check saw anything."""

    MEASURED = "measured", "Measured"
    UNAVAILABLE = "unavailable", "Unavailable"


class PostSnapshot(models.Model):
    """What a post's counters were at one instant. A counter is a number, or empty: `metric_states` says whether the
    network hides it (`hidden`) or nothing could be measured (`unavailable`). An absent counter is never 0.
    """

    post = models.ForeignKey(
        Post, on_delete=models.CASCADE, related_name="snapshots", db_index=False, help_text="Of which post."
    )
    snapshot_date = models.DateField(help_text="The day in UTC.")
    snapshot_hour = models.IntegerField(null=True, blank=True, help_text="The hour of that day.")
    likes_count = models.BigIntegerField(null=True, blank=True, help_text="Likes.")
    comments_count = models.BigIntegerField(null=True, blank=True, help_text="Comments.")
    views_count = models.BigIntegerField(null=True, blank=True, help_text="Views.")
    shares_count = models.BigIntegerField(null=True, blank=True, help_text="Shares.")
    saves_count = models.BigIntegerField(null=True, blank=True, help_text="Saves.")
    retweets_count = models.BigIntegerField(null=True, blank=True, help_text="Twitter.")
    reactions_count = models.BigIntegerField(null=True, blank=True, help_text="Facebook, LinkedIn.")
    repins_count = models.BigIntegerField(null=True, blank=True, help_text="Pinterest.")
    impressions = models.BigIntegerField(null=True, blank=True, help_text="How often it was shown.")
    reach = models.BigIntegerField(null=True, blank=True, help_text="To how many people.")
    watch_time_seconds = models.BigIntegerField(null=True, blank=True, help_text="Watched in all, in seconds.")
    avg_watch_percentage = models.DecimalField(
        max_digits=5, decimal_places=2, null=True, blank=True, help_text="Watched on average, in percent."
    )
    completion_rate = models.DecimalField(
        max_digits=5, decimal_places=2, null=True, blank=True, help_text="Watched to the end, in percent."
    )
    engagement_rate = models.DecimalField(
        max_digits=12,
        decimal_places=2,
        null=True,
        blank=True,
        help_text="(likes + comments + shares) / views, in percent.",
    )
    viral_score = models.DecimalField(
        max_digits=14, decimal_places=2, null=True, blank=True, help_text="Views compared with the account's usual, x."
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False, help_text="When this row was written.")

    captured_at = models.DateTimeField(help_text="When it was measured.")
    planned_at = models.DateTimeField(null=True, blank=True, help_text="When it should have been.")
    tracking_round = models.IntegerField(default=0, db_default=0, help_text="In which round of tracking.")
    check_index = models.IntegerField(
        null=True, blank=True, help_text="Which planned check: 0 is the start of tracking. Empty: imported, unplanned."
    )
    covers = models.IntegerField(default=1, db_default=1, help_text="How many planned checks it stands for.")
    outcome = models.CharField(
        max_length=20,
        choices=SnapshotOutcome,
        default=SnapshotOutcome.MEASURED,
        db_default=SnapshotOutcome.MEASURED,
        help_text="Whether anything was seen.",
    )
    reason = models.CharField(max_length=255, blank=True, default="", db_default="", help_text="Why nothing was seen.")
    metric_states = models.JSONField(
        default=dict,
        blank=True,
        db_default=models.Value({}, models.JSONField()),
        help_text="Counters without a number, and why: hidden or unavailable.",
    )
    decreased = models.JSONField(
        default=list,
        blank=True,
        db_default=models.Value([], models.JSONField()),
        help_text="Counters that were higher before.",
    )
    provider = models.CharField(max_length=100, blank=True, default="", db_default="", help_text="Who measured.")
    parser_version = models.IntegerField(default=0, db_default=0, help_text="Which parser read the payload.")
    raw_data = models.JSONField(null=True, blank=True, help_text="What the provider said, word for word.")

    class Meta:
        db_table = "social_media_post_analytics"
        ordering = ["post", "captured_at"]
        verbose_name = "snapshot"
        constraints = [
            # ORIGINS W17: the seed's (post, date, hour) lost the second check of an hour, and the whole batch with it.
            models.UniqueConstraint(fields=["post", "captured_at"], name="social_media_post_analytics_instant"),
            models.UniqueConstraint(
                fields=["post", "tracking_round", "check_index"], name="social_media_post_analytics_check"
            ),
            models.CheckConstraint(
                condition=Q(outcome__in=SnapshotOutcome.values), name="social_media_post_analytics_outcome"
            ),
            models.CheckConstraint(condition=Q(covers__gte=1), name="social_media_post_analytics_covers"),
            models.CheckConstraint(
                condition=Q(snapshot_hour__isnull=True) | Q(snapshot_hour__range=(0, 23)),
                name="social_media_post_analytics_hour",
            ),
        ]
        indexes = [
            # What was measured lately (daily figures), and the clean-up of raw payloads.
            models.Index(fields=["captured_at"], name="idx_snapshots_captured_at"),
            models.Index(fields=["captured_at"], condition=Q(raw_data__isnull=False), name="idx_snapshots_raw"),
        ]

    def __str__(self) -> str:
        return f"{self.captured_at:%Y-%m-%d %H:%M} of post {self.post_id}"


class PostAlert(models.Model):
    """A post is far above what its account's posts usually had at that age."""

    post = models.ForeignKey(Post, on_delete=models.CASCADE, related_name="alerts", db_index=False, help_text="Which.")
    tracking_round = models.IntegerField(help_text="In which round of tracking.")
    metric = models.CharField(max_length=20, help_text="Which counter.")
    at_hours = models.FloatField(
        help_text="At what age, in hours: since publication, or where nobody knows it, in its plan."
    )
    value = models.BigIntegerField(help_text="What it had then.")
    usual = models.FloatField(help_text="What the account's other posts had at that age: the median.")
    ratio = models.FloatField(help_text="How many times the usual.")
    created_at = models.DateTimeField(help_text="When it was noticed.")
    seen_at = models.DateTimeField(null=True, blank=True, help_text="When somebody looked at it.")
    seen_by = models.CharField(max_length=150, blank=True, default="", db_default="", help_text="Who did.")

    class Meta:
        db_table = "social_media_post_alerts"
        ordering = ["-created_at", "-id"]
        verbose_name = "alert"
        constraints = [
            models.UniqueConstraint(fields=["post", "tracking_round", "metric"], name="social_media_post_alerts_once"),
        ]
        indexes = [
            models.Index(F("created_at").desc(), name="idx_alerts_created"),
            # What nobody has looked at. Small.
            models.Index(fields=["created_at"], condition=Q(seen_at__isnull=True), name="idx_alerts_unseen"),
        ]

    def __str__(self) -> str:
        return f"{self.ratio:.1f}x the usual {self.metric}"
