"""The app's entry in Django."""

from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.module_loading import autodiscover_modules


class JobsConfig(AppConfig):
    name = "jobs"
    verbose_name = "Jobs"

    def ready(self) -> None:
        """Load every app's `handlers.py` and `health_checks.py`; keep the schedules in place after each migrate."""
        from django_q.signals import pre_execute

        from jobs import watchdog

        autodiscover_modules("handlers", "health_checks")
        pre_execute.connect(watchdog.package_taken)
        post_migrate.connect(_align_schedules, sender=self)


def _align_schedules(**_: Any) -> None:
    from django.db import connection

    from jobs import recurring

    if "django_q_schedule" in connection.introspection.table_names():
        recurring.align_schedules()
