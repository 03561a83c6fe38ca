"""The jobs of the checks: one live job for each tracked post, a reminder of its next check."""

from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import structlog
from django.db import connection, transaction

from jobs import enqueue, lifecycle, wakeup
from jobs.models import ScheduledJob
from socialmedia.models import Post, TrackingState

log = structlog.get_logger(__name__)

JOB_TYPE: Final = "post_check"
_PREFIX: Final = "post-check:"
_SQL: Final = Path(__file__).parent.parent / "sql"
_BY_INDEX: Final = "SET LOCAL enable_seqscan = off"
"""After an import the planner takes full tables for empty ones: never read one whole for each post."""
_PLAN: Final = (_SQL / "plan_checks_v1.sql").read_text()
_CANCEL: Final = (_SQL / "cancel_checks_v1.sql").read_text()
_MOVE: Final = (_SQL / "move_checks_v1.sql").read_text()


@dataclass(frozen=True)
class PostCheck:
    """Payload: which post, by its id here."""

    post_id: int = 0

    def __post_init__(self) -> None:
        if isinstance(self.post_id, bool) or not isinstance(self.post_id, int):
            raise TypeError("post_id is the number of a post.")


@dataclass(frozen=True)
class MadeUp:
    """What was put right."""

    added: int
    cancelled: int
    moved: int = 0


def key(check: PostCheck) -> str:
    """What no two live jobs may share."""
    return f"{_PREFIX}{check.post_id}"


def keep(post: Post, *, now: datetime) -> None:
    """Let the post's job be due at its next check; without one it needs none. Needs the post's row locked, so that
    nobody else moves the same job.
    """
    if post.tracking_state != TrackingState.ACTIVE or post.next_check_at is None:
        drop(post.pk, now=now)
        return
    check = PostCheck(post.pk)
    try:
        enqueue.schedule_job(JOB_TYPE, post.next_check_at, check, unique_key=key(check))
    except enqueue.UniqueKeyTaken as taken:
        # One that runs now is left alone: it looks at the post again when it ends.
        if taken.existing.next_attempt_at != post.next_check_at:
            lifecycle.reschedule_job(taken.existing.job_id, post.next_check_at, now=now)


def drop(post_id: int, *, now: datetime) -> None:
    """Cancel the post's job if it waits. One that runs finds out itself."""
    for job in ScheduledJob.objects.pending().filter(unique_key=key(PostCheck(post_id))):
        lifecycle.cancel_job(job.job_id, now=now)


def make_up(*, now: datetime) -> MadeUp:
    """Give every tracked post a job that has none alive, as after an import or a job cancelled by hand; bring those
    forward that somebody put off; and cancel those of posts that are not tracked any more. Its cost does not depend on
    how many jobs wait for other things.
    """
    values: dict[str, Any] = {"job_type": JOB_TYPE, "prefix": _PREFIX, "now": now}
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_BY_INDEX)
        cursor.execute(_PLAN, values)
        added = cursor.rowcount
        cursor.execute(_CANCEL, values)
        cancelled = cursor.rowcount
        cursor.execute(_MOVE, values)
        made_up = MadeUp(added, cancelled, moved=cursor.rowcount)
        if made_up.moved:
            wakeup.notify()
    if made_up != MadeUp(0, 0):
        log.info("post_checks.made_up", **asdict(made_up))
    return made_up
