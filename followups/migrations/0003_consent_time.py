"""An index for the daily figures of consent."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("followups", "0002_consent_guards")]

    operations = [
        migrations.AddIndex(
            model_name="consentreceipt",
            # analytics.of_day: who opted in or out on a day.
            index=models.Index(fields=["recorded_at"], name="idx_consent_time"),
        ),
    ]
