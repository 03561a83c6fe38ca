"""The budget of new private channels: Discord bars bots that open many, and publishes no figure."""

import re
from datetime import datetime, timedelta
from typing import Any, Final

import structlog
from django.db import connection
from django.db.models import Count, Q, QuerySet

from bots import conf
from bots.models import BotControl
from socialmedia import limits
from socialmedia.limits import Full, Limit
from socialmedia.models import ActionType, AutomationAction, Platform

log = structlog.get_logger(__name__)

HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)
FIRST_PAUSE: Final = timedelta(minutes=10)
LONGEST_PAUSE: Final = DAY

TARGET: Final = "user"

OPENING_TOO_FAST: Final = 40003
FLAGGED: Final = 20026
QUARANTINE_WORDS: Final = ("anti-spam system", "quarantine")
"""Discord's sentence to a bot in quarantine, which is not in its list of codes (discord-api-docs#2669)."""
THEIR_OWN_CHOICE: Final = ("50007", "50278")
"""They take no messages from us: this says nothing about how many channels we opened."""

JUDGED: Final = 20
FEWEST_TO_JUDGE: Final = 5
BAD_SHARE: Final = 0.2

_DISCORDS_CODE: Final = re.compile(r"[1-9]\d+")

_TRIP: Final = """
INSERT INTO bot_controls AS known (account_id, opening_paused_until, opening_pause_reason, trips, updated_at)
VALUES (%(account_id)s, %(now)s + %(first)s, %(reason)s, 1, %(now)s)
ON CONFLICT (account_id) DO UPDATE SET
    opening_paused_until = %(now)s + least(%(first)s * power(2, least(known.trips, 20)), %(longest)s),
    opening_pause_reason = excluded.opening_pause_reason,
    trips = known.trips + 1,
    updated_at = excluded.updated_at
WHERE known.opening_paused_until IS NULL OR known.opening_paused_until <= %(now)s
RETURNING opening_paused_until, trips
"""


def reserve(account_id: int, *, user_id: str, now: datetime) -> datetime | None:
    """Take a place in the budget for opening a private channel with somebody, before it is opened. None: go ahead;
    else the time before which it must not be tried.

    Who was cut off between this and `settle` goes ahead in the same place: the same channel is not opened twice.
    """
    paused = BotControl.objects.filter(pk=account_id, opening_paused_until__gt=now)
    if (until := paused.values_list("opening_paused_until", flat=True).first()) is not None:
        return until
    place: dict[str, Any] = {
        "account_id": account_id,
        "action_type": ActionType.OPEN_DM,
        "target_type": TARGET,
        "target_id": user_id,
        "now": now,
    }
    if limits.renew(**place, within=HOUR) is not None:
        return None
    taken = limits.reserve(**place, limits=budget(), platform=Platform.DISCORD)
    return (taken.free_at or now + DAY) if isinstance(taken, Full) else None


def settle(account_id: int, *, user_id: str, success: bool, code: str = "", now: datetime) -> None:
    """Write down what became of the opening that was reserved last for this person. One that succeeds after a pause
    ends the row of trips.

    Only Discord's own code says that it was refused. What failed otherwise (a lost answer, the network, a 502) may
    have opened the channel or not: it stays open, and the next try goes ahead in its place. Else an outage of minutes
    would use up the budget of the day.
    """
    if not success and not _DISCORDS_CODE.fullmatch(code):
        return
    unsettled = _openings(account_id).filter(target_type=TARGET, target_id=user_id, success=None)
    key = unsettled.order_by("-created_at").values_list("pk", flat=True).first()
    if key is not None:
        limits.confirm(key, success=success, error_code=code)
    if success:
        over = BotControl.objects.filter(pk=account_id, trips__gt=0, opening_paused_until__lte=now)
        over.update(trips=0, opening_paused_until=None, opening_pause_reason="", updated_at=now)


def forget(account_id: int, *, user_id: str) -> None:
    """Name a person no more who was forgotten just before a place was taken for them. The place stays taken."""
    _openings(account_id).filter(target_type=TARGET, target_id=user_id).update(target_id="")


def is_refusal(code: int, text: str = "") -> bool:
    """Whether Discord's answer means that it wants no new private channels: `trip` is due."""
    return code in {OPENING_TOO_FAST, FLAGGED} or any(words in text.lower() for words in QUARANTINE_WORDS)


def trip(account_id: int, *, reason: str, now: datetime) -> datetime:
    """Discord wants no new channels: open none for a while, longer each time in a row. Returns until when.

    Of several that are refused at the same time one counts: the others were under way before it.
    """
    pauses: dict[str, Any] = {"first": FIRST_PAUSE, "longest": LONGEST_PAUSE}
    with connection.cursor() as cursor:
        cursor.execute(_TRIP, {**pauses, "account_id": account_id, "reason": reason, "now": now})
        row: tuple[datetime, int] | None = cursor.fetchone()
    if row is None:
        known = BotControl.objects.values_list("opening_paused_until", flat=True).get(pk=account_id)
        return known or now
    until, trips = row
    log.warning("bot.openings_paused", account_id=account_id, until=until.isoformat(), trips=trips)
    return until


def budget() -> tuple[Limit, Limit]:
    """How many may be opened, by the settings."""
    settings = conf.current()
    return Limit(HOUR, settings.dm_opens_per_hour), Limit(DAY, settings.dm_opens_per_day)


def free_at(account_id: int, *, now: datetime) -> datetime | None:
    """From when on the budget has a place: `now` if it has one. None: never, it is 0."""
    full = limits.look(account_id=account_id, action_type=ActionType.OPEN_DM, limits=budget(), now=now)
    return now if full is None else full.free_at


def used(account_id: int, *, now: datetime) -> tuple[int, int]:
    """How many places were taken in the last hour, and in the last day. By idx_actions_recent."""
    of_day = _openings(account_id).filter(created_at__gt=now - DAY)
    counts = of_day.aggregate(day=Count("pk"), hour=Count("pk", filter=Q(created_at__gt=now - HOUR)))
    return counts["hour"], counts["day"]


def refused(account_id: int) -> tuple[int, int]:
    """Of the last openings whose outcome is known: how many Discord refused, and how many there are."""
    known = _openings(account_id).exclude(success=None).exclude(error_code__in=THEIR_OWN_CHOICE)
    outcomes = list(known.order_by("-created_at").values_list("success", flat=True)[:JUDGED])
    return outcomes.count(False), len(outcomes)


def _openings(account_id: int) -> QuerySet[AutomationAction]:
    return AutomationAction.objects.filter(account_id=account_id, action_type=ActionType.OPEN_DM)
