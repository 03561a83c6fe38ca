"""An index of our own accounts: when they listened is asked by every sweep."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("socialmedia", "0003_templates_and_listening")]

    operations = [
        migrations.AddIndex(
            model_name="account",
            index=models.Index(condition=models.Q(("is_own", True)), fields=["platform"], name="idx_accounts_own"),
        ),
    ]
