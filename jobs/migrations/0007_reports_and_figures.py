"""What jobs report, and the figures of each day."""

import django.core.serializers.json
import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("jobs", "0006_drop_like_index")]

    operations = [
        migrations.CreateModel(
            name="Report",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("job_id", models.CharField(help_text="The job.", max_length=255)),
                ("job_type", models.CharField(help_text="Its type.", max_length=100)),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(),
                        editable=False,
                        help_text="When this row was written.",
                    ),
                ),
                (
                    "report",
                    models.JSONField(
                        encoder=django.core.serializers.json.DjangoJSONEncoder, help_text="What it did, in figures."
                    ),
                ),
            ],
            options={
                "db_table": "job_reports",
                "ordering": ["-id"],
                "indexes": [
                    # reports.of_job: the reports of one job (console, command).
                    models.Index(fields=["job_id"], name="idx_job_reports_job"),
                    # Pruning by age.
                    models.Index(fields=["created_at"], name="idx_job_reports_time"),
                ],
            },
        ),
        migrations.CreateModel(
            name="DailyFigure",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("day", models.DateField(help_text="The day, in UTC.")),
                (
                    "name",
                    models.CharField(help_text="What was counted or measured, such as followups.sent.", max_length=100),
                ),
                ("value", models.FloatField(help_text="The number; durations say their unit in the name.")),
            ],
            options={
                "verbose_name": "daily figure",
                "db_table": "daily_figures",
                "ordering": ["-day", "name"],
                "constraints": [
                    # Also the index of figures.series: a span of days, some names.
                    models.UniqueConstraint(fields=["day", "name"], name="daily_figures_one_a_day"),
                ],
            },
        ),
    ]
