"""What the models cannot say: receipts are only ever added, and no automated message goes without a live consent."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [
        ("followups", "0001_initial"),
        ("socialmedia", "0001_initial"),
    ]

    operations = [
        migrations.RunSQL(
            (SQL / "consent_receipts_append_only_v1.sql").read_text(),
            "DROP TRIGGER consent_receipts_no_change ON consent_receipts;"
            "DROP TRIGGER consent_receipts_no_truncate ON consent_receipts;"
            "DROP FUNCTION followups_refuse_receipt_change();",
        ),
        migrations.RunSQL(
            "ALTER TABLE social_media_messages ADD CONSTRAINT social_media_messages_consent_exists"
            " FOREIGN KEY (consent_id) REFERENCES consent_receipts (id)",
            "ALTER TABLE social_media_messages DROP CONSTRAINT social_media_messages_consent_exists",
        ),
        migrations.RunSQL(
            (SQL / "messages_need_consent_v1.sql").read_text(),
            "DROP TRIGGER messages_need_consent_insert ON social_media_messages;"
            "DROP TRIGGER messages_need_consent_update ON social_media_messages;"
            "DROP FUNCTION followups_require_live_consent();",
        ),
    ]
