"""A post's place in its plan. The database's own functions say what is next, and what a check leaves behind."""

from datetime import datetime

from django.db import connection


def next_planned(post_id: int) -> datetime | None:
    """When the next check was planned, however often it has failed since; None: nothing is left of the plan."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT get_next_check_time(%s)", [post_id])
        planned: datetime | None = cursor.fetchone()[0]
    return planned


def advance(post_id: int, *, checked_at: datetime) -> None:
    """Leave the next check behind, and all others that were over by then. Does nothing to a post that is not tracked
    now.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT record_check_completion(%s, %s)", [post_id, checked_at])
