"""Whether the bots run: their check of the check-up."""

from datetime import datetime, timedelta

from django.db.models import Max, Min
from django.utils.timesince import timesince

from bots.governor import figures as governor
from bots.models import BotHeartbeat
from bots.staff.health import staff_channel
from jobs import checkup, stats
from jobs.checkup import Finding, degraded, failed, ok
from jobs.models import ClusterHeartbeat
from socialmedia.models import Account, Platform

FRESH = governor.ALIVE
STARTING = timedelta(minutes=2)
"""So long after the clusters the bot may still be on its way: everything is started together."""
READING = timedelta(minutes=10)
"""So long it may take to read what was missed, with every limit of ours and of Discord's."""


def bot(*, now: datetime) -> Finding:
    """Each bot of ours that is in use has one process that listens; any number may stand by."""
    accounts = {
        account.pk: account.display_name or account.username
        for account in Account.objects.filter(platform=Platform.DISCORD, is_own=True, is_active=True)
    }
    beats = BotHeartbeat.objects.filter(account_id__in=accounts).select_related("account")
    alive = list(beats.filter(beat_at__gt=now - FRESH))
    connected = {row.account_id for row in alive if row.is_connected}
    cut_off = {row.account_id for row in alive if row.has_gateway} - connected
    standing_by = [row for row in alive if not (row.has_gateway or row.is_connected)]
    unheard = {row.account_id for row in standing_by} - connected - cut_off
    silent = accounts.keys() - connected - cut_off - unheard
    figures = {
        "connected": len(connected),
        "not_connected": len(cut_off | unheard),
        "silent": len(silent),
        "standing_by": len(standing_by),
    }
    if not accounts:
        return ok("No bot has ever run here; manage.py runbot starts one.", **figures)
    if silent and _has_just_started(now):
        return ok("Everything has just been started; the bot is not there yet.", **figures)
    if silent:
        names = ", ".join(sorted(accounts[key] for key in silent))
        last = beats.filter(account_id__in=silent).aggregate(last=Max("beat_at"))["last"]
        since = f"; last heard of {_ago(last, now)} ago, without a goodbye" if last else ""
        return failed(
            f"The bot does not run ({names}{since}): start manage.py runbot, or retire its account.", **figures
        )
    if cut_off:
        return degraded("The bot runs, but has no connection to Discord; it tries again by itself.", **figures)
    if troubles := _troubles(accounts, now):
        return degraded(troubles, **figures)
    if unheard:
        return degraded("A process stands by, but none listens; one takes over within seconds.", **figures)
    if unread := [row for row in alive if row.is_connected and not row.is_ready]:
        if any(_is_stuck(row, now) for row in unread):
            return degraded(
                "The bot can't read what was written while nobody listened, so it sends nothing; its log says why.",
                **figures,
            )
        return ok("The bot is connected, and reads what was written while nobody listened.", **figures)
    others = f"; {len(standing_by)} stand by" if standing_by else ""
    return ok(f"The bot runs and is connected{others}.", **figures)


def _ago(then: datetime, now: datetime) -> str:
    return timesince(then, now, depth=1).replace("\xa0", " ")


def _is_stuck(row: BotHeartbeat, now: datetime) -> bool:
    since = now - READING
    heard_until = row.account.heard_until
    return row.started_at < since and (heard_until is None or heard_until < since)


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
checkup.register("staff channel", staff_channel)
