"""The engine's settings, read from Django's at each call."""

from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings


@dataclass(frozen=True)
class JobSettings:
    """What an operator can set."""

    enabled: bool
    check_interval: timedelta
    """The longest time without a look at the table when no wake-up comes."""
    lease: timedelta
    """How long a silent worker keeps its jobs."""
    watchdog: timedelta
    """How long a cluster whose workers take nothing is left alone."""


def current() -> JobSettings:
    """The settings as they are now."""
    return JobSettings(
        enabled=settings.JOB_SCHEDULER_ENABLED,
        check_interval=timedelta(seconds=settings.JOB_SCHEDULER_CHECK_INTERVAL_SECONDS),
        lease=timedelta(seconds=settings.JOB_LEASE_SECONDS),
        watchdog=timedelta(seconds=settings.JOB_WATCHDOG_SECONDS),
    )
