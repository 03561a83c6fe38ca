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
    timezone: str
    """The community's zone, in which times are shown to people who chose none. All schedules run in UTC."""


def current() -> JobSettings:
    """The settings as they are now."""
    return JobSettings(
        enabled=settings.JOB_SCHEDULER_ENABLED,
        check_interval=timedelta(seconds=settings.JOB_SCHEDULER_CHECK_INTERVAL_SECONDS),
        lease=timedelta(seconds=settings.JOB_LEASE_SECONDS),
        timezone=settings.SCHEDULER_TIMEZONE,
    )
