"""What check-backs ask the database: what is due, when a post is due next, and that it was checked."""

from pathlib import Path

from django.db import migrations

_SQL = Path(__file__).parent.parent / "sql"


def _made_by(name: str, *, undo: str) -> migrations.RunSQL:
    return migrations.RunSQL(sql=(_SQL / f"{name}.sql").read_text(), reverse_sql=undo)


class Migration(migrations.Migration):
    dependencies = [("socialmedia", "0007_limits")]

    operations = [
        _made_by("posts_pending_checkback_v1", undo="DROP VIEW posts_pending_checkback"),
        _made_by("get_next_check_time_v1", undo="DROP FUNCTION get_next_check_time(bigint)"),
        _made_by("record_check_completion_v1", undo="DROP FUNCTION record_check_completion(bigint, timestamptz)"),
    ]
