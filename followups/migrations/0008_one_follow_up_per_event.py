"""The database's own guard: one follow-up for one event of a member."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("followups", "0007_event_times")]

    operations = [
        migrations.RunSQL(
            (SQL / "one_follow_up_per_event_v1.sql").read_text(),
            "DROP TRIGGER one_follow_up_per_event_insert ON scheduled_followups;"
            "DROP TRIGGER one_follow_up_per_event_update ON scheduled_followups;"
            "DROP FUNCTION followups_refuse_second_for_event();",
        ),
    ]
