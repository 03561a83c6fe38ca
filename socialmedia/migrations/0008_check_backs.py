"""What check-backs ask the database."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("socialmedia", "0007_limits")]

    operations = []
