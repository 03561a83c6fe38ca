"""Procrastinate's task."""

from procrastinate.contrib.django import app

from benchmarks import effects


@app.task(name="record")
def record(number: int) -> None:
    """Leave the effect."""
    effects.record(number)
