"""Leave jobs without a unique key out of its index."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("jobs", "0009_recurring_runs"),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="scheduledjob",
            name="scheduled_jobs_unique_live_key",
        ),
        migrations.AddConstraint(
            model_name="scheduledjob",
            constraint=models.UniqueConstraint(
                condition=models.Q(("status__in", ["pending", "running"]), ("unique_key__isnull", False)),
                fields=("unique_key",),
                name="scheduled_jobs_unique_live_key",
            ),
        ),
    ]
