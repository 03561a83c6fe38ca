"""Celery's app and task."""

from celery import Celery
from django.conf import settings

from benchmarks import effects

app = Celery("benchmark")
app.conf.update(settings.BENCHMARK_CELERY)


@app.task(name="record")
def record(number: int) -> None:
    """Leave the effect."""
    effects.record(number)
