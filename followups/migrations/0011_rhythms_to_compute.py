"""A rhythm that is out of date has no time of computing, and an index finds it."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("followups", "0010_counting_activity")]

    operations = [
        migrations.AlterField(
            model_name="rhythm",
            name="computed_at",
            field=models.DateTimeField(
                blank=True, help_text="When; empty: they have written since, and it is to be computed.", null=True
            ),
        ),
        migrations.AddIndex(
            model_name="rhythm",
            index=models.Index(
                condition=models.Q(("computed_at__isnull", True)), fields=["user"], name="idx_rhythms_to_compute"
            ),
        ),
    ]
