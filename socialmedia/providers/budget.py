"""What may still be asked of a provider, over all processes: a place by second, a number by day (UTC), and stops.

The database gives the places out, by its own clock.
"""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import humanize
from django.db import connection
from django.db.models import F, Q
from django.db.models.functions import Greatest, Now

from socialmedia import conf
from socialmedia.models import ProviderBudget
from socialmedia.providers.base import TooMany

LONGEST_PATIENCE: Final = timedelta(minutes=5)
MARGIN: Final = 1.1
"""Two requests that leave exactly a second apart can arrive closer together; the free tier allows one a second."""
_SOON: Final = timedelta(seconds=0.1)
_SQL: Final = Path(__file__).parent.parent / "sql"
_TAKE: Final = (_SQL / "take_provider_call_v1.sql").read_text()
_LOOK: Final = (_SQL / "provider_budget_v1.sql").read_text()
_REFUSE: Final = (_SQL / "refuse_provider_v1.sql").read_text()


@dataclass(frozen=True)
class Place:
    """Leave to make one request."""

    wait: timedelta
    """Not before this is over."""
    is_trial: bool
    """There was a stop: a good answer ends what is left of it."""


@dataclass(frozen=True)
class Left:
    """What is left of a provider's budget."""

    used: int
    """Requests of today."""
    stopped_for: timedelta = timedelta(0)
    reason: str = ""
    rest_of_day: timedelta = timedelta(0)
    next_in: timedelta = timedelta(0)


def take(provider: str, *, patience: timedelta) -> Place:
    """Take the place of one request. Whoever dies with it in hand wastes it, so the limits are never exceeded.

    Raises:
        TooMany: there is none within `patience`; nothing was taken, and `retry_after` says when to ask again.
    """
    settings = conf.provider()
    values: dict[str, Any] = {
        "provider": provider,
        "gap": timedelta(seconds=MARGIN) / settings.per_second,
        "per_day": settings.per_day,
        "patience": min(max(patience, timedelta(0)), LONGEST_PATIENCE),
    }
    with connection.cursor() as cursor:
        cursor.execute(_TAKE, values)
        row = cursor.fetchone()
    if row is None:
        raise _why_not(provider, settings.per_day)
    return Place(*row)


def look(provider: str) -> Left:
    """What is left now. Takes nothing."""
    with connection.cursor() as cursor:
        cursor.execute(_LOOK, {"provider": provider})
        row = cursor.fetchone()
    if row is None:
        return Left(used=0)
    stopped_for, reason, used, rest_of_day, next_in = row
    return Left(used, stopped_for, reason, rest_of_day, next_in)


def slow_down(provider: str, by: timedelta) -> None:
    """The next place is no sooner than this from now, for everybody."""
    ProviderBudget.objects.filter(pk=provider).update(next_call_at=Greatest(F("next_call_at"), Now() + by))


def stop(provider: str, for_: timedelta, *, reason: str) -> None:
    """Nobody asks it for so long. A longer stop stays."""
    shorter = Q(blocked_until=None) | Q(blocked_until__lt=Now() + for_)
    ProviderBudget.objects.filter(shorter, pk=provider).update(blocked_until=Now() + for_, blocked_reason=reason)


def refuse(provider: str, *, reason: str) -> None:
    """It does not serve us: nobody asks it for an hour, after each further refusal twice as long, up to a day."""
    with connection.cursor() as cursor:
        cursor.execute(_REFUSE, {"provider": provider, "reason": reason})


def resume(provider: str) -> bool:
    """End a stop: somebody says that it will serve us. False when there was none."""
    stopped = ProviderBudget.objects.filter(pk=provider).exclude(blocked_until=None, refusals=0)
    return bool(stopped.update(blocked_until=None, blocked_reason="", refusals=0))


def prove(provider: str) -> None:
    """It served us: what is left of a stop that is over goes. One that began since the call was on its way stays."""
    over = Q(blocked_until=None) | Q(blocked_until__lte=Now())
    ProviderBudget.objects.filter(over, pk=provider).update(blocked_until=None, blocked_reason="", refusals=0)


def _why_not(provider: str, per_day: int) -> TooMany:
    left = look(provider)
    if left.stopped_for:
        words = f"The provider {provider} is not asked for another {_in_words(left.stopped_for)}: {left.reason}"
        return TooMany(words, retry_after=left.stopped_for)
    if left.used >= per_day:
        words = f"Today's {per_day:,} requests to the provider {provider} are spent (TIKTOK_REQUESTS_PER_DAY)."
        return TooMany(f"{words} They begin anew at midnight UTC.", retry_after=left.rest_of_day or timedelta(days=1))
    words = f"The next place for a request to the provider {provider} is {_in_words(left.next_in)} away."
    return TooMany(words, retry_after=max(left.next_in, _SOON))


def _in_words(span: timedelta) -> str:
    return humanize.precisedelta(span, minimum_unit="seconds", format="%0.0f")
