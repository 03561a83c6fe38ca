"""The app's entry in Django."""

from django.apps import AppConfig


class FollowupsConfig(AppConfig):
    name = "followups"
    verbose_name = "Follow-ups"

    def ready(self) -> None:
        """Register the system checks."""
        from followups import checks  # noqa: F401 - importing registers them
