"""The app's entry in Django."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class FollowupsConfig(AppConfig):
    name = "followups"
    verbose_name = "Follow-ups"

    def ready(self) -> None:
        """Register the system checks, and load the shipped templates after migrations."""
        from followups import checks  # noqa: F401 - importing registers them
        from followups.composing import shipped

        post_migrate.connect(shipped.on_migrated, sender=self, dispatch_uid="followups.templates")
