"""An automated message may rest on an earlier receipt of the same yes: members choose topics, each time anew."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent.parent / "sql"
FUNCTION, _, _TRIGGERS = (SQL / "messages_need_consent_v1.sql").read_text().partition("CREATE TRIGGER")


class Migration(migrations.Migration):
    dependencies = [("followups", "0004_the_whole_domain")]

    operations = [
        migrations.RunSQL(
            (SQL / "messages_need_consent_v2.sql").read_text(),
            FUNCTION.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION"),
        ),
    ]
