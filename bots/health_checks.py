"""Whether the bots run: their check of the check-up."""

from datetime import datetime, timedelta

from django.db.models import Min

from bots.governor import figures as governor
from bots.models import BotHeartbeat
from jobs import checkup, stats
from jobs.checkup import Finding, degraded, failed, ok
from jobs.models import ClusterHeartbeat
from socialmedia.models import Account, Platform

FRESH = governor.ALIVE
STARTING = timedelta(minutes=2)
"""So long after the clusters the bot may still be on its way: everything is started together."""


def bot(*, now: datetime) -> Finding:
    """Each bot of ours that is in use is alive and connected to Discord."""
    accounts = {
        account.pk: account.display_name or account.username
        for account in Account.objects.filter(platform=Platform.DISCORD, is_own=True, is_active=True)
    }
    alive = BotHeartbeat.objects.filter(beat_at__gt=now - FRESH)
    connected = set(alive.filter(is_connected=True).values_list("account_id", flat=True))
    cut_off = set(alive.values_list("account_id", flat=True)) - connected
    silent = accounts.keys() - connected - cut_off
    figures = {"connected": len(connected), "not_connected": len(cut_off), "silent": len(silent)}
    if not accounts:
        return ok("No bot has ever run here; manage.py runbot starts one.", **figures)
    if silent and _has_just_started(now):
        return ok("Everything has just been started; the bot is not there yet.", **figures)
    if silent:
        names = ", ".join(sorted(accounts[key] for key in silent))
        return failed(f"The bot does not run ({names}): start manage.py runbot, or retire its account.", **figures)
    if cut_off:
        return degraded("The bot runs, but has no connection to Discord; it tries again by itself.", **figures)
    if troubles := _troubles(accounts, now):
        return degraded(troubles, **figures)
    return ok("The bot runs and is connected.", **figures)


def _troubles(accounts: dict[int, str], now: datetime) -> str:
    """What keeps the bots from sending, in sentences; whose it is, where there are several."""
    return " ".join(
        sentence if len(accounts) == 1 else f"{name}: {sentence}"
        for key, name in sorted(accounts.items())
        for sentence in governor.of_account(key, now=now).troubles
    )


def _has_just_started(now: datetime) -> bool:
    alive = ClusterHeartbeat.objects.filter(beat_at__gt=now - stats.FRESH)
    first = alive.aggregate(first=Min("started_at"))["first"]
    return first is not None and now - first < STARTING


checkup.register("bot", bot)
