"""How a member usually comes and goes, and which silence is unusual for them.

The rule: of the gaps between the days on which they wrote, take the one that only one in ten exceeds (`rare`). A
silence half as long again is unusual; never sooner than after the community's own FOLLOW_UP_DEFAULT_DELAY_HOURS, and
never later than after 60 days. Who has fewer than five gaps is judged by the community's time alone.
"""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from django.db import connection, transaction

from followups import conf
from followups.models import Rhythm, UserProfile
from socialmedia.models import Platform

ENOUGH_GAPS: Final = 5
MARGIN: Final = 1.5
"""So many times a rare gap is unusual."""
LONGEST: Final = timedelta(days=60)
REMEMBERED: Final = timedelta(days=180)
"""Older days say nothing of how somebody comes and goes now."""
_DAY: Final = timedelta(days=1)
_SQL: Final = Path(__file__).parent / "sql"
_COMPUTE: Final = (_SQL / "rhythm_v1.sql").read_text()
_LOCK: Final = (_SQL / "rhythm_lock_v1.sql").read_text()
_IGNORE: Final = (_SQL / "rhythm_ignore_v1.sql").read_text()


def compute(*, now: datetime, limit: int = 500) -> int:
    """Compute the rhythms that are out of date, `limit` members in one transaction, and when their silence becomes
    unusual. Returns how many. Members whom somebody else is changing are left for the next time.
    """
    settings = conf.current()
    if not settings.personal_rhythm:
        return 0
    values: dict[str, Any] = {
        "now": now,
        "since": now - REMEMBERED,
        "zone": settings.timezone,
        "platform": Platform.DISCORD.value,
        "enough": ENOUGH_GAPS,
        "margin": MARGIN,
        "shortest": settings.default_delay,
        "longest": LONGEST,
    }
    with transaction.atomic(), connection.cursor() as cursor:
        # A statement of its own: the next one sees whatever was written before the locks.
        cursor.execute(_LOCK, {"limit": limit})
        members = [user_id for (user_id,) in cursor.fetchall()]
        if members:
            cursor.execute(_COMPUTE, {**values, "members": members})
    return len(members)


def ignore(*, limit: int = 10_000) -> int:
    """FOLLOW_UP_PERSONAL_RHYTHM is off: take the personal times from members whom a sweep may ask, and return how many.
    Switched on again, they are computed anew.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_IGNORE, {"limit": limit})
        return int(cursor.fetchone()[0])


def of(profile: UserProfile) -> Rhythm | None:
    """The member's rhythm, if it is known and the community goes by it."""
    if not conf.current().personal_rhythm:
        return None
    return Rhythm.objects.filter(user=profile, gaps__gte=ENOUGH_GAPS).first()


def in_words(low: timedelta, high: timedelta, silent: timedelta) -> str:
    """Say what is usual and what is now: "usually every 2-4 days, now 11". The same as followups_rhythm_in_words."""
    a, b = _whole_days(low), _whole_days(high)
    now = silent // _DAY
    if b == 1:
        return f"usually every day, now {now} day" + ("" if now == 1 else "s")
    return f"usually every {a if a == b else f'{a}-{b}'} days, now {now}"


def describe(profile: UserProfile, *, silent: timedelta) -> str:
    """Say how a member usually comes and how unusual it is that they have been `silent` now, for the console."""
    if not conf.current().personal_rhythm:
        return "Not asked for (FOLLOW_UP_PERSONAL_RHYTHM is off)"
    known = of(profile)
    if known is None or profile.quiet_after is None:
        return f"Not known yet: it takes {ENOUGH_GAPS} gaps between days on which they wrote"
    words = in_words(known.usual_low, known.usual_high, silent)
    return f"{words}; quiet score {score(silent, profile.quiet_after):.1f} (unusual from 1.0 on)"


def score(silent: timedelta, unusual: timedelta) -> float:
    """How quiet somebody is: 0.0 has just written, 1.0 and more is unusual for them."""
    return max(silent, timedelta()) / unusual


def _whole_days(length: timedelta) -> int:
    return max(1, int(length / _DAY + 0.5))
