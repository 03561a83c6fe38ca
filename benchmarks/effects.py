"""The work that every engine here does for each job: one row that says which job ran and when.

So one and the same clock, the database's, measures all of them, and what ran twice or never is seen. Needs no more
than Django: the peers use it in an environment of their own.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any


def create() -> None:
    """Make the table, empty."""
    _execute("DROP TABLE IF EXISTS benchmark_effects")
    _execute(
        "CREATE TABLE benchmark_effects "
        "(number bigint NOT NULL, at timestamptz NOT NULL DEFAULT clock_timestamp(), worker int NOT NULL)"
    )


def clear() -> None:
    """Forget what ran."""
    _execute("TRUNCATE benchmark_effects")


def record(number: int) -> None:
    """Note that a job ran. A statement of its own, unless the caller is in a transaction."""
    _execute("INSERT INTO benchmark_effects (number, worker) VALUES (%s, pg_backend_pid())", [number])


def record_many(numbers: Sequence[int]) -> None:
    """Note that all of these ran."""
    _execute(
        "INSERT INTO benchmark_effects (number, worker) SELECT unnest(%s::bigint[]), pg_backend_pid()", [list(numbers)]
    )


def count() -> int:
    """How many ran so far."""
    return int(_rows("SELECT count(*) FROM benchmark_effects")[0][0])


def rate(expected: int) -> float:
    """Jobs per second from the first to the last. Fails when one of them ran twice or never."""
    ran, different, seconds = _rows(
        "SELECT count(*), count(DISTINCT number), extract(EPOCH FROM max(at) - min(at))::float8 FROM benchmark_effects"
    )[0]
    assert ran == different == expected, f"{expected} jobs left {ran} effects of {different} jobs"
    return float(ran / seconds)


def starts() -> dict[int, datetime]:
    """When each job ran."""
    return dict(_rows("SELECT number, at FROM benchmark_effects"))


def _execute(statement: str, values: Sequence[Any] = ()) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def _rows(statement: str) -> list[Any]:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(statement)
        return list(cursor.fetchall())
