"""People and pages of the networks: our own accounts (a Discord bot is one) and everybody we have seen."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now


class Platform(models.TextChoices):
    """The networks. Discord is ours; the others are the seed's."""

    DISCORD = "discord", "Discord"
    TIKTOK = "tiktok", "TikTok"
    INSTAGRAM = "instagram", "Instagram"
    YOUTUBE = "youtube", "YouTube"
    TWITTER = "twitter", "Twitter"
    FACEBOOK = "facebook", "Facebook"
    PINTEREST = "pinterest", "Pinterest"
    BLUESKY = "bluesky", "Bluesky"
    THREADS = "threads", "Threads"
    LINKEDIN = "linkedin", "LinkedIn"


class Account(models.Model):
    """One identity on one network.

    On Discord a person is their id (`external_id`): names change hands, so they are not unique there. On the
    other networks the handle is the identity, as in the seed.
    """

    platform = models.CharField(max_length=50, choices=Platform, help_text="The network.")
    username = models.CharField(max_length=255, help_text="Handle.")
    display_name = models.CharField(max_length=255, blank=True, default="", db_default="", help_text="Shown name.")
    bio = models.TextField(blank=True, default="", db_default="", help_text="Profile text.")
    profile_pic_url = models.TextField(blank=True, default="", db_default="", help_text="Picture's address.")
    external_id = models.CharField(  # noqa: DJ001 - NULL means "not known" to the unique index
        max_length=255, null=True, blank=True, help_text="The network's own id."
    )
    is_verified = models.BooleanField(default=False, db_default=False, help_text="Verified by the network.")
    is_business = models.BooleanField(default=False, db_default=False, help_text="A business account.")
    is_creator = models.BooleanField(default=False, db_default=False, help_text="A creator account.")
    account_type = models.CharField(
        max_length=50, blank=True, default="", db_default="", help_text="'bot' for bots, 'member' for people."
    )
    email = models.CharField(max_length=255, blank=True, default="", db_default="", help_text="Public e-mail.")
    location = models.CharField(max_length=255, blank=True, default="", db_default="", help_text="Public location.")
    website_url = models.TextField(blank=True, default="", db_default="", help_text="Public web page.")
    is_active = models.BooleanField(default=True, db_default=True, help_text="In use.")
    is_own = models.BooleanField(
        default=False, db_default=False, help_text="One of our own accounts: the bot, our pages."
    )
    is_private = models.BooleanField(default=False, db_default=False, help_text="Hidden from strangers.")
    monitoring_enabled = models.BooleanField(default=True, db_default=True, help_text="Figures are collected.")
    blotato_account_id = models.IntegerField(null=True, blank=True, help_text="Id in the seed's publishing tool.")
    created_at = models.DateTimeField(db_default=Now(), editable=False, help_text="First seen.")
    updated_at = models.DateTimeField(db_default=Now(), editable=False, help_text="Last changed.")
    last_fetched_at = models.DateTimeField(null=True, blank=True, help_text="Figures last fetched.")
    heard_until = models.DateTimeField(
        null=True, blank=True, help_text="Own accounts: until when it was connected and heard what was written."
    )
    account_created_at = models.DateTimeField(null=True, blank=True, help_text="Made on the network.")
    timezone = models.CharField(
        max_length=64, blank=True, default="", db_default="", help_text="Where its day begins; empty: the community's."
    )

    class Meta:
        db_table = "social_media_accounts"
        ordering = ["platform", "username"]
        constraints = [
            models.CheckConstraint(
                condition=Q(platform__in=Platform.values), name="social_media_accounts_platform_known"
            ),
            # The seed's UNIQUE(platform, username), but for Discord.
            models.UniqueConstraint(
                fields=["platform", "username"],
                condition=~Q(platform="discord"),
                name="social_media_accounts_handle",
            ),
            models.UniqueConstraint(fields=["platform", "external_id"], name="social_media_accounts_external_id"),
            models.CheckConstraint(
                condition=~Q(platform="discord") | Q(external_id__isnull=False),
                name="social_media_accounts_discord_has_id",
            ),
        ]
        indexes = [
            # Search by handle, exact or prefix, on every network (admin).
            models.Index(fields=["username"], name="idx_accounts_username"),
            # Ours among millions (listening, channels).
            models.Index(fields=["platform"], condition=Q(is_own=True), name="idx_accounts_own"),
        ]

    def __str__(self) -> str:
        return f"{self.display_name or self.username} ({self.get_platform_display()})"
