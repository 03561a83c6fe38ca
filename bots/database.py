"""The one seam between the bot's event loop and the database: each operation is one unit."""

import asyncio
from collections.abc import Callable, Iterable
from typing import Any, Final, ParamSpec, TypeVar

import psycopg
import structlog
from asgiref.sync import sync_to_async
from django.db import InterfaceError, OperationalError, close_old_connections, connection

from bots import failures

log = structlog.get_logger(__name__)

AWAY: Final = (OperationalError, InterfaceError)
"""What Django raises when the database is away."""

P = ParamSpec("P")
T = TypeVar("T")


async def run_unit(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a synchronous unit of work on the one database thread, with a connection that is known to be alive."""
    return await sync_to_async(_with_fresh_connection, thread_sensitive=True)(function, *args, **kwargs)


async def insist(pauses: Iterable[float], function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a unit that may be repeated, once more after each pause (in seconds) while the database is away."""
    left = iter(pauses)  # asked for when there is one to make
    while True:
        try:
            return await run_unit(function, *args, **kwargs)
        except AWAY as error:
            if (seconds := next(left, None)) is None:
                raise
            log.warning("bot.database_away", operation=function.__name__, **failures.describe(error))
            await asyncio.sleep(seconds)


async def session_of_its_own() -> psycopg.AsyncConnection[Any]:
    """Open a database session beside Django's, for what lives as long as a session does: LISTEN, a lock."""
    parameters = await run_unit(connection.get_connection_params)
    for name in ("cursor_factory", "context"):  # made for Django's own, synchronous connection
        parameters.pop(name, None)
    return await psycopg.AsyncConnection.connect(**parameters, autocommit=True)


def _with_fresh_connection(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    # Nothing else does this outside Django's request cycle.
    close_old_connections()
    try:
        return function(*args, **kwargs)
    finally:
        close_old_connections()
