"""When our accounts were connected: what was written while nobody listened is nobody's silence."""

from datetime import datetime, timedelta
from typing import Final

from django.db.models import Max

from socialmedia.models import Account, ListeningGap, Platform

STALE: Final = timedelta(minutes=2)
"""An account that has not been heard of for so long is not connected."""


def unheard(*, since: datetime, until: datetime, platform: str = Platform.DISCORD) -> timedelta:
    """How much of the time between the two nobody listened, the gap that is open now included."""
    gaps = list(
        ListeningGap.objects.filter(platform=platform, ended_at__gt=since, began_at__lt=until).values_list(
            "began_at", "ended_at"
        )
    )
    heard = Account.objects.filter(platform=platform, is_own=True, is_active=True).aggregate(at=Max("heard_until"))
    if heard["at"] is not None and heard["at"] + STALE < until:
        gaps.append((heard["at"], until))
    return sum((max(min(end, until) - max(begin, since), timedelta()) for begin, end in gaps), timedelta())
