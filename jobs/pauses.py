"""Pausing a job type, or everything: what is paused is not started. What runs already is not stopped."""

import time
from datetime import datetime

import structlog

from jobs import registry, wakeup
from jobs.models import JobPause

log = structlog.get_logger(__name__)

EVERYTHING = JobPause.EVERYTHING
LOOK_EVERY_SECONDS = 0.1


def pause(job_type: str, *, by: str, reason: str = "", now: datetime) -> bool:
    """Pause a type, or `EVERYTHING`. False when it is paused already; that pause stays as it is.

    Raises UnknownJobType for a type that no handler is registered for.
    """
    if job_type != EVERYTHING:
        registry.find(job_type)
    _, created = JobPause.objects.get_or_create(
        job_type=job_type, defaults={"paused_at": now, "paused_by": by, "reason": reason}
    )
    if created:
        log.info("job.paused", job_type=job_type, by=by)
    return created


def resume(job_type: str, *, by: str) -> bool:
    """End a pause: what is due starts at once. False when it was not paused."""
    deleted, _ = JobPause.objects.filter(job_type=job_type).delete()
    if deleted:
        wakeup.notify()
        log.info("job.resumed", job_type=job_type, by=by)
    return bool(deleted)


def paused() -> list[JobPause]:
    """What is paused, by name."""
    return list(JobPause.objects.order_by("job_type"))


def is_paused(job_type: str) -> bool:
    """Whether jobs of this type are not started now."""
    return JobPause.objects.filter(job_type__in=[job_type, EVERYTHING]).exists()


class Lookout:
    """Asks between the jobs of a claimed batch whether their type was paused since. The claim itself left out what
    was paused then, so the first look is due a moment later; what is known is never older than that moment.
    """

    def __init__(self) -> None:
        self._looked_at = time.monotonic()
        self._paused: set[str] = set()

    def is_paused(self, job_type: str) -> bool:
        """Whether jobs of this type must not be started now."""
        if time.monotonic() - self._looked_at > LOOK_EVERY_SECONDS:
            self._looked_at = time.monotonic()
            self._paused = set(JobPause.objects.values_list("job_type", flat=True))
        return not self._paused.isdisjoint((job_type, EVERYTHING))
