"""The function that finds the head of the queue of each priority and type."""

from django.db import migrations

from jobs import sql


class Migration(migrations.Migration):
    dependencies = [("jobs", "0003_pauses_limits_queue")]

    operations = [migrations.RunSQL(sql=sql.read("heads_v1"), reverse_sql="DROP FUNCTION job_heads();")]
