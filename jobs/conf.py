"""The engine's settings, read from Django's at each call."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

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
    keep_jobs: timedelta
    """How long a finished job is kept."""
    keep_history: timedelta
    """How long attempts and reports are kept."""
    temp_dirs: tuple[Path, ...]
    """Where old files are deleted."""
    data_dir: Path
    """What is made at run time."""
    backup_dir: Path
    backup_keep_days: int
    backup_max_age: timedelta | None
    """Health is degraded when the newest good backup is older. None: nobody watches it."""
    pg_bin_dir: Path | None
    """Where pg_dump and pg_restore are. None: wherever PATH finds them."""
    timezone: str
    """The community's zone, in which times are shown to people who chose none. All schedules run in UTC."""


def is_enabled() -> bool:
    """Whether jobs may start. Asked before each of them, when all the settings would be too much to read."""
    return bool(settings.JOB_SCHEDULER_ENABLED)


def current() -> JobSettings:
    """The settings as they are now."""
    return JobSettings(
        enabled=is_enabled(),
        check_interval=timedelta(seconds=settings.JOB_SCHEDULER_CHECK_INTERVAL_SECONDS),
        lease=timedelta(seconds=settings.JOB_LEASE_SECONDS),
        watchdog=timedelta(seconds=settings.JOB_WATCHDOG_SECONDS),
        keep_jobs=timedelta(days=settings.JOB_KEEP_DAYS),
        keep_history=timedelta(days=settings.JOB_HISTORY_KEEP_DAYS),
        temp_dirs=tuple(settings.TEMP_DIRS),
        data_dir=Path(settings.DATA_DIR),
        backup_dir=Path(settings.BACKUP_DIR),
        backup_keep_days=settings.BACKUP_KEEP_DAYS,
        backup_max_age=timedelta(hours=settings.BACKUP_MAX_AGE_HOURS) or None,
        pg_bin_dir=Path(settings.PG_BIN_DIR) if settings.PG_BIN_DIR else None,
        timezone=settings.SCHEDULER_TIMEZONE,
    )
