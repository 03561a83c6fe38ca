"""Runs of recurring work, and its schedules under a name of their own for the console."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("django_q", "0019_alter_task_options_alter_ormq_key_alter_ormq_lock_and_more"),
        ("jobs", "0008_health_results"),
    ]

    operations = [
        migrations.CreateModel(
            name="RecurringRun",
            fields=[
                ("run_id", models.BigAutoField(primary_key=True, serialize=False)),
                ("name", models.CharField(help_text="The recurring work.", max_length=100)),
                (
                    "planned_at",
                    models.DateTimeField(
                        help_text="When it should run; for a run by hand, when somebody asked for it."
                    ),
                ),
                (
                    "origin",
                    models.CharField(
                        choices=[("schedule", "Schedule"), ("manual", "By hand"), ("backfill", "Backfill")],
                        help_text="What asked for it.",
                        max_length=20,
                    ),
                ),
                (
                    "decided_at",
                    models.DateTimeField(
                        help_text="When it was enqueued; without a job, when it was put off or skipped."
                    ),
                ),
                ("job_id", models.CharField(help_text="The job that does it.", max_length=255, null=True)),
                (
                    "backfill_id",
                    models.CharField(
                        help_text="The job that enqueues this run when its turn comes, or that did so.",
                        max_length=255,
                        null=True,
                    ),
                ),
                ("skipped_because", models.TextField(help_text="Why there is no job.", null=True)),
            ],
            options={
                "verbose_name": "run of recurring work",
                "verbose_name_plural": "runs of recurring work",
                "db_table": "recurring_runs",
                "ordering": ["-planned_at"],
                "indexes": [
                    models.Index(fields=["name", "decided_at"], name="idx_recurring_runs_latest"),
                    models.Index(
                        condition=models.Q(("backfill_id__isnull", False)),
                        fields=["backfill_id", "planned_at"],
                        name="idx_recurring_runs_backfill",
                    ),
                    models.Index(fields=["decided_at"], name="idx_recurring_runs_decided"),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("name", "planned_at"), name="recurring_runs_once_per_time"),
                    models.CheckConstraint(
                        condition=models.Q(("origin__in", ["schedule", "manual", "backfill"])),
                        name="recurring_runs_origin_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("job_id__isnull", False), ("skipped_because__isnull", True)),
                            models.Q(
                                ("backfill_id__isnull", True),
                                ("job_id__isnull", True),
                                ("skipped_because__isnull", False),
                            ),
                            models.Q(
                                ("backfill_id__isnull", False),
                                ("job_id__isnull", True),
                                ("skipped_because__isnull", True),
                            ),
                            _connector="OR",
                        ),
                        name="recurring_runs_enqueued_skipped_or_waiting",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="RecurringSchedule",
            fields=[],
            options={
                "verbose_name": "recurring work",
                "verbose_name_plural": "recurring work",
                "proxy": True,
                "indexes": [],
                "constraints": [],
            },
            bases=("django_q.schedule",),
        ),
    ]
