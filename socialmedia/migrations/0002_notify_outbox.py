"""NOTIFY the relay when messages become deliverable."""

from pathlib import Path

from django.db import migrations

_SQL = Path(__file__).parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("socialmedia", "0001_initial")]

    operations = [
        migrations.RunSQL(
            sql=(_SQL / "notify_outbox_v1.sql").read_text(),
            reverse_sql="DROP TRIGGER social_media_messages_notify_insert ON social_media_messages;"
            "DROP TRIGGER social_media_messages_notify_update ON social_media_messages;"
            "DROP FUNCTION checkback_notify_outbox();",
        ),
    ]
