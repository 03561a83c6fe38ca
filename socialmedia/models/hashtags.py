"""Hashtags and mentions in posts, and how a hashtag did day by day."""

from django.db import models
from django.db.models.functions import Now

from socialmedia.models.accounts import Platform
from socialmedia.models.posts import Post


class Hashtag(models.Model):
    """One hashtag, lower-case and without its `#`."""

    hashtag = models.CharField(max_length=255, unique=True, help_text="Without #, in lower case.")
    platform = models.CharField(
        max_length=50, choices=Platform, blank=True, default="", db_default="", help_text="Where it was first seen."
    )
    total_uses = models.BigIntegerField(default=0, db_default=0, help_text="Posts here that use it: each counts once.")
    total_views = models.BigIntegerField(default=0, db_default=0, help_text="Their latest views.")
    avg_engagement_rate = models.DecimalField(
        max_digits=12, decimal_places=2, null=True, blank=True, help_text="Their latest engagement rate, on average."
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False, help_text="First seen.")
    updated_at = models.DateTimeField(db_default=Now(), editable=False, help_text="Figures last computed.")

    class Meta:
        db_table = "social_media_hashtags"
        ordering = ["-total_uses", "hashtag"]
        indexes = [models.Index(fields=["-total_uses", "hashtag"], name="idx_hashtags_uses")]

    def __str__(self) -> str:
        return f"#{self.hashtag}"


class PostHashtag(models.Model):
    """A post uses a hashtag."""

    post = models.ForeignKey(
        Post, on_delete=models.CASCADE, related_name="hashtag_links", db_index=False, help_text="Which post."
    )
    hashtag = models.ForeignKey(
        Hashtag, on_delete=models.CASCADE, related_name="post_links", db_index=False, help_text="Which."
    )
    position = models.IntegerField(default=0, db_default=0, help_text="Which one in the words, from 0.")

    class Meta:
        db_table = "social_media_post_hashtags"
        ordering = ["post", "position"]
        constraints = [models.UniqueConstraint(fields=["post", "hashtag"], name="social_media_post_hashtags_once")]
        # A hashtag's newest posts (console), and their number; also the index of the foreign key.
        indexes = [models.Index(fields=["hashtag", "-post"], name="idx_post_hashtags_newest")]

    def __str__(self) -> str:
        return f"{self.hashtag_id} in {self.post_id}"


class Mention(models.Model):
    """A post names somebody."""

    post = models.ForeignKey(
        Post, on_delete=models.CASCADE, related_name="mentions", db_index=False, help_text="Which post."
    )
    mentioned_username = models.CharField(max_length=255, help_text="The handle, without @.")
    platform = models.CharField(max_length=50, choices=Platform, help_text="The network.")
    mention_type = models.CharField(
        max_length=50, default="caption", db_default="caption", help_text="Where: caption, tag."
    )

    class Meta:
        db_table = "social_media_mentions"
        ordering = ["post", "mentioned_username"]
        constraints = [
            models.UniqueConstraint(
                fields=["post", "mentioned_username", "mention_type"], name="social_media_mentions_once"
            ),
        ]
        indexes = [models.Index(fields=["platform", "mentioned_username"], name="idx_mentions_username")]

    def __str__(self) -> str:
        return f"@{self.mentioned_username} in {self.post_id}"


class HashtagDay(models.Model):
    """How a hashtag stood on one day: its history."""

    hashtag = models.ForeignKey(
        Hashtag, on_delete=models.CASCADE, related_name="days", db_index=False, help_text="Which hashtag."
    )
    day = models.DateField(help_text="The day in UTC.")
    posts_count = models.BigIntegerField(help_text="Posts here that use it, by then.")
    views_count = models.BigIntegerField(null=True, blank=True, help_text="Their latest views.")
    avg_engagement_rate = models.DecimalField(
        max_digits=12, decimal_places=2, null=True, blank=True, help_text="Their latest engagement rate, on average."
    )
    network_posts = models.BigIntegerField(null=True, blank=True, help_text="Posts on the whole network, if it says.")
    network_views = models.BigIntegerField(null=True, blank=True, help_text="Views on the whole network, if it says.")

    class Meta:
        db_table = "social_media_hashtag_days"
        ordering = ["hashtag", "-day"]
        constraints = [models.UniqueConstraint(fields=["hashtag", "day"], name="social_media_hashtag_days_once")]

    def __str__(self) -> str:
        return f"{self.hashtag_id} on {self.day}"
