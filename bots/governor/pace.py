"""The pace of one bot account's requests over all its processes: evenly spaced slots, given out by the database."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from django.db import connection

from bots.governor.refusals import NOTHING_FROM, RECENT, SLOW_FROM

SLOW_GAP: Final = timedelta(seconds=1)

# `next_call_at` is when the next slot is free: the generic cell rate algorithm. All by the database's clock, and one
# statement: whoever comes second waits for the row and adds to what the first one wrote. Should the clock be set back,
# a slot is at most a minute away.
_TAKE: Final = f"""
WITH pace AS (
    SELECT
        CASE WHEN refusals < {SLOW_FROM} THEN %(number)s ELSE 1 END AS slots,
        CASE WHEN refusals < {SLOW_FROM} THEN %(gap)s::interval ELSE %(slow_gap)s::interval END AS gap
    FROM (SELECT {RECENT} AS refusals) AS ledger
    WHERE refusals < {NOTHING_FROM}
)
INSERT INTO bot_controls AS known (account_id, next_call_at)
SELECT %(account_id)s, clock_timestamp() + slots * gap FROM pace
ON CONFLICT (account_id) DO UPDATE SET next_call_at = (SELECT slots * gap FROM pace)
    + greatest(clock_timestamp(), least(known.next_call_at, clock_timestamp() + interval '1 minute'))
RETURNING
    (SELECT slots FROM pace),
    extract(epoch FROM (SELECT gap FROM pace))::float,
    extract(epoch FROM next_call_at - (SELECT slots * gap FROM pace) - clock_timestamp())::float,
    known.stopped_at IS NOT NULL
"""  # noqa: S608 - our own words and numbers


@dataclass(frozen=True)
class Slots:
    """Leave to make `number` requests: the first in `wait` seconds, each next one `gap` seconds later."""

    number: int
    gap: float
    wait: float
    is_stopped: bool = False
    """Somebody stopped the bot: what is for members must not go out."""


def take(account_id: int, *, number: int, per_second: int) -> Slots | None:
    """Take the next slots, no more than `number`. None: Discord refused so many requests that none must be made.

    Whoever dies with slots in hand wastes them; nobody else gets them, so the pace is never exceeded.
    """
    values: dict[str, Any] = {
        "account_id": account_id,
        "number": number,
        "gap": timedelta(seconds=1) / per_second,
        "slow_gap": SLOW_GAP,
    }
    with connection.cursor() as cursor:
        cursor.execute(_TAKE, values)
        row = cursor.fetchone()
    return None if row is None else Slots(*row)
