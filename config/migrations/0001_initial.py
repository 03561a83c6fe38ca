"""Keys of the REST API."""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="ApiToken",
            fields=[
                ("digest", models.CharField(max_length=128, primary_key=True, serialize=False)),
                ("token_key", models.CharField(db_index=True, max_length=25)),
                ("created", models.DateTimeField(auto_now_add=True)),
                ("expiry", models.DateTimeField(blank=True, null=True)),
                ("name", models.CharField(default="", help_text="What uses this key.", max_length=100)),
                (
                    "scopes",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(
                            choices=[
                                ("jobs:read", "See jobs and the scheduler's health"),
                                ("jobs:write", "Schedule, cancel and retry jobs"),
                                ("followups:read", "See follow-ups and consent"),
                                ("followups:write", "Plan and cancel follow-ups, opt members in and out"),
                            ],
                            max_length=50,
                        ),
                        default=list,
                        help_text="What it may do.",
                        size=None,
                    ),
                ),
                ("last_used_at", models.DateTimeField(blank=True, help_text="Last request, to the minute.", null=True)),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="auth_token_set",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "API key",
                "db_table": "api_tokens",
                "swappable": "KNOX_TOKEN_MODEL",
            },
        ),
    ]
