"""Let the index by type list a type in the order of time: a rare type among millions is found at once."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("jobs", "0010_unique_key_without_nulls"),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name="scheduledjob",
            name="idx_scheduled_jobs_type",
        ),
        migrations.AddIndex(
            model_name="scheduledjob",
            index=models.Index(fields=["job_type", "scheduled_time"], name="idx_scheduled_jobs_type"),
        ),
    ]
