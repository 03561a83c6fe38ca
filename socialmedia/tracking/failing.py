"""What a check that measured nothing says of its post, and when to look again. Pure: no database, no clock."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from socialmedia.providers.base import Gone, NotConfigured, NotOffered, ProviderError, Refused, TooMany

AGREEING: Final = 3
"""So many answers in a row must say that a post is gone."""
SPREAD: Final = timedelta(hours=1)
"""Between the first of them and the last: in a bad quarter of an hour providers say it of posts that are there."""
GONE_WAITS: Final = (timedelta(minutes=15), timedelta(hours=1), timedelta(hours=3))
FIRST_WAIT, LONGEST_WAIT = timedelta(minutes=5), timedelta(hours=6)
GIVE_UP: Final = timedelta(days=7)
"""After the last planned check: who has not answered by then is not asked for ever."""
NOT_SERVED_WAIT: Final = timedelta(minutes=15)
SHORTEST_WAIT: Final = timedelta(seconds=1)
LONGEST_LIMIT: Final = timedelta(hours=1)
"""However long a stop is: somebody may end it before, or raise the budget, and until then nobody is asked anyway."""
JITTER: Final = 0.1
"""Up to a tenth is added, so that a crowd does not come back at once."""


@dataclass(frozen=True)
class Record:
    """A post's failures in a row."""

    failed: int = 0
    gone: int = 0
    gone_since: datetime | None = None


@dataclass(frozen=True)
class Verdict:
    """What follows from one more."""

    record: Record
    retry_at: datetime
    is_dead: bool = False


def judge(error: ProviderError, before: Record, *, ends_at: datetime, now: datetime, jitter: float) -> Verdict:
    """Count the failure to the post only if it is the post's: a provider that is busy or does not serve us says nothing
    of it. `ends_at` is the last planned check, `jitter` is in 0..1.
    """
    if isinstance(error, TooMany):
        return Verdict(before, now + min(max(error.retry_after, SHORTEST_WAIT), LONGEST_LIMIT))
    stretch = 1 + JITTER * jitter
    if isinstance(error, Refused | NotConfigured | NotOffered):
        return Verdict(before, now + NOT_SERVED_WAIT * stretch)
    if isinstance(error, Gone):
        since = before.gone_since or now
        record = Record(before.failed + 1, before.gone + 1, since)
        wait = GONE_WAITS[min(before.gone, len(GONE_WAITS) - 1)]
        return Verdict(record, now + wait * stretch, is_dead=record.gone >= AGREEING and now - since >= SPREAD)
    wait = min(FIRST_WAIT * int(2 ** min(before.failed, 10)), LONGEST_WAIT)
    record = Record(before.failed + 1, before.gone, before.gone_since)
    return Verdict(record, now + wait * stretch, is_dead=now - ends_at >= GIVE_UP)
