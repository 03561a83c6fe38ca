"""Searches on a network, and what they found."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from socialmedia.models.accounts import Account, Platform


class SearchKind(models.TextChoices):
    """What is looked for."""

    USER = "user", "People"
    VIDEO = "video", "Videos"
    HASHTAG = "hashtag", "Hashtags"


class SearchStatus(models.TextChoices):
    """How a search went."""

    RUNNING = "running", "Running"
    DONE = "done", "Done"
    FAILED = "failed", "Failed"


class SearchRun(models.Model):
    """One search."""

    platform = models.CharField(
        max_length=50, choices=Platform, default=Platform.TIKTOK, db_default=Platform.TIKTOK, help_text="The network."
    )
    kind = models.CharField(max_length=20, choices=SearchKind, help_text="What was looked for.")
    query = models.CharField(max_length=255, help_text="The words.")
    status = models.CharField(
        max_length=20,
        choices=SearchStatus,
        default=SearchStatus.RUNNING,
        db_default=SearchStatus.RUNNING,
        help_text="How it went.",
    )
    provider = models.CharField(max_length=100, blank=True, default="", db_default="", help_text="Who was asked.")
    account = models.ForeignKey(
        Account, null=True, blank=True, on_delete=models.SET_NULL, help_text="In whose name, if in anybody's."
    )
    results_count = models.IntegerField(default=0, db_default=0, help_text="How much it found.")
    error_message = models.TextField(blank=True, default="", db_default="", help_text="Why it failed.")
    asked_by = models.CharField(max_length=150, blank=True, default="", db_default="", help_text="Who searched.")
    created_at = models.DateTimeField(db_default=Now(), help_text="When.")
    finished_at = models.DateTimeField(null=True, blank=True, help_text="When it ended.")

    class Meta:
        db_table = "social_media_searches"
        ordering = ["-created_at", "-id"]
        verbose_name = "search"
        verbose_name_plural = "searches"
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=SearchKind.values), name="social_media_searches_kind"),
            models.CheckConstraint(condition=Q(status__in=SearchStatus.values), name="social_media_searches_status"),
            models.CheckConstraint(condition=~Q(query=""), name="social_media_searches_has_query"),
        ]
        indexes = [models.Index(fields=["-created_at", "-id"], name="idx_searches_created")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.query}"


class SearchResult(models.Model):
    """One thing that a search found, as it was then."""

    search = models.ForeignKey(
        SearchRun, on_delete=models.CASCADE, related_name="results", db_index=False, help_text="By which search."
    )
    position = models.IntegerField(help_text="Its place, from 1.")
    external_id = models.CharField(max_length=255, blank=True, default="", db_default="", help_text="The network's id.")
    username = models.CharField(max_length=255, blank=True, default="", db_default="", help_text="Handle or author.")
    title = models.TextField(blank=True, default="", db_default="", help_text="Its name or caption.")
    subtitle = models.TextField(blank=True, default="", db_default="", help_text="What else it shows.")
    url = models.TextField(blank=True, default="", db_default="", help_text="Where it is.")
    is_verified = models.BooleanField(null=True, blank=True, help_text="People: verified by the network.")
    followers_count = models.BigIntegerField(null=True, blank=True, help_text="People.")
    views_count = models.BigIntegerField(null=True, blank=True, help_text="Videos and hashtags.")
    likes_count = models.BigIntegerField(null=True, blank=True, help_text="Videos.")
    posts_count = models.BigIntegerField(null=True, blank=True, help_text="People and hashtags.")
    raw_data = models.JSONField(null=True, blank=True, help_text="What the provider said, word for word.")

    class Meta:
        db_table = "social_media_search_results"
        ordering = ["search", "position"]
        constraints = [
            models.UniqueConstraint(fields=["search", "position"], name="social_media_search_results_position"),
        ]
        indexes = [models.Index(fields=["username"], name="idx_search_results_username")]  # erasure

    def __str__(self) -> str:
        return self.title or self.username
