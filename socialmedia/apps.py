"""The app's entry in Django."""

from django.apps import AppConfig


class SocialmediaConfig(AppConfig):
    name = "socialmedia"
    verbose_name = "Social media"

    def ready(self) -> None:
        """Register the system checks."""
        from socialmedia import checks  # noqa: F401 - importing registers them
