"""Doing things at the same moment."""

from collections.abc import Callable
from threading import Barrier, Thread
from typing import TypeVar

from django.db import connection, connections

T = TypeVar("T")


def somebody_waits() -> bool:
    """Whether a transaction waits for another one's lock."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")
        return cursor.fetchone() is not None


def at_once(number: int, action: Callable[[int], T]) -> list[T]:
    """Run `action(0..number-1)` in threads which all start at the same moment; return the results in order.

    Raises what the first failing thread raised.
    """
    barrier = Barrier(number)
    results: dict[int, T] = {}
    errors: list[BaseException] = []

    def run(index: int) -> None:
        try:
            connections["default"].ensure_connection()
            barrier.wait(20)
            results[index] = action(index)
        except BaseException as error:
            errors.append(error)
        finally:
            connections.close_all()

    threads = [Thread(target=run, args=(index,)) for index in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    if errors:
        raise errors[0]
    return [results[index] for index in range(number)]
