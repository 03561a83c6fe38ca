"""Recurring work: Django-Q schedules that enqueue ordinary jobs, so runs never overlap and never pile up."""

from datetime import timedelta


def register(
    name: str,
    *,
    job_type: str,
    payload: object,
    every: timedelta | None = None,
    cron: str | None = None,
) -> None:
    """Declare recurring work, at import of an app's `handlers.py`. Give `every` (whole minutes) or `cron` (UTC).

    `manage.py migrate` creates the missing Django-Q schedules and leaves the present ones as operators have them.
    """
    raise NotImplementedError


def enqueue_recurring(name: str) -> str:
    """Enqueue one run of the named work. Called by the schedule; returns in words what happened."""
    raise NotImplementedError
