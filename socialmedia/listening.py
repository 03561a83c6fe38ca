"""When our accounts were connected: what was written while nobody listened is nobody's silence."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Max

from socialmedia.models import Account, ListeningGap, Platform

STALE: Final = timedelta(minutes=2)
"""An account that has not been heard of for so long is not connected."""


@dataclass(frozen=True)
class Deaf:
    """A time in which nobody listened."""

    began_at: datetime
    ended_at: datetime


def unheard(*, since: datetime, until: datetime, platform: str = Platform.DISCORD) -> timedelta:
    """How much of the time between the two nobody listened, the gap that is open now included."""
    total, at = timedelta(), until
    for gap in gaps(since=since, until=until, platform=platform):
        end = min(gap.ended_at, at)
        at = min(at, max(gap.began_at, since))
        total += max(end - at, timedelta())
    return total


def gaps(*, since: datetime | None = None, until: datetime, platform: str = Platform.DISCORD) -> Iterator[Deaf]:
    """The gaps between the two, newest end first; the one that is open at `until` ends there."""
    own = Account.objects.filter(platform=platform, is_own=True, is_active=True)
    last = own.aggregate(at=Max("heard_until"))["at"]
    if last is not None and last + STALE < until:
        yield Deaf(last, until)
    rows = ListeningGap.objects.filter(platform=platform, began_at__lt=until)
    if since is not None:
        rows = rows.filter(ended_at__gt=since)
    for began_at, ended_at in rows.order_by("-ended_at").values_list("began_at", "ended_at").iterator(chunk_size=100):
        yield Deaf(began_at, ended_at)
