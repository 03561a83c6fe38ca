"""Counting rows of a large table without reading it."""

import json
from functools import cached_property
from typing import Any

from django.core.paginator import Paginator
from django.db import OperationalError, connections, models, transaction
from django.db.models import QuerySet
from psycopg.errors import QueryCanceled

ESTIMATE_ABOVE = 100_000
PATIENCE_MS = 100
"""How long a page waits for an exact count."""


def estimated_count(model: type[models.Model], using: str = "default") -> int:
    """Rows of a whole table by the planner's statistics; -1 when it was never analyzed."""
    table = model._meta.db_table  # noqa: SLF001 - Django's documented interface
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT reltuples::bigint FROM pg_class WHERE oid = to_regclass(%s)", [table])
        row = cursor.fetchone()
    return int(row[0]) if row else -1


def planned_count(rows: QuerySet[Any]) -> int:
    """Rows of a query by the planner's estimate."""
    plan = json.loads(rows.order_by().explain(format="json"))
    return int(plan[0]["Plan"]["Plan Rows"])


class EstimatingPaginator(Paginator):  # type: ignore[type-arg]  # not a generic when it runs
    """Django's paginator, but the rows of a large table are estimated instead of counted."""

    @cached_property
    def count(self) -> int:
        """Return the number of rows: exact while that is cheap."""
        rows = self.object_list
        if not isinstance(rows, QuerySet):
            return len(rows)
        estimate = estimated_count(rows.model, rows.db)
        if estimate <= ESTIMATE_ABOVE:
            return rows.count()
        if not rows.query.where and not rows.query.distinct:
            return estimate
        exact = _count_in_time(rows)
        return planned_count(rows) if exact is None else exact


def _count_in_time(rows: QuerySet[Any]) -> int | None:
    """Count, unless that takes too long for a page: None then."""
    with connections[rows.db].cursor() as cursor:
        try:
            with transaction.atomic(using=rows.db):
                cursor.execute("SELECT current_setting('statement_timeout')")
                (callers,) = cursor.fetchone()
                cursor.execute("SELECT set_config('statement_timeout', %s, TRUE)", [str(PATIENCE_MS)])
                count = rows.count()
                # The transaction may be a caller's, and go on.
                cursor.execute("SELECT set_config('statement_timeout', %s, TRUE)", [callers])
        except OperationalError as error:
            if not isinstance(error.__cause__, QueryCanceled):
                raise
            return None
    return count
