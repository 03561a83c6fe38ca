"""Pauses and limits of job types, and an index by which a claim passes over what is paused."""

import django.contrib.postgres.fields
from django.db import migrations, models

import jobs.models


class Migration(migrations.Migration):
    dependencies = [
        ("jobs", "0002_wake_trigger"),
    ]

    operations = [
        migrations.CreateModel(
            name="JobPause",
            fields=[
                (
                    "job_type",
                    models.CharField(
                        error_messages={"unique": "This is paused already."},
                        help_text="A job type, or * for everything.",
                        max_length=100,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("paused_at", models.DateTimeField(help_text="Since when.")),
                ("paused_by", models.CharField(help_text="Who paused it.", max_length=255)),
                ("reason", models.CharField(blank=True, db_default="", default="", help_text="Why.", max_length=255)),
            ],
            options={
                "verbose_name": "pause",
                "db_table": "job_pauses",
                "ordering": ["job_type"],
            },
        ),
        migrations.CreateModel(
            name="JobTypeUse",
            fields=[
                (
                    "job_type",
                    models.CharField(
                        help_text="A job type with a limit.", max_length=100, primary_key=True, serialize=False
                    ),
                ),
                (
                    "recent_starts",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.DateTimeField(),
                        db_default=[],
                        default=list,
                        help_text="When jobs started, as far back as its rate asks.",
                        size=None,
                    ),
                ),
                ("free_at", models.DateTimeField(help_text="The rate allows the next start from then on.", null=True)),
            ],
            options={
                "verbose_name": "use of a limited type",
                "verbose_name_plural": "use of limited types",
                "db_table": "job_type_use",
                "ordering": ["job_type"],
            },
        ),
        migrations.RemoveIndex(
            model_name="scheduledjob",
            name="idx_scheduled_jobs_due",
        ),
        migrations.AddIndex(
            model_name="scheduledjob",
            index=models.Index(
                condition=models.Q(("status", "pending")),
                fields=["priority", "job_type", "next_attempt_at"],
                name="idx_scheduled_jobs_queue",
            ),
        ),
        migrations.AddConstraint(
            model_name="scheduledjob",
            constraint=models.CheckConstraint(
                condition=jobs.models.IsObject(models.F("payload")), name="scheduled_jobs_payload_is_object"
            ),
        ),
        migrations.AddConstraint(
            model_name="scheduledjob",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    jobs.models.IsFinite(models.F("scheduled_time")), jobs.models.IsFinite(models.F("next_attempt_at"))
                ),
                name="scheduled_jobs_times_are_finite",
            ),
        ),
    ]
