from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("jobs", "0003_console_indexes"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="scheduledjob",
            index=models.Index(
                condition=models.Q(("status__in", ["failed", "expired"])),
                fields=["scheduled_time"],
                name="idx_scheduled_jobs_failed",
            ),
        ),
    ]
