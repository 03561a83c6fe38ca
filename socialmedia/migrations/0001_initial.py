"""Accounts, posts, conversations, messages and what was seen of them."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Account",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "platform",
                    models.CharField(
                        choices=[
                            ("discord", "Discord"),
                            ("tiktok", "TikTok"),
                            ("instagram", "Instagram"),
                            ("youtube", "YouTube"),
                            ("twitter", "Twitter"),
                            ("facebook", "Facebook"),
                            ("pinterest", "Pinterest"),
                            ("bluesky", "Bluesky"),
                            ("threads", "Threads"),
                            ("linkedin", "LinkedIn"),
                        ],
                        help_text="The network.",
                        max_length=50,
                    ),
                ),
                ("username", models.CharField(help_text="Handle.", max_length=255)),
                (
                    "display_name",
                    models.CharField(blank=True, db_default="", default="", help_text="Shown name.", max_length=255),
                ),
                ("bio", models.TextField(blank=True, db_default="", default="", help_text="Profile text.")),
                (
                    "profile_pic_url",
                    models.TextField(blank=True, db_default="", default="", help_text="Picture's address."),
                ),
                (
                    "external_id",
                    models.CharField(blank=True, help_text="The network's own id.", max_length=255, null=True),
                ),
                (
                    "is_verified",
                    models.BooleanField(db_default=False, default=False, help_text="Verified by the network."),
                ),
                ("is_business", models.BooleanField(db_default=False, default=False, help_text="A business account.")),
                ("is_creator", models.BooleanField(db_default=False, default=False, help_text="A creator account.")),
                (
                    "account_type",
                    models.CharField(
                        blank=True,
                        db_default="",
                        default="",
                        help_text="'bot' for bots, 'member' for people.",
                        max_length=50,
                    ),
                ),
                (
                    "email",
                    models.CharField(blank=True, db_default="", default="", help_text="Public e-mail.", max_length=255),
                ),
                (
                    "location",
                    models.CharField(
                        blank=True, db_default="", default="", help_text="Public location.", max_length=255
                    ),
                ),
                ("website_url", models.TextField(blank=True, db_default="", default="", help_text="Public web page.")),
                ("is_active", models.BooleanField(db_default=True, default=True, help_text="In use.")),
                (
                    "is_own",
                    models.BooleanField(
                        db_default=False, default=False, help_text="One of our own accounts: the bot, our pages."
                    ),
                ),
                (
                    "is_private",
                    models.BooleanField(db_default=False, default=False, help_text="Hidden from strangers."),
                ),
                (
                    "monitoring_enabled",
                    models.BooleanField(db_default=True, default=True, help_text="Figures are collected."),
                ),
                (
                    "blotato_account_id",
                    models.IntegerField(blank=True, help_text="Id in the seed's publishing tool.", null=True),
                ),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False, help_text="First seen."
                    ),
                ),
                (
                    "updated_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False, help_text="Last changed."
                    ),
                ),
                ("last_fetched_at", models.DateTimeField(blank=True, help_text="Figures last fetched.", null=True)),
                ("account_created_at", models.DateTimeField(blank=True, help_text="Made on the network.", null=True)),
            ],
            options={
                "db_table": "social_media_accounts",
                "ordering": ["platform", "username"],
                "indexes": [models.Index(fields=["username"], name="idx_accounts_username")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "platform__in",
                                [
                                    "discord",
                                    "tiktok",
                                    "instagram",
                                    "youtube",
                                    "twitter",
                                    "facebook",
                                    "pinterest",
                                    "bluesky",
                                    "threads",
                                    "linkedin",
                                ],
                            )
                        ),
                        name="social_media_accounts_platform_known",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("platform", "discord"), _negated=True),
                        fields=("platform", "username"),
                        name="social_media_accounts_handle",
                    ),
                    models.UniqueConstraint(
                        fields=("platform", "external_id"), name="social_media_accounts_external_id"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("platform", "discord"), _negated=True),
                            ("external_id__isnull", False),
                            _connector="OR",
                        ),
                        name="social_media_accounts_discord_has_id",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Channel",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "platform",
                    models.CharField(
                        choices=[
                            ("discord", "Discord"),
                            ("tiktok", "TikTok"),
                            ("instagram", "Instagram"),
                            ("youtube", "YouTube"),
                            ("twitter", "Twitter"),
                            ("facebook", "Facebook"),
                            ("pinterest", "Pinterest"),
                            ("bluesky", "Bluesky"),
                            ("threads", "Threads"),
                            ("linkedin", "LinkedIn"),
                        ],
                        db_default="discord",
                        default="discord",
                        help_text="The network.",
                        max_length=50,
                    ),
                ),
                ("external_id", models.CharField(help_text="The network's id of the channel.", max_length=255)),
                (
                    "name",
                    models.CharField(blank=True, db_default="", default="", help_text="Its name.", max_length=255),
                ),
                (
                    "guild_id",
                    models.CharField(
                        blank=True,
                        db_default="",
                        default="",
                        help_text="The network's id of the community.",
                        max_length=255,
                    ),
                ),
                (
                    "guild_name",
                    models.CharField(blank=True, db_default="", default="", help_text="The community.", max_length=255),
                ),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False, help_text="First seen."
                    ),
                ),
            ],
            options={
                "db_table": "community_channels",
                "ordering": ["guild_name", "name"],
                "constraints": [
                    models.UniqueConstraint(fields=("platform", "external_id"), name="community_channels_external_id")
                ],
            },
        ),
        migrations.CreateModel(
            name="ChatImport",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("file_name", models.CharField(help_text="The file's name, without its folder.", max_length=255)),
                ("messages_read", models.BigIntegerField(default=0, help_text="Messages in the file.")),
                ("messages_new", models.BigIntegerField(default=0, help_text="Messages not known before.")),
                ("members_new", models.BigIntegerField(default=0, help_text="People not known before.")),
                ("first_message_at", models.DateTimeField(help_text="Oldest message in the file.", null=True)),
                ("last_message_at", models.DateTimeField(help_text="Newest message in the file.", null=True)),
                (
                    "imported_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False, help_text="When."
                    ),
                ),
                (
                    "channel",
                    models.ForeignKey(
                        help_text="The exported channel.",
                        on_delete=django.db.models.deletion.CASCADE,
                        to="socialmedia.channel",
                    ),
                ),
            ],
            options={
                "db_table": "chat_imports",
                "ordering": ["-imported_at"],
            },
        ),
        migrations.CreateModel(
            name="Conversation",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "platform",
                    models.CharField(
                        choices=[
                            ("discord", "Discord"),
                            ("tiktok", "TikTok"),
                            ("instagram", "Instagram"),
                            ("youtube", "YouTube"),
                            ("twitter", "Twitter"),
                            ("facebook", "Facebook"),
                            ("pinterest", "Pinterest"),
                            ("bluesky", "Bluesky"),
                            ("threads", "Threads"),
                            ("linkedin", "LinkedIn"),
                        ],
                        db_default="tiktok",
                        default="tiktok",
                        help_text="The network.",
                        max_length=50,
                    ),
                ),
                (
                    "participant_username",
                    models.CharField(
                        help_text="The other side's handle; on Discord their id, because handles change hands there.",
                        max_length=255,
                    ),
                ),
                (
                    "participant_id",
                    models.CharField(blank=True, db_default="", default="", help_text="Their id.", max_length=255),
                ),
                (
                    "participant_display_name",
                    models.CharField(
                        blank=True, db_default="", default="", help_text="Their shown name.", max_length=255
                    ),
                ),
                (
                    "participant_avatar_url",
                    models.TextField(blank=True, db_default="", default="", help_text="Their picture."),
                ),
                (
                    "participant_verified",
                    models.BooleanField(db_default=False, default=False, help_text="Verified by the network."),
                ),
                (
                    "last_message_at",
                    models.DateTimeField(blank=True, help_text="When the newest message was sent.", null=True),
                ),
                (
                    "last_message_preview",
                    models.TextField(blank=True, db_default="", default="", help_text="How it begins."),
                ),
                (
                    "last_message_is_outgoing",
                    models.BooleanField(blank=True, help_text="Whether it was ours.", null=True),
                ),
                (
                    "unread_count",
                    models.IntegerField(db_default=0, default=0, help_text="Inbound messages nobody has read."),
                ),
                ("is_muted", models.BooleanField(db_default=False, default=False, help_text="No notices.")),
                ("is_archived", models.BooleanField(db_default=False, default=False, help_text="Put away.")),
                ("is_blocked", models.BooleanField(db_default=False, default=False, help_text="Blocked by us.")),
                ("is_spam", models.BooleanField(db_default=False, default=False, help_text="Spam.")),
                (
                    "auto_reply_enabled",
                    models.BooleanField(db_default=False, default=False, help_text="Answered by machine."),
                ),
                (
                    "follow_up_scheduled_at",
                    models.DateTimeField(blank=True, help_text="When a follow-up is planned.", null=True),
                ),
                (
                    "conversation_started_at",
                    models.DateTimeField(blank=True, help_text="When the first message was sent.", null=True),
                ),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False, help_text="First seen."
                    ),
                ),
                (
                    "updated_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False, help_text="Last changed."
                    ),
                ),
                (
                    "external_channel_id",
                    models.CharField(
                        blank=True,
                        db_default="",
                        default="",
                        help_text="The network's id of the thread (DM channel).",
                        max_length=255,
                    ),
                ),
                (
                    "account",
                    models.ForeignKey(
                        help_text="Our side: the bot or the page.",
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="conversations",
                        to="socialmedia.account",
                    ),
                ),
            ],
            options={
                "db_table": "social_media_conversations",
                "ordering": [models.OrderBy(models.F("last_message_at"), descending=True, nulls_last=True), "id"],
            },
        ),
        migrations.CreateModel(
            name="Message",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "external_message_id",
                    models.CharField(
                        blank=True, help_text="The network's id of the message.", max_length=255, null=True
                    ),
                ),
                ("message_text", models.TextField(blank=True, db_default="", default="", help_text="The words.")),
                (
                    "message_type",
                    models.CharField(
                        choices=[
                            ("text", "Text"),
                            ("image", "Image"),
                            ("video", "Video"),
                            ("sticker", "Sticker"),
                            ("gif", "GIF"),
                            ("voice", "Voice"),
                        ],
                        db_default="text",
                        default="text",
                        help_text="Kind.",
                        max_length=50,
                    ),
                ),
                ("media_url", models.TextField(blank=True, db_default="", default="", help_text="Attachment.")),
                (
                    "media_thumbnail_url",
                    models.TextField(blank=True, db_default="", default="", help_text="Its small picture."),
                ),
                ("is_outgoing", models.BooleanField(help_text="Sent by us.")),
                (
                    "sender_username",
                    models.CharField(blank=True, db_default="", default="", help_text="Handle.", max_length=255),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("queued", "Queued"),
                            ("sending", "Sending"),
                            ("sent", "Sent"),
                            ("delivered", "Delivered"),
                            ("read", "Read"),
                            ("failed", "Failed"),
                            ("unknown", "Unknown"),
                            ("suppressed", "Suppressed"),
                        ],
                        db_default="sent",
                        default="sent",
                        help_text="State.",
                        max_length=50,
                    ),
                ),
                ("is_read", models.BooleanField(db_default=False, default=False, help_text="Somebody read it.")),
                ("sent_at", models.DateTimeField(help_text="When it was sent; for a queued one, when it was queued.")),
                ("delivered_at", models.DateTimeField(blank=True, help_text="When the network took it.", null=True)),
                ("read_at", models.DateTimeField(blank=True, help_text="When it was read.", null=True)),
                ("metadata", models.JSONField(blank=True, default=dict, help_text="What else the network said.")),
                (
                    "is_automated",
                    models.BooleanField(
                        db_default=False, default=False, help_text="Started by us without being asked."
                    ),
                ),
                (
                    "template_used",
                    models.CharField(blank=True, db_default="", default="", help_text="Template.", max_length=255),
                ),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(),
                        editable=False,
                        help_text="When this row was written.",
                    ),
                ),
                (
                    "nonce",
                    models.CharField(
                        blank=True,
                        help_text="Sent along, so that the network drops a second copy.",
                        max_length=25,
                        null=True,
                    ),
                ),
                (
                    "consent_id",
                    models.BigIntegerField(
                        blank=True,
                        help_text="The consent an automated message rests on (a row of consent_receipts).",
                        null=True,
                    ),
                ),
                ("attempts", models.IntegerField(db_default=0, default=0, help_text="How often the relay tried.")),
                (
                    "next_attempt_at",
                    models.DateTimeField(blank=True, help_text="Not tried again before this time.", null=True),
                ),
                (
                    "first_attempt_at",
                    models.DateTimeField(blank=True, help_text="When the relay first tried.", null=True),
                ),
                (
                    "lease_token",
                    models.UUIDField(blank=True, help_text="Which relay may record the outcome.", null=True),
                ),
                (
                    "lease_expires_at",
                    models.DateTimeField(blank=True, help_text="That relay is taken for dead after this.", null=True),
                ),
                (
                    "error_code",
                    models.CharField(
                        blank=True, db_default="", default="", help_text="The network's code.", max_length=50
                    ),
                ),
                (
                    "error_message",
                    models.TextField(blank=True, db_default="", default="", help_text="Why it was not delivered."),
                ),
                (
                    "conversation",
                    models.ForeignKey(
                        help_text="The thread.",
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="messages",
                        to="socialmedia.conversation",
                    ),
                ),
                (
                    "reply_to_message",
                    models.ForeignKey(
                        blank=True,
                        help_text="The message it answers.",
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        to="socialmedia.message",
                    ),
                ),
            ],
            options={
                "db_table": "social_media_messages",
                "ordering": ["-sent_at", "-id"],
            },
        ),
        migrations.CreateModel(
            name="ChannelActivity",
            fields=[
                (
                    "message_id",
                    models.BigIntegerField(help_text="Discord's id of the message.", primary_key=True, serialize=False),
                ),
                ("sent_at", models.DateTimeField(help_text="When.")),
                (
                    "author",
                    models.ForeignKey(
                        db_index=False,
                        help_text="Who.",
                        on_delete=django.db.models.deletion.CASCADE,
                        to="socialmedia.account",
                    ),
                ),
                (
                    "channel",
                    models.ForeignKey(
                        db_index=False,
                        help_text="Where.",
                        on_delete=django.db.models.deletion.CASCADE,
                        to="socialmedia.channel",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "channel activity",
                "db_table": "channel_activity",
                "ordering": ["-sent_at"],
                "indexes": [
                    models.Index(fields=["author", "sent_at"], name="idx_activity_author_time"),
                    models.Index(fields=["channel", "sent_at"], name="idx_activity_channel_time"),
                ],
            },
        ),
        migrations.AddIndex(
            model_name="conversation",
            index=models.Index(fields=["platform"], name="idx_conversations_platform"),
        ),
        migrations.AddIndex(
            model_name="conversation",
            index=models.Index(
                models.OrderBy(models.F("last_message_at"), descending=True, nulls_last=True),
                name="idx_conversations_last_msg",
            ),
        ),
        migrations.AddIndex(
            model_name="conversation",
            index=models.Index(
                condition=models.Q(("unread_count__gt", 0)), fields=["unread_count"], name="idx_conversations_unread"
            ),
        ),
        migrations.AddIndex(
            model_name="conversation",
            index=models.Index(
                condition=models.Q(("follow_up_scheduled_at__isnull", False)),
                fields=["follow_up_scheduled_at"],
                name="idx_conversations_follow_up",
            ),
        ),
        migrations.AddIndex(
            model_name="conversation",
            index=models.Index(fields=["participant_id"], name="idx_conversations_participant"),
        ),
        migrations.AddConstraint(
            model_name="conversation",
            constraint=models.UniqueConstraint(
                fields=("account", "platform", "participant_username"), name="social_media_conversations_participant"
            ),
        ),
        migrations.AddConstraint(
            model_name="conversation",
            constraint=models.CheckConstraint(
                condition=models.Q(("unread_count__gte", 0)), name="social_media_conversations_unread_positive"
            ),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(fields=["conversation", "sent_at"], name="idx_messages_thread"),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(models.OrderBy(models.F("sent_at"), descending=True), name="idx_messages_sent_at"),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(
                condition=models.Q(("status", "queued")), fields=["next_attempt_at", "id"], name="idx_messages_outbox"
            ),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(
                condition=models.Q(("status", "queued")), fields=["conversation", "id"], name="idx_messages_queue"
            ),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(
                condition=models.Q(("status", "sending")), fields=["lease_expires_at"], name="idx_messages_in_delivery"
            ),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(
                condition=models.Q(("status", "unknown")), fields=["sent_at"], name="idx_messages_unknown"
            ),
        ),
        migrations.AddConstraint(
            model_name="message",
            constraint=models.UniqueConstraint(
                fields=("conversation", "external_message_id"), name="social_media_messages_external_id"
            ),
        ),
        migrations.AddConstraint(
            model_name="message",
            constraint=models.UniqueConstraint(fields=("nonce",), name="social_media_messages_nonce"),
        ),
        migrations.AddConstraint(
            model_name="message",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "status__in",
                        ["queued", "sending", "sent", "delivered", "read", "failed", "unknown", "suppressed"],
                    )
                ),
                name="social_media_messages_status_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="message",
            constraint=models.CheckConstraint(
                condition=models.Q(("message_type__in", ["text", "image", "video", "sticker", "gif", "voice"])),
                name="social_media_messages_type",
            ),
        ),
        migrations.AddConstraint(
            model_name="message",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("message_text", ""), _negated=True),
                    models.Q(
                        models.Q(("message_type", "text"), _negated=True), models.Q(("media_url", ""), _negated=True)
                    ),
                    _connector="OR",
                ),
                name="social_media_messages_not_empty",
            ),
        ),
        migrations.AddConstraint(
            model_name="message",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("is_outgoing", True), ("status__in", ["sent", "delivered", "read"]), _connector="OR"
                ),
                name="social_media_messages_inbound_has_arrived",
            ),
        ),
        migrations.AddConstraint(
            model_name="message",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("is_automated", True), ("is_outgoing", True), _negated=True),
                    ("consent_id__isnull", False),
                    _connector="OR",
                ),
                name="social_media_messages_automated_has_consent",
            ),
        ),
        migrations.AddConstraint(
            model_name="message",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("status", "queued"), _negated=True), ("next_attempt_at__isnull", False), _connector="OR"
                ),
                name="social_media_messages_queued_has_time",
            ),
        ),
        migrations.AddConstraint(
            model_name="message",
            constraint=models.UniqueConstraint(
                condition=models.Q(("status", "sending")),
                fields=("conversation",),
                name="social_media_messages_one_in_delivery",
            ),
        ),
        migrations.AddConstraint(
            model_name="message",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("status", "sending"), ("lease_token__isnull", False), ("lease_expires_at__isnull", False)
                    ),
                    models.Q(
                        models.Q(("status", "sending"), _negated=True),
                        ("lease_token__isnull", True),
                        ("lease_expires_at__isnull", True),
                    ),
                    _connector="OR",
                ),
                name="social_media_messages_only_sending_is_leased",
            ),
        ),
    ]
