"""What limits actions: two views and a function of the seed, a log that outlives its account, and the settings' rows."""

from pathlib import Path
from typing import Any

from django.db import migrations, models
from django.db.models import Q

_SQL = Path(__file__).parent.parent / "sql"

# As of now: a later release may ship others, and this writes what it always wrote.
ROWS = {
    "automation_rate_limits": (
        {
            "like": {"daily": 100, "hourly": 20},
            "comment": {"daily": 20, "hourly": 5},
            "follow": {"daily": 50, "hourly": 10},
            "unfollow": {"daily": 50, "hourly": 10},
            "message": {"daily": 20, "hourly": 5},
            "search": {"daily": 200, "hourly": 50},
        },
        "How often each of our accounts may do what, in any 60 minutes and on its day. What is not named has no limit.",
    ),
    "checkback_schedule_default": (
        [
            {"offset_hours": 1, "name": "1 hour"},
            {"offset_hours": 6, "name": "6 hours"},
            {"offset_hours": 12, "name": "12 hours"},
            {"offset_hours": 24, "name": "1 day"},
            {"offset_hours": 48, "name": "2 days"},
            {"offset_hours": 72, "name": "3 days"},
            {"offset_hours": 168, "name": "7 days"},
            {"offset_hours": 336, "name": "14 days"},
            {"offset_hours": 720, "name": "30 days"},
        ],
        "When a post is looked at again after its tracking began, unless it has its own plan.",
    ),
}


def write_missing_rows(apps: Any, schema_editor: Any) -> None:
    """Write the settings that are not there. What somebody has edited stays."""
    model = apps.get_model("socialmedia", "SystemSetting")
    rows = [model(setting_key=key, setting_value=value, description=text) for key, (value, text) in ROWS.items()]
    model.objects.using(schema_editor.connection.alias).bulk_create(rows, ignore_conflicts=True)


class Migration(migrations.Migration):
    dependencies = [("socialmedia", "0006_posts_and_inbox")]

    operations = [
        migrations.RunSQL(
            sql=(_SQL / "keep_action_log_v1.sql").read_text(),
            reverse_sql="ALTER TABLE automation_actions"
            " ALTER COLUMN action_date DROP DEFAULT, ALTER COLUMN action_hour DROP DEFAULT",
        ),
        migrations.AddIndex(
            model_name="automationaction",
            index=models.Index(
                fields=["created_at"],
                condition=Q(action_type="message") & ~Q(content_text=""),
                name="idx_actions_words",
            ),
        ),
        migrations.RunSQL(
            sql=(_SQL / "daily_action_counts_v1.sql").read_text(), reverse_sql="DROP VIEW daily_action_counts"
        ),
        migrations.RunSQL(
            sql=(_SQL / "hourly_action_distribution_v1.sql").read_text(),
            reverse_sql="DROP VIEW hourly_action_distribution",
        ),
        migrations.RunSQL(
            sql=(_SQL / "check_rate_limit_v1.sql").read_text(),
            reverse_sql="DROP FUNCTION check_rate_limit(bigint, varchar, integer, text, timestamptz)",
        ),
        migrations.RunSQL(sql=(_SQL / "name_past_actors_v1.sql").read_text(), reverse_sql=migrations.RunSQL.noop),
        migrations.RunPython(write_missing_rows, migrations.RunPython.noop),
    ]
