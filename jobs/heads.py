"""The heads of the queue: for each priority and type the job that waits first, and when it may start."""

from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from jobs import registry, sql


@dataclass(frozen=True)
class Head:
    """The first waiting job of one priority and type."""

    priority: int
    job_type: str
    job_id: str
    seconds: float
    """Until it may start: its own time, or the type's rate. Zero or less: now."""


def ready() -> list[Head]:
    """Heads that no pause and no limit holds back, in the order in which they are claimed: higher priorities first,
    then what has waited longest. Those due later are among them.
    """
    limited = registry.limited()
    rates = [policy.rate for policy in limited.values()]
    with connection.cursor() as cursor:
        cursor.execute(
            sql.read("ready_heads_v1"),
            {
                "job_types": list(limited),
                "names": [policy.limit_name(job_type) for job_type, policy in limited.items()],
                "workers": [policy.concurrency for policy in limited.values()],
                "starts": [rate and rate.count for rate in rates],
                "seconds": [rate and rate.per.total_seconds() for rate in rates],
            },
        )
        return [Head(*row) for row in cursor.fetchall()]


def few_due(before: datetime, *, most: int) -> list[str] | None:
    """The ids of all pending jobs due before a time; None when they are more than `most`.

    A list of them by another order needs this: among millions that are pending the planner cannot tell how few.
    """
    with connection.cursor() as cursor:
        cursor.execute(sql.read("due_ids_v1"), {"before": before, "most": most + 1})
        ids = [row[0] for row in cursor.fetchall()]
    return ids if len(ids) <= most else None
