"""What the import of MediaPoster has taken over."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("socialmedia", "0009_inbox")]

    operations = [
        migrations.CreateModel(
            name="ImportedRow",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("table_name", models.CharField(help_text="MediaPoster's table.", max_length=63)),
                (
                    "source_key",
                    models.CharField(help_text="The row's id there, and a time of its own.", max_length=100),
                ),
                ("row_id", models.BigIntegerField(help_text="Its id here; that row may be gone since.")),
            ],
            options={
                "db_table": "imported_rows",
                "constraints": [
                    models.UniqueConstraint(fields=("table_name", "source_key"), name="imported_rows_once")
                ],
            },
        ),
    ]
