"""Campaigns: all follow-ups of one trigger. Pausing them, and keeping members without them to see what they do."""

from datetime import datetime

import structlog
from django.db import transaction
from django.db.models import Q, QuerySet

from followups import conf, flags
from followups.models import Campaign, Trigger

log = structlog.get_logger(__name__)

MEASURED = (Trigger.INACTIVITY, Trigger.RE_ENGAGEMENT)
"""Triggers whose worth is that somebody comes back. The others answer an act of the member, who waits for it."""
MOST_HELD_OUT = 50
LONGEST_REASON = 255


class UnknownTrigger(LookupError):
    """No campaign has this name."""


class NoReason(ValueError):
    """A pause without a reason helps nobody who finds it later."""


class CannotHoldOut(ValueError):
    """So many cannot be held out, or nobody can; the message says why."""


def current() -> list[Campaign]:
    """All campaigns, in the triggers' order; those for which nothing is set have no row yet."""
    rows = Campaign.objects.in_bulk()
    return [rows.get(trigger.value) or Campaign(trigger_type=trigger.value) for trigger in Trigger]


def pause(trigger: str, *, by: str, reason: str, now: datetime) -> bool:
    """Send nothing of it until somebody resumes it. False when it is paused already; that pause stays as it is.

    Raises UnknownTrigger, NoReason.
    """
    reason = reason.strip()
    if not reason:
        raise NoReason("Say why it is paused: whoever finds it paused wants to know.")
    paused = (
        _row(trigger)
        .filter(paused_at=None)
        .update(paused_at=now, paused_by=by, pause_reason=reason[:LONGEST_REASON], updated_at=now)
    )
    if paused:
        log.info("campaign.paused", trigger=trigger, by=by)
    return bool(paused)


def resume(trigger: str, *, by: str, now: datetime) -> bool:
    """Send it again; harm it did before no longer counts. False when it was not paused. Raises UnknownTrigger."""
    with transaction.atomic():
        resumed = (
            _row(trigger)
            .filter(paused_at__isnull=False)
            .update(paused_at=None, paused_by="", pause_reason="", judged_from=now, updated_at=now)
        )
        if resumed:
            flags.settle_harm(subject(trigger), by=by, note="Resumed.", now=now)
    if resumed:
        log.info("campaign.resumed", trigger=trigger, by=by)
    return bool(resumed)


def set_holdout(trigger: str, percent: int | None, *, by: str, now: datetime) -> bool:
    """Keep so many of 100 members without these messages; None: as the settings say. False when it was so already.

    Raises UnknownTrigger, CannotHoldOut.
    """
    if percent is not None and not 0 <= percent <= MOST_HELD_OUT:
        raise CannotHoldOut(f"Hold out 0 to {MOST_HELD_OUT} percent, not {percent}.")
    campaign = _row(trigger)
    if percent and trigger not in MEASURED:
        names = " and ".join(measured.label for measured in MEASURED)
        raise CannotHoldOut(f"Nobody is held out here: the member waits for this message. It works for: {names}.")
    same = Q(holdout_percent__isnull=True) if percent is None else Q(holdout_percent=percent)
    changed = campaign.exclude(same).update(holdout_percent=percent, updated_at=now)
    if changed:
        log.info("campaign.holdout_set", trigger=trigger, percent=percent, by=by)
    return bool(changed)


def holdout_percent(trigger: str) -> int:
    """How many of 100 members are kept without messages of this trigger."""
    if trigger not in MEASURED:
        return 0
    own = Campaign.objects.filter(pk=trigger).values_list("holdout_percent", flat=True).first()
    return conf.current().holdout_percent if own is None else own


def ensure() -> None:
    """Make the missing rows, which say nothing yet, for a list of rows to show."""
    missing = [campaign for campaign in current() if campaign._state.adding]  # noqa: SLF001 - Django's documented API
    if missing:
        Campaign.objects.bulk_create(missing, ignore_conflicts=True)


def subject(trigger: str) -> str:
    """What a flag about the campaign is about."""
    return f"campaign {trigger}"


def _row(trigger: str) -> QuerySet[Campaign]:
    """The campaign's row, made if need be, as a QuerySet for one conditional statement."""
    if trigger not in set(Trigger):
        raise UnknownTrigger(f"There is no campaign {trigger!r}; there are: {', '.join(Trigger.values)}.")
    Campaign.objects.get_or_create(pk=trigger)
    return Campaign.objects.filter(pk=trigger)
