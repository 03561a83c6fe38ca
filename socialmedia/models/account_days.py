"""An account's figures day by day, and the fetches that brought them."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from socialmedia.models.accounts import Account


class AccountSnapshot(models.Model):
    """What an account's profile showed on one day. Empty figures are not known."""

    account = models.ForeignKey(
        Account, on_delete=models.CASCADE, related_name="days", db_index=False, help_text="Whose."
    )
    snapshot_date = models.DateField(help_text="The day in UTC.")
    followers_count = models.BigIntegerField(null=True, blank=True, help_text="Followers.")
    following_count = models.BigIntegerField(null=True, blank=True, help_text="Whom it follows.")
    posts_count = models.BigIntegerField(null=True, blank=True, help_text="Posts.")
    total_likes = models.BigIntegerField(null=True, blank=True, help_text="Likes of all posts.")
    total_comments = models.BigIntegerField(null=True, blank=True, help_text="Comments of the posts known here.")
    total_views = models.BigIntegerField(null=True, blank=True, help_text="Views of the posts known here.")
    total_shares = models.BigIntegerField(null=True, blank=True, help_text="Shares of the posts known here.")
    total_saves = models.BigIntegerField(null=True, blank=True, help_text="Saves of the posts known here.")
    total_impressions = models.BigIntegerField(null=True, blank=True, help_text="Impressions, if known.")
    engagement_rate = models.DecimalField(
        max_digits=12,
        decimal_places=2,
        null=True,
        blank=True,
        help_text="(likes + comments of the posts known here) / (their number x followers), in percent.",
    )
    avg_likes_per_post = models.DecimalField(
        max_digits=14, decimal_places=2, null=True, blank=True, help_text="Of the posts known here."
    )
    avg_comments_per_post = models.DecimalField(
        max_digits=14, decimal_places=2, null=True, blank=True, help_text="Of the posts known here."
    )
    avg_views_per_post = models.DecimalField(
        max_digits=14, decimal_places=2, null=True, blank=True, help_text="Of the posts known here."
    )
    followers_growth = models.BigIntegerField(null=True, blank=True, help_text="Since the day known before.")
    total_reach = models.BigIntegerField(null=True, blank=True, help_text="People reached, if known.")
    created_at = models.DateTimeField(db_default=Now(), editable=False, help_text="When this row was written.")
    raw_data = models.JSONField(null=True, blank=True, help_text="What the provider said, word for word.")
    parser_version = models.IntegerField(default=0, db_default=0, help_text="Which parser read it.")

    class Meta:
        db_table = "social_media_analytics_snapshots"
        ordering = ["account", "-snapshot_date"]
        verbose_name = "account day"
        constraints = [
            models.UniqueConstraint(
                fields=["account", "snapshot_date"], name="social_media_analytics_snapshots_once_a_day"
            ),
        ]
        indexes = [
            # The clean-up of raw payloads.
            models.Index(fields=["created_at"], condition=Q(raw_data__isnull=False), name="idx_account_days_raw"),
        ]

    def __str__(self) -> str:
        return f"{self.account_id} on {self.snapshot_date}"


class FetchType(models.TextChoices):
    """What was fetched. The seed's three."""

    DAILY_SNAPSHOT = "daily_snapshot", "Daily snapshot"
    FULL_REFRESH = "full_refresh", "Full refresh"
    POST_UPDATE = "post_update", "Update of posts"


class FetchStatus(models.TextChoices):
    """The seed's four."""

    PENDING = "pending", "Pending"
    RUNNING = "running", "Running"
    COMPLETED = "completed", "Completed"
    FAILED = "failed", "Failed"


class AnalyticsFetch(models.Model):
    """One fetch of an account's figures."""

    account = models.ForeignKey(
        Account, on_delete=models.CASCADE, related_name="fetches", db_index=False, help_text="Whose."
    )
    job_type = models.CharField(max_length=50, choices=FetchType, help_text="What.")
    status = models.CharField(
        max_length=50,
        choices=FetchStatus,
        default=FetchStatus.PENDING,
        db_default=FetchStatus.PENDING,
        help_text="State.",
    )
    started_at = models.DateTimeField(null=True, blank=True, help_text="Begun.")
    completed_at = models.DateTimeField(null=True, blank=True, help_text="Ended.")
    posts_fetched = models.IntegerField(default=0, db_default=0, help_text="How many posts came.")
    error_message = models.TextField(blank=True, default="", db_default="", help_text="Why it failed.")
    created_at = models.DateTimeField(db_default=Now(), editable=False, help_text="Asked for.")

    class Meta:
        db_table = "analytics_fetch_jobs"
        ordering = ["-created_at", "-id"]
        verbose_name = "fetch"
        verbose_name_plural = "fetches"
        constraints = [
            models.CheckConstraint(condition=Q(job_type__in=FetchType.values), name="analytics_fetch_jobs_type"),
            models.CheckConstraint(condition=Q(status__in=FetchStatus.values), name="analytics_fetch_jobs_status"),
        ]
        indexes = [models.Index(fields=["account", "-created_at"], name="idx_fetches_account")]

    def __str__(self) -> str:
        return f"{self.job_type} of {self.account_id}"
