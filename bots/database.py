"""The one seam between the bot's event loop and the database: each operation is one unit."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from asgiref.sync import sync_to_async
from django.db import close_old_connections

P = ParamSpec("P")
T = TypeVar("T")


async def run_unit(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a synchronous unit of work on the one database thread, with a connection that is known to be alive."""
    return await sync_to_async(_with_fresh_connection, thread_sensitive=True)(function, *args, **kwargs)


def _with_fresh_connection(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    # Nothing else does this outside Django's request cycle.
    close_old_connections()
    try:
        return function(*args, **kwargs)
    finally:
        close_old_connections()
