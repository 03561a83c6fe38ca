"""What the inbox asks the database."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("socialmedia", "0008_check_backs")]

    operations = []
