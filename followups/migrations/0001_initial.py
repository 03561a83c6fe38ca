"""Members, consent receipts, follow-ups and the decisions about them."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

import followups.models.followups


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("socialmedia", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="FollowUp",
            fields=[
                (
                    "id",
                    models.CharField(
                        default=followups.models.followups.new_follow_up_id,
                        help_text="Random.",
                        max_length=255,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "conversation_id",
                    models.CharField(
                        blank=True,
                        db_default="",
                        default="",
                        help_text="The conversation it belongs to, if any.",
                        max_length=255,
                    ),
                ),
                (
                    "trigger_type",
                    models.CharField(
                        choices=[
                            ("inactivity", "Went quiet"),
                            ("post_event", "After an event"),
                            ("re_engagement", "Away for long"),
                            ("emotion_based", "Sounded unhappy"),
                            ("custom", "By hand"),
                        ],
                        help_text="Why.",
                        max_length=50,
                    ),
                ),
                (
                    "trigger_data",
                    models.JSONField(blank=True, db_default={}, default=dict, help_text="What the trigger knew."),
                ),
                ("scheduled_at", models.DateTimeField(help_text="When it is due.")),
                (
                    "executed_at",
                    models.DateTimeField(blank=True, help_text="When Discord took the message.", null=True),
                ),
                ("cancelled_at", models.DateTimeField(blank=True, help_text="When it was cancelled.", null=True)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("pending", "Pending"),
                            ("executed", "Executed"),
                            ("cancelled", "Cancelled"),
                            ("failed", "Failed"),
                            ("skipped", "Skipped"),
                        ],
                        db_default="pending",
                        default="pending",
                        help_text="State.",
                        max_length=20,
                    ),
                ),
                (
                    "template_id",
                    models.CharField(blank=True, db_default="", default="", help_text="Template used.", max_length=50),
                ),
                (
                    "message_content",
                    models.TextField(
                        blank=True,
                        db_default="",
                        default="",
                        help_text="The text, written when it is due, never earlier.",
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(),
                        editable=False,
                        help_text="When it was planned.",
                    ),
                ),
                ("error_message", models.TextField(blank=True, db_default="", default="", help_text="Why it failed.")),
                (
                    "retry_count",
                    models.IntegerField(db_default=0, default=0, help_text="Delivery attempts that failed."),
                ),
                (
                    "job_id",
                    models.CharField(blank=True, db_default="", default="", help_text="Its job.", max_length=255),
                ),
                (
                    "dedupe_key",
                    models.CharField(
                        help_text="One follow-up per occasion: the occasion.", max_length=255, unique=True
                    ),
                ),
                (
                    "reason",
                    models.CharField(
                        blank=True,
                        db_default="",
                        default="",
                        help_text="Why it was skipped or cancelled.",
                        max_length=255,
                    ),
                ),
                (
                    "message",
                    models.OneToOneField(
                        blank=True,
                        help_text="The message in the outbox, once written.",
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="follow_up",
                        to="socialmedia.message",
                    ),
                ),
            ],
            options={
                "verbose_name": "follow-up",
                "db_table": "scheduled_followups",
                "ordering": ["-scheduled_at", "id"],
            },
        ),
        migrations.CreateModel(
            name="PolicyDecision",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "follow_up_id",
                    models.CharField(blank=True, default="", help_text="The follow-up, if it exists.", max_length=255),
                ),
                ("user_id", models.CharField(help_text="The member.", max_length=255)),
                ("trigger_type", models.CharField(help_text="What would have been sent.", max_length=50)),
                ("asked_by", models.CharField(help_text="planning, execution or relay.", max_length=20)),
                ("verdict", models.CharField(help_text="send, hold or drop.", max_length=10)),
                (
                    "gate",
                    models.CharField(
                        blank=True, default="", help_text="The gate that decided; empty for send.", max_length=50
                    ),
                ),
                ("reason", models.TextField(blank=True, default="", help_text="The same in words.")),
                ("held_until", models.DateTimeField(blank=True, help_text="When to ask again.", null=True)),
                ("inputs", models.JSONField(default=dict, help_text="The facts the gate saw.")),
                (
                    "decided_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), help_text="When."),
                ),
            ],
            options={
                "verbose_name": "decision",
                "db_table": "followup_decisions",
                "ordering": ["-id"],
                "indexes": [
                    models.Index(fields=["user_id", "-id"], name="idx_decisions_user"),
                    models.Index(fields=["follow_up_id"], name="idx_decisions_follow_up"),
                    models.Index(fields=["decided_at"], name="idx_decisions_time"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("verdict__in", ["send", "hold", "drop"])),
                        name="followup_decisions_verdict_known",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="UserProfile",
            fields=[
                (
                    "user_id",
                    models.CharField(
                        help_text="The network's id of the person.", max_length=255, primary_key=True, serialize=False
                    ),
                ),
                (
                    "name",
                    models.CharField(
                        blank=True, db_default="", default="", help_text="What to call them.", max_length=255
                    ),
                ),
                (
                    "relationship_level",
                    models.IntegerField(
                        choices=[(1, "Stranger"), (2, "Acquaintance"), (3, "Friend"), (4, "Close friend")],
                        db_default=1,
                        default=1,
                        help_text="1 stranger to 4 close friend.",
                    ),
                ),
                (
                    "current_emotion",
                    models.CharField(db_default="neutral", default="neutral", help_text="Last mood.", max_length=50),
                ),
                ("interaction_count", models.IntegerField(db_default=0, default=0, help_text="Messages they wrote.")),
                ("first_interaction", models.DateTimeField(blank=True, help_text="Their first message.", null=True)),
                (
                    "last_interaction",
                    models.DateTimeField(
                        blank=True, help_text="Their latest message, in any channel or conversation.", null=True
                    ),
                ),
                (
                    "emotion_history",
                    models.JSONField(blank=True, db_default=[], default=list, help_text="The last 50 moods."),
                ),
                (
                    "escalation_count",
                    models.IntegerField(db_default=0, default=0, help_text="Unhappy messages, less happy ones."),
                ),
                (
                    "trust_indicators",
                    models.JSONField(blank=True, db_default=[], default=list, help_text="Signs of trust."),
                ),
                (
                    "follow_ups_enabled",
                    models.BooleanField(
                        db_default=False,
                        default=False,
                        help_text="Opted in. Changed only together with a consent receipt.",
                    ),
                ),
                (
                    "last_follow_up_sent",
                    models.DateTimeField(blank=True, help_text="When the last follow-up was sent.", null=True),
                ),
                (
                    "follow_up_frequency_hours",
                    models.IntegerField(
                        db_default=48, default=48, help_text="Their own least time between two follow-ups, in hours."
                    ),
                ),
                (
                    "timezone",
                    models.CharField(
                        blank=True,
                        db_default="",
                        default="",
                        help_text="IANA zone; empty means the community's.",
                        max_length=64,
                    ),
                ),
                (
                    "locale",
                    models.CharField(
                        blank=True, db_default="", default="", help_text="Language, like 'de'.", max_length=16
                    ),
                ),
                (
                    "unreachable_since",
                    models.DateTimeField(
                        blank=True, help_text="Discord refused a message to them; cleared when they write.", null=True
                    ),
                ),
                ("left_at", models.DateTimeField(blank=True, help_text="When they left the community.", null=True)),
                (
                    "quiet_planned_for",
                    models.DateTimeField(
                        blank=True,
                        help_text="The last interaction whose silence has been answered with a plan.",
                        null=True,
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False, help_text="First seen."
                    ),
                ),
                (
                    "account",
                    models.OneToOneField(
                        help_text="Their identity on the network.",
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="profile",
                        to="socialmedia.account",
                    ),
                ),
            ],
            options={
                "verbose_name": "member",
                "db_table": "user_profiles",
                "ordering": ["name", "user_id"],
            },
        ),
        migrations.CreateModel(
            name="FollowUpHistory",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("message_sent", models.TextField(help_text="The text.")),
                ("context_data", models.JSONField(blank=True, help_text="What it was written from.", null=True)),
                (
                    "sent_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), help_text="When Discord took it."
                    ),
                ),
                (
                    "response_received",
                    models.BooleanField(db_default=False, default=False, help_text="The member answered."),
                ),
                ("response_time", models.DateTimeField(blank=True, help_text="When they answered.", null=True)),
                (
                    "follow_up",
                    models.OneToOneField(
                        help_text="The plan it came from.",
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="history",
                        to="followups.followup",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        db_index=False,
                        help_text="The member.",
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="follow_up_history",
                        to="followups.userprofile",
                    ),
                ),
            ],
            options={
                "verbose_name": "sent follow-up",
                "db_table": "follow_up_history",
                "ordering": ["-sent_at", "-id"],
            },
        ),
        migrations.AddField(
            model_name="followup",
            name="user",
            field=models.ForeignKey(
                db_index=False,
                help_text="The member.",
                on_delete=django.db.models.deletion.CASCADE,
                related_name="follow_ups",
                to="followups.userprofile",
            ),
        ),
        migrations.CreateModel(
            name="ConsentReceipt",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "state",
                    models.CharField(
                        choices=[("granted", "Granted"), ("refused", "Refused"), ("withdrawn", "Withdrawn")],
                        help_text="What they said.",
                        max_length=20,
                    ),
                ),
                (
                    "recorded_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(),
                        editable=False,
                        help_text="When, by the database's clock.",
                    ),
                ),
                (
                    "source",
                    models.CharField(
                        help_text="The way it came: slash_command, text_command, api, admin, dm_stop_word, import, demo.",
                        max_length=50,
                    ),
                ),
                (
                    "evidence",
                    models.TextField(help_text="The act itself: interaction or message id, or who told us and how."),
                ),
                ("wording_version", models.CharField(help_text="Version of the text the member saw.", max_length=50)),
                (
                    "actor",
                    models.CharField(
                        help_text="Who recorded it: the member's id, a staff login, an API key.", max_length=255
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        db_index=False,
                        help_text="The member.",
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="consent_receipts",
                        to="followups.userprofile",
                    ),
                ),
            ],
            options={
                "db_table": "consent_receipts",
                "ordering": ["-id"],
            },
        ),
        migrations.AddIndex(
            model_name="userprofile",
            index=models.Index(fields=["last_interaction"], name="idx_profiles_last_interaction"),
        ),
        migrations.AddIndex(
            model_name="userprofile",
            index=models.Index(fields=["relationship_level"], name="idx_profiles_relationship"),
        ),
        migrations.AddIndex(
            model_name="userprofile",
            index=models.Index(fields=["user_id", "follow_ups_enabled"], name="idx_profiles_follow_ups"),
        ),
        migrations.AddIndex(
            model_name="userprofile",
            index=models.Index(
                condition=models.Q(
                    ("follow_ups_enabled", True),
                    ("left_at__isnull", True),
                    ("unreachable_since__isnull", True),
                    models.Q(
                        ("quiet_planned_for__isnull", True),
                        ("quiet_planned_for__lt", models.F("last_interaction")),
                        _connector="OR",
                    ),
                ),
                fields=["last_interaction"],
                name="idx_profiles_quiet",
            ),
        ),
        migrations.AddIndex(
            model_name="userprofile",
            index=models.Index(fields=["name"], name="idx_profiles_name"),
        ),
        migrations.AddConstraint(
            model_name="userprofile",
            constraint=models.CheckConstraint(
                condition=models.Q(("follow_up_frequency_hours__gte", 1), ("follow_up_frequency_hours__lte", 8760)),
                name="user_profiles_frequency_range",
            ),
        ),
        migrations.AddConstraint(
            model_name="userprofile",
            constraint=models.CheckConstraint(
                condition=models.Q(("interaction_count__gte", 0)), name="user_profiles_count_not_negative"
            ),
        ),
        migrations.AddIndex(
            model_name="followuphistory",
            index=models.Index(fields=["user", "sent_at"], name="idx_follow_up_user_time"),
        ),
        migrations.AddIndex(
            model_name="followuphistory",
            index=models.Index(fields=["sent_at"], name="idx_follow_up_time"),
        ),
        migrations.AddConstraint(
            model_name="followuphistory",
            constraint=models.CheckConstraint(
                condition=models.Q(("response_received", False), ("response_time__isnull", False), _connector="OR"),
                name="follow_up_history_response_has_time",
            ),
        ),
        migrations.AddIndex(
            model_name="followup",
            index=models.Index(fields=["user"], name="ix_scheduled_followups_user_id"),
        ),
        migrations.AddIndex(
            model_name="followup",
            index=models.Index(fields=["conversation_id"], name="ix_scheduled_followups_convers"),
        ),
        migrations.AddIndex(
            model_name="followup",
            index=models.Index(fields=["scheduled_at"], name="ix_scheduled_followups_sched"),
        ),
        migrations.AddIndex(
            model_name="followup",
            index=models.Index(fields=["status", "scheduled_at"], name="idx_followups_status_scheduled"),
        ),
        migrations.AddIndex(
            model_name="followup",
            index=models.Index(fields=["user", "status"], name="idx_followups_user_status"),
        ),
        migrations.AddIndex(
            model_name="followup",
            index=models.Index(
                fields=["user", "trigger_type", "status", "scheduled_at"], name="idx_followups_user_trigger"
            ),
        ),
        migrations.AddConstraint(
            model_name="followup",
            constraint=models.CheckConstraint(
                condition=models.Q(("status__in", ["pending", "executed", "cancelled", "failed", "skipped"])),
                name="scheduled_followups_status_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="followup",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("trigger_type__in", ["inactivity", "post_event", "re_engagement", "emotion_based", "custom"])
                ),
                name="scheduled_followups_trigger_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="followup",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("status", "executed"), _negated=True), ("executed_at__isnull", False), _connector="OR"
                ),
                name="scheduled_followups_executed_has_time",
            ),
        ),
        migrations.AddConstraint(
            model_name="followup",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("status", "cancelled"), _negated=True), ("cancelled_at__isnull", False), _connector="OR"
                ),
                name="scheduled_followups_cancelled_has_time",
            ),
        ),
        migrations.AddConstraint(
            model_name="followup",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("status", "skipped"), _negated=True),
                    models.Q(("reason", ""), _negated=True),
                    _connector="OR",
                ),
                name="scheduled_followups_skipped_has_reason",
            ),
        ),
        migrations.AddIndex(
            model_name="consentreceipt",
            index=models.Index(
                models.F("user"), models.OrderBy(models.F("id"), descending=True), name="idx_consent_newest"
            ),
        ),
        migrations.AddConstraint(
            model_name="consentreceipt",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["granted", "refused", "withdrawn"])),
                name="consent_receipts_state_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="consentreceipt",
            constraint=models.CheckConstraint(
                condition=models.Q(("evidence", ""), _negated=True), name="consent_receipts_has_evidence"
            ),
        ),
    ]
