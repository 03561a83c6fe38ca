"""One way to count a member's messages, for live ones and imports, and a rhythm in words for the sweeps."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("followups", "0009_find_bookings")]

    operations = [
        migrations.RunSQL(
            (SQL / "relationship_level_v1.sql").read_text(),
            "DROP FUNCTION followups_relationship_level(integer, bigint, bigint)",
        ),
        migrations.RunSQL(
            (SQL / "count_activity_v1.sql").read_text(),
            "DROP FUNCTION followups_count_activity(text, bigint, timestamptz, timestamptz)",
        ),
        migrations.RunSQL(
            (SQL / "rhythm_in_words_v1.sql").read_text(),
            "DROP FUNCTION followups_rhythm_in_words(interval, interval, interval)",
        ),
    ]
