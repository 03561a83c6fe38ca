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
                    "name",
                    models.CharField(
                        help_text="A job type with a limit, or the limit that several types share.",
                        max_length=100,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "recent_starts",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.DateTimeField(),
                        db_default=[],
                        default=list,
                        help_text="When jobs started, oldest first, as far back as the rate asks.",
                        size=None,
                    ),
                ),
            ],
            options={
                "verbose_name": "use of a limited type",
                "verbose_name_plural": "use of limited types",
                "db_table": "job_type_use",
                "ordering": ["name"],
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
        # Raw SQL could write such a payload until now. No handler could read it; so it is still there to be seen.
        migrations.RunSQL(
            sql="UPDATE scheduled_jobs SET payload = jsonb_build_object('not_an_object', payload) "
            "WHERE jsonb_typeof(payload) <> 'object'",
            reverse_sql=migrations.RunSQL.noop,
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
                    jobs.models.IsFinite(models.F("scheduled_time")),
                    jobs.models.IsFinite(models.F("next_attempt_at")),
                    jobs.models.IsFinite(models.F("expires_at")),
                ),
                name="scheduled_jobs_times_are_finite",
            ),
        ),
    ]
