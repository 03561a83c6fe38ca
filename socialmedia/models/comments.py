"""Comments below posts, and the answers to them."""

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from socialmedia.models.accounts import Platform
from socialmedia.models.posts import Post


class Sentiment(models.TextChoices):
    """How a comment sounds."""

    POSITIVE = "positive", "Positive"
    NEUTRAL = "neutral", "Neutral"
    NEGATIVE = "negative", "Negative"


class Comment(models.Model):
    """One comment, known by the network's id: seen again, its likes and words are brought up to date."""

    post = models.ForeignKey(
        Post, on_delete=models.CASCADE, related_name="comments", db_index=False, help_text="Below which post."
    )
    platform = models.CharField(max_length=50, choices=Platform, help_text="The network.")
    external_comment_id = models.CharField(max_length=255, help_text="The network's id.")
    comment_text = models.TextField(blank=True, default="", db_default="", help_text="The words.")
    author_username = models.CharField(
        max_length=255, blank=True, default="", db_default="", help_text="The author's handle."
    )
    author_display_name = models.CharField(
        max_length=255, blank=True, default="", db_default="", help_text="The author's shown name."
    )
    author_id = models.CharField(
        max_length=255, blank=True, default="", db_default="", help_text="The author's id on the network."
    )
    parent_comment = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="replies", help_text="What it answers."
    )
    parent_external_id = models.CharField(
        max_length=255, blank=True, default="", db_default="", help_text="The network's id of what it answers."
    )
    is_reply = models.BooleanField(default=False, db_default=False, help_text="An answer to a comment.")
    likes_count = models.BigIntegerField(null=True, blank=True, help_text="Likes; empty: the network does not say.")
    replies_count = models.IntegerField(default=0, db_default=0, help_text="Answers that are stored here.")
    api_reply_count = models.IntegerField(default=0, db_default=0, help_text="Answers that the network counts.")
    is_creator_reply = models.BooleanField(default=False, db_default=False, help_text="By the post's own author.")
    sentiment = models.CharField(
        max_length=20, choices=Sentiment, blank=True, default="", db_default="", help_text="How it sounds."
    )
    sentiment_score = models.DecimalField(
        max_digits=3, decimal_places=2, null=True, blank=True, help_text="From -1, unhappy, to 1, happy."
    )
    commented_at = models.DateTimeField(null=True, blank=True, help_text="When it was written.")
    created_at = models.DateTimeField(db_default=Now(), editable=False, help_text="First seen.")
    updated_at = models.DateTimeField(db_default=Now(), editable=False, help_text="Last seen.")
    edited_at = models.DateTimeField(null=True, blank=True, help_text="When its words were found changed.")
    raw_data = models.JSONField(null=True, blank=True, help_text="What the provider said, word for word.")
    parser_version = models.IntegerField(default=0, db_default=0, help_text="Which parser read it.")

    class Meta:
        db_table = "social_media_comments"
        ordering = ["-commented_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["platform", "external_comment_id"], name="social_media_comments_external_id"
            ),
            models.CheckConstraint(
                condition=Q(sentiment__in=["", *Sentiment.values]), name="social_media_comments_sentiment"
            ),
            models.CheckConstraint(
                condition=Q(parent_comment__isnull=True) | Q(is_reply=True),
                name="social_media_comments_parent_of_reply",
            ),
        ]
        indexes = [
            # A post's comments, newest first; also the index of the foreign key.
            models.Index(F("post"), F("commented_at").desc(), name="idx_comments_post"),
            # What one person wrote (erasure, search).
            models.Index(fields=["platform", "author_id"], name="idx_comments_author"),
            models.Index(fields=["platform", "author_username"], name="idx_comments_handle"),
            # Replies that came before what they answer.
            models.Index(
                fields=["platform", "parent_external_id"],
                condition=Q(parent_comment__isnull=True) & ~Q(parent_external_id=""),
                name="idx_comments_orphans",
            ),
            # The clean-up of raw payloads.
            models.Index(fields=["created_at"], condition=Q(raw_data__isnull=False), name="idx_comments_raw"),
        ]

    def __str__(self) -> str:
        return f"{self.author_username}: {self.comment_text[:40]}"
