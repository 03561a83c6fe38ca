"""What limits actions."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("socialmedia", "0006_posts_and_inbox")]

    operations = []
