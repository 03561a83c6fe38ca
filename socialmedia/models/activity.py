"""Who was active where and when in a community's channels: times, and the words only where a community keeps them."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from socialmedia.models.accounts import Account, Platform


class Channel(models.Model):
    """A public channel of a community."""

    platform = models.CharField(
        max_length=50, choices=Platform, default=Platform.DISCORD, db_default=Platform.DISCORD, help_text="The network."
    )
    external_id = models.CharField(max_length=255, help_text="The network's id of the channel.")
    name = models.CharField(max_length=255, blank=True, default="", db_default="", help_text="Its name.")
    guild_id = models.CharField(
        max_length=255, blank=True, default="", db_default="", help_text="The network's id of the community."
    )
    guild_name = models.CharField(max_length=255, blank=True, default="", db_default="", help_text="The community.")
    created_at = models.DateTimeField(db_default=Now(), editable=False, help_text="First seen.")

    class Meta:
        db_table = "community_channels"
        ordering = ["guild_name", "name"]
        constraints = [
            models.UniqueConstraint(fields=["platform", "external_id"], name="community_channels_external_id"),
        ]

    def __str__(self) -> str:
        return f"#{self.name or self.external_id}"


class ChannelActivity(models.Model):
    """One message somebody wrote in a channel. The primary key is Discord's message id, so a message that is
    seen twice (live and in an export, or in two exports) counts once, in whatever order they arrive.
    """

    message_id = models.BigIntegerField(primary_key=True, help_text="Discord's id of the message.")
    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, db_index=False, help_text="Where.")
    author = models.ForeignKey(Account, on_delete=models.CASCADE, db_index=False, help_text="Who.")
    sent_at = models.DateTimeField(help_text="When.")
    text = models.TextField(
        blank=True, default="", db_default="", help_text="The words, where DISCORD_KEEP_CHANNEL_TEXTS is on."
    )
    edited_at = models.DateTimeField(
        null=True,
        blank=True,
        help_text="When the words were last changed or taken back; an older change comes too late.",
    )

    class Meta:
        db_table = "channel_activity"
        ordering = ["-sent_at"]
        verbose_name_plural = "channel activity"
        indexes = [
            # A member's own rhythm; erasing a member.
            models.Index(fields=["author", "sent_at"], name="idx_activity_author_time"),
            # A channel's coverage.
            models.Index(fields=["channel", "sent_at"], name="idx_activity_channel_time"),
            # Emptying old words. Nothing in it where no words are kept.
            models.Index(fields=["sent_at"], condition=~Q(text=""), name="idx_activity_texts"),
        ]

    def __str__(self) -> str:
        return str(self.message_id)


class ChatImport(models.Model):
    """One file that `import_chat_export` took in, with what came of it."""

    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, help_text="The exported channel.")
    file_name = models.CharField(max_length=255, help_text="The file's name, without its folder.")
    messages_read = models.BigIntegerField(default=0, help_text="Messages in the file.")
    messages_new = models.BigIntegerField(default=0, help_text="Messages not known before.")
    members_new = models.BigIntegerField(default=0, help_text="People not known before.")
    first_message_at = models.DateTimeField(null=True, help_text="Oldest message in the file.")
    last_message_at = models.DateTimeField(null=True, help_text="Newest message in the file.")
    imported_at = models.DateTimeField(db_default=Now(), editable=False, help_text="When.")

    class Meta:
        db_table = "chat_imports"
        ordering = ["-imported_at"]

    def __str__(self) -> str:
        return self.file_name
