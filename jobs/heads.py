"""The heads of the queue: for each priority and type the job that waits first, and when it may start."""

from dataclasses import dataclass

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
    with connection.cursor() as cursor:
        cursor.execute(
            sql.read("ready_heads_v1"),
            {"limited_types": list(limited), "limits": [policy.concurrency for policy in limited.values()]},
        )
        return [Head(*row) for row in cursor.fetchall()]
