"""The ledger of requests that Discord refused with 401, 403 or 429: 10,000 in ten minutes, and it bars our address.

It is one for all accounts, because the address is. A minute counts as long as any of it lies in the last ten.
"""

from collections.abc import Mapping
from typing import Final

from django.db import connection

COUNTED: Final = frozenset({401, 403, 429})
SLOW_FROM: Final = 1_000
"""From here on each account makes one request a second: ten minutes of refusals alone then add no more than 600."""
NOTHING_FROM: Final = 5_000
"""From here on nothing is sent until the ledger is below it."""
BARRED_FROM: Final = 10_000
"""Discord's own limit."""

RECENT: Final = (
    "(SELECT coalesce(sum(count), 0)::int FROM discord_invalid_requests "
    "WHERE minute > statement_timestamp() - interval '11 minutes')"
)
"""SQL: how many there were in the last ten minutes. By the unique index, which a volatile clock could not use."""


def record(counts: Mapping[int, int]) -> None:
    """Add refusals, by their status, to this minute by the database's clock; forget those of the day before."""
    rows = sorted(counts.items())  # in one order, so that two who write never wait for each other
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO discord_invalid_requests AS known (minute, status, count) "
            "SELECT date_trunc('minute', clock_timestamp()), status, count "
            "FROM unnest(%s::smallint[], %s::int[]) AS new (status, count) "
            "ON CONFLICT (minute, status) DO UPDATE SET count = known.count + excluded.count",
            [[status for status, _ in rows], [count for _, count in rows]],
        )
        cursor.execute("DELETE FROM discord_invalid_requests WHERE minute < statement_timestamp() - interval '1 day'")


def recent() -> int:
    """How many there were in the last ten minutes."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {RECENT}")
        (number,) = cursor.fetchone()
        return int(number)
