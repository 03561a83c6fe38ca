"""Whoever is forgotten takes their consent receipts along; otherwise these are only ever added, as before."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("followups", "0005_consent_by_topic")]

    operations = [
        migrations.RunSQL(
            (SQL / "consent_receipts_append_only_v2.sql").read_text(),
            "DROP TRIGGER consent_receipts_no_delete ON consent_receipts;"
            "DROP TRIGGER consent_receipts_no_change ON consent_receipts;"
            "CREATE TRIGGER consent_receipts_no_change BEFORE UPDATE OR DELETE ON consent_receipts"
            " FOR EACH STATEMENT EXECUTE FUNCTION followups_refuse_receipt_change();",
        ),
    ]
