"""The tables of the job engine."""

import django.db.models.functions.datetime
from django.db import migrations, models

import jobs.models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="ClusterHeartbeat",
            fields=[
                (
                    "cluster",
                    models.CharField(
                        help_text="Host and process of its pusher.", max_length=255, primary_key=True, serialize=False
                    ),
                ),
                (
                    "started_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), help_text="When it began to take jobs."
                    ),
                ),
                ("beat_at", models.DateTimeField(help_text="When it was last alive, by the database's clock.")),
            ],
            options={
                "verbose_name": "cluster",
                "db_table": "job_clusters",
                "ordering": ["cluster"],
            },
        ),
        migrations.CreateModel(
            name="JobExecution",
            fields=[
                ("execution_id", models.BigAutoField(primary_key=True, serialize=False)),
                ("job_id", models.CharField(help_text="The job.", max_length=255)),
                ("job_type", models.CharField(help_text="Its type.", max_length=100)),
                ("execution_time", models.DateTimeField(help_text="When the attempt started.")),
                ("duration_ms", models.IntegerField(help_text="How long it took, in whole milliseconds.", null=True)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("pending", "Pending"),
                            ("running", "Running"),
                            ("completed", "Completed"),
                            ("failed", "Failed"),
                            ("cancelled", "Cancelled"),
                            ("expired", "Expired"),
                            ("unknown", "Unknown"),
                        ],
                        help_text="How the attempt ended.",
                        max_length=50,
                    ),
                ),
                ("error_message", models.TextField(help_text="Why it failed.", null=True)),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(),
                        editable=False,
                        help_text="When this row was written.",
                    ),
                ),
                ("attempt", models.IntegerField(db_default=1, default=1, help_text="1 for the first attempt.")),
                (
                    "worker",
                    models.CharField(
                        blank=True, db_default="", default="", help_text="Host and process.", max_length=255
                    ),
                ),
            ],
            options={
                "verbose_name": "attempt",
                "db_table": "job_execution_history",
                "ordering": ["-execution_time", "-execution_id"],
                "indexes": [
                    models.Index(fields=["execution_time"], name="idx_job_history_time"),
                    models.Index(fields=["job_id"], name="idx_job_history_job"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("status__in", ["completed", "failed", "expired", "unknown"])),
                        name="job_execution_history_status_known",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="ScheduledJob",
            fields=[
                (
                    "job_id",
                    models.CharField(
                        default=jobs.models.new_job_id,
                        help_text="Random, unless the caller gave one.",
                        max_length=255,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("job_type", models.CharField(help_text="Names the handler that runs it.", max_length=100)),
                ("scheduled_time", models.DateTimeField(help_text="When it was first due. Retries do not change it.")),
                ("payload", models.JSONField(default=dict, help_text="The handler's input.")),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("pending", "Pending"),
                            ("running", "Running"),
                            ("completed", "Completed"),
                            ("failed", "Failed"),
                            ("cancelled", "Cancelled"),
                            ("expired", "Expired"),
                            ("unknown", "Unknown"),
                        ],
                        db_default="pending",
                        default="pending",
                        help_text="State.",
                        max_length=50,
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(),
                        editable=False,
                        help_text="When it was enqueued.",
                    ),
                ),
                ("started_at", models.DateTimeField(help_text="When the latest attempt was claimed.", null=True)),
                (
                    "completed_at",
                    models.DateTimeField(help_text="When it reached its final state, whichever that is.", null=True),
                ),
                ("error_message", models.TextField(help_text="Why the latest attempt failed.", null=True)),
                (
                    "retry_count",
                    models.IntegerField(
                        db_default=0, default=0, help_text="Attempts that failed and were rescheduled."
                    ),
                ),
                (
                    "max_retries",
                    models.IntegerField(db_default=3, default=3, help_text="Attempts allowed after the first one."),
                ),
                (
                    "next_attempt_at",
                    models.DateTimeField(help_text="When the next attempt is due; at first the scheduled time."),
                ),
                (
                    "expires_at",
                    models.DateTimeField(help_text="Not started by then: it expires instead of running.", null=True),
                ),
                (
                    "priority",
                    models.SmallIntegerField(
                        db_default=0, default=0, help_text="0 to 9; among due jobs higher goes first."
                    ),
                ),
                (
                    "unique_key",
                    models.CharField(help_text="No second live job may have the same key.", max_length=255, null=True),
                ),
                (
                    "lease_token",
                    models.UUIDField(help_text="Who may record the outcome: the holder of this token.", null=True),
                ),
                (
                    "lease_expires_at",
                    models.DateTimeField(help_text="The holder is taken for dead after this time.", null=True),
                ),
                (
                    "worker",
                    models.CharField(help_text="Host and process of the latest attempt.", max_length=255, null=True),
                ),
            ],
            options={
                "verbose_name": "job",
                "db_table": "scheduled_jobs",
                "ordering": ["-scheduled_time", "job_id"],
                "indexes": [
                    models.Index(fields=["scheduled_time", "status"], name="idx_scheduled_jobs_time_status"),
                    models.Index(fields=["job_type"], name="idx_scheduled_jobs_type"),
                    models.Index(
                        condition=models.Q(("status", "pending")),
                        fields=["priority", "next_attempt_at"],
                        name="idx_scheduled_jobs_due",
                    ),
                    models.Index(
                        condition=models.Q(("status", "running")),
                        fields=["lease_expires_at"],
                        name="idx_scheduled_jobs_leases",
                    ),
                    models.Index(
                        condition=models.Q(("status__in", ["failed", "expired"])),
                        fields=["scheduled_time"],
                        name="idx_scheduled_jobs_failed",
                    ),
                    models.Index(
                        condition=models.Q(("status", "unknown")),
                        fields=["completed_at"],
                        name="idx_scheduled_jobs_unknown",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "status__in",
                                ["pending", "running", "completed", "failed", "cancelled", "expired", "unknown"],
                            )
                        ),
                        name="scheduled_jobs_status_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("priority__range", (0, 9))), name="scheduled_jobs_priority_range"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("retry_count__gte", 0), ("max_retries__gte", 0)),
                        name="scheduled_jobs_retries_not_negative",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("lease_expires_at__isnull", False),
                                ("lease_token__isnull", False),
                                ("status", "running"),
                            ),
                            models.Q(
                                models.Q(("status", "running"), _negated=True),
                                ("lease_expires_at__isnull", True),
                                ("lease_token__isnull", True),
                            ),
                            _connector="OR",
                        ),
                        name="scheduled_jobs_only_running_is_leased",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("completed_at__isnull", True), ("status__in", ["pending", "running"])),
                            models.Q(
                                models.Q(("status__in", ["pending", "running"]), _negated=True),
                                ("completed_at__isnull", False),
                            ),
                            _connector="OR",
                        ),
                        name="scheduled_jobs_final_has_time",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("status__in", ["pending", "running"])),
                        fields=("unique_key",),
                        name="scheduled_jobs_unique_live_key",
                    ),
                ],
            },
        ),
    ]
