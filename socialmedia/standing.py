"""How far our accounts are within their limits, to show: only `actions.begin` makes sure of a place."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count

from socialmedia import actions, limits, rules, zones
from socialmedia.models import Account, AutomationAction, DailyActionCount
from socialmedia.rules import Allowance


@dataclass(frozen=True)
class Standing:
    """What one account did of one kind, and may still do."""

    action_type: str
    allowed: Allowance
    in_hour: int
    today: int
    free_at: datetime | None
    """When the next may be done; `now`: now; None: never."""


def of(account: Account, *, now: datetime) -> list[Standing]:
    """Return how far the account is with each kind of action.

    Raises:
        BrokenSetting: nobody knows the limits.
    """
    allowed, in_hour, today = rules.rate_limits(), _in_hour(account, now=now), _today(account, now=now)
    return [
        Standing(
            kind,
            allowed.get(kind, Allowance()),
            in_hour.get(kind, 0),
            today.get(kind, 0),
            _free_at(account, kind, allowed.get(kind, Allowance()), now=now),
        )
        for kind in rules.LIMITED
    ]


def _in_hour(account: Account, *, now: datetime) -> dict[str, int]:
    """What was done in the last 60 minutes, by kind. By idx_actions_recent."""
    lately = AutomationAction.objects.filter(
        account=account, action_type__in=rules.LIMITED, created_at__gt=now - actions.HOUR
    )
    return dict(lately.order_by().values_list("action_type").annotate(Count("pk")))


def _today(account: Account, *, now: datetime) -> dict[str, int]:
    """What was done on the account's day, by kind."""
    today = zones.day_of(now, zones.of(account)).date
    counts = DailyActionCount.objects.filter(account=account, action_date=today)
    return dict(counts.order_by().values_list("action_type", "action_count"))


def _free_at(account: Account, kind: str, allowed: Allowance, *, now: datetime) -> datetime | None:
    if actions.is_within(account, kind, allowed, now=now):
        return now
    full = limits.look(account_id=account.pk, action_type=kind, limits=actions.as_limits(allowed), now=now)
    return now if full is None else full.free_at
