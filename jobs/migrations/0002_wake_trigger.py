"""NOTIFY the brokers when jobs are added."""

from django.db import migrations

from jobs import sql


class Migration(migrations.Migration):
    dependencies = [("jobs", "0001_initial")]

    operations = [
        migrations.RunSQL(
            sql=sql.read("wake_v1"),
            reverse_sql="DROP TRIGGER scheduled_jobs_wake ON scheduled_jobs; DROP FUNCTION scheduled_jobs_wake();",
        ),
    ]
