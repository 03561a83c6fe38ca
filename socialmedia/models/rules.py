"""Settings that staff edit while everything runs: the seed's `system_settings`."""

from django.db import models
from django.db.models.functions import Now


class SystemSetting(models.Model):
    """One setting and its value. What came with Checkback is written once, and never over an edit."""

    setting_key = models.CharField(max_length=100, primary_key=True, help_text="Its name in programs.")
    setting_value = models.JSONField(help_text="Its value.")
    description = models.TextField(blank=True, default="", db_default="", help_text="What it does.")
    updated_at = models.DateTimeField(db_default=Now(), editable=False, help_text="Last changed.")
    updated_by = models.CharField(max_length=150, blank=True, default="", db_default="", help_text="By whom.")

    class Meta:
        db_table = "system_settings"
        ordering = ["setting_key"]
        verbose_name = "setting"

    def __str__(self) -> str:
        return self.setting_key.replace("_", " ")
