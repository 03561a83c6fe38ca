"""Drop the second index on the job's id, which Django makes for LIKE. Nobody asks that, and every claim wrote to it."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("jobs", "0005_history_lateness_and_indexes")]

    operations = [
        migrations.RunSQL(
            sql="DROP INDEX IF EXISTS scheduled_jobs_job_id_b932b5b8_like",
            reverse_sql="CREATE INDEX scheduled_jobs_job_id_b932b5b8_like ON scheduled_jobs (job_id varchar_pattern_ops)",
        )
    ]
