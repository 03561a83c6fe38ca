"""The task of django-tasks-db."""

from benchmarks import effects

try:
    from django.tasks import task
except ImportError:  # before Django 6
    from django_tasks import task


@task()
def record(number: int) -> None:
    """Leave the effect."""
    effects.record(number)
