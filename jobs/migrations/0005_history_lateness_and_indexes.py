"""How late attempts began, and indexes for what staff look for among millions."""

from django.db import migrations, models

import jobs.models


class Migration(migrations.Migration):
    dependencies = [
        ("jobs", "0004_job_heads"),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name="scheduledjob",
            name="idx_scheduled_jobs_failed",
        ),
        migrations.AddField(
            model_name="jobexecution",
            name="lateness_ms",
            field=models.IntegerField(
                help_text="How late it began, of attempts that reached a handler and were the job's last.", null=True
            ),
        ),
        migrations.AlterField(
            model_name="scheduledjob",
            name="job_id",
            field=models.CharField(
                default=jobs.models.new_job_id,
                help_text="Made by us, unless the caller gave one.",
                max_length=255,
                primary_key=True,
                serialize=False,
            ),
        ),
        migrations.AddIndex(
            model_name="jobexecution",
            index=models.Index(fields=["job_type", "execution_time"], name="idx_job_history_type_time"),
        ),
        migrations.AddIndex(
            model_name="jobexecution",
            index=models.Index(
                condition=models.Q(("status", "failed")), fields=["execution_time"], name="idx_job_history_failed"
            ),
        ),
        migrations.AddIndex(
            model_name="scheduledjob",
            index=models.Index(
                condition=models.Q(("status__in", ["failed", "expired", "cancelled"])),
                fields=["status", "scheduled_time"],
                name="idx_scheduled_jobs_ended_bad",
            ),
        ),
    ]
