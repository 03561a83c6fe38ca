"""When our accounts were connected: what was written while nobody listened is nobody's silence.

A gap is written when somebody listens again; until then the newest `heard_until` says since when nobody does. Before an
account of ours has ever logged in there are no gaps: what we know then comes from imports.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import Max, Min

from socialmedia.models import Account, ListeningGap, Platform

STALE: Final = timedelta(minutes=2)
"""An account that has not been heard of for so long is not connected."""
_JUST_ENDED: Final = timedelta(minutes=10)
"""From the connection until everything about the communities is known, it may take so long."""


@dataclass(frozen=True)
class Deaf:
    """A time in which nobody listened."""

    began_at: datetime
    ended_at: datetime


def heard(account_id: int, *, now: datetime) -> None:
    """A beat of one of our accounts that is connected. If the last one is long ago, as after a pause of the whole
    machine or of the database, that was a gap: then this is what `began` does.
    """
    beating = Account.objects.filter(pk=account_id, heard_until__gte=now - STALE)
    if not beating.update(heard_until=now):
        began(account_id, now=now)


def began(account_id: int, *, now: datetime) -> ListeningGap | None:
    """An account of ours listens again. Write down the gap since any of ours on its network was last heard of, if
    there was one. Two that begin at once write one gap: the second finds the first one listening.
    """
    with transaction.atomic():
        platform = Account.objects.values_list("platform", flat=True).get(pk=account_id)
        ours = Account.objects.select_for_update(no_key=True).filter(platform=platform, is_own=True, is_active=True)
        known = [account.heard_until for account in ours.order_by("pk") if account.heard_until is not None]
        Account.objects.filter(pk=account_id).update(heard_until=now)
        last = max(known, default=now)
        if now - last <= STALE:
            return None
        return ListeningGap.objects.create(platform=platform, began_at=last, ended_at=now)


def deaf_since(account_id: int, *, now: datetime) -> datetime | None:
    """From when on an account that has just connected may have missed something: a little before it was last heard
    of, since no gap shorter than `STALE` is written down. None for one that has never been connected.
    """
    account = Account.objects.get(pk=account_id)
    gaps = ListeningGap.objects.filter(platform=account.platform, ended_at__gt=now - _JUST_ENDED)
    began = gaps.aggregate(at=Min("began_at"))["at"]
    last = min((at for at in (began, account.heard_until) if at is not None), default=None)
    return None if last is None else last - STALE


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


def before(length: timedelta, *, now: datetime, platform: str = Platform.DISCORD) -> datetime:
    """The latest instant since which somebody has listened for `length` in all: walk back over the gaps."""
    at = now
    for gap in gaps(until=now, platform=platform):
        listened = at - min(gap.ended_at, at)
        if listened >= length:
            break
        length -= listened
        at = min(at, gap.began_at)
    return at - length
