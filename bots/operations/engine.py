"""`job_status` and `bot_status`: how the scheduler and the bot are doing."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from discord.utils import escape_markdown
from django.utils.timesince import timesince

from bots.answers import Answer, Question, Refused
from bots.governor import figures
from bots.health_checks import FRESH
from bots.models import BotHeartbeat
from jobs import stats
from socialmedia.models import Account

LONGEST_ERROR: Final = 500


@dataclass(frozen=True)
class Connection:
    """What the answering process knows of itself."""

    account: Account
    latency: float | None
    """Seconds for a heartbeat of the gateway and its answer; None before the first one."""
    communities: int


def scheduler(question: Question, *, now: datetime) -> Answer:
    """The seed's figures: whether it runs, each status, the attempts of 24 hours and how many of them succeeded."""
    found = stats.scheduler_stats(now=now)
    states = [
        f"{status.label}: {'about ' if count.is_estimate else ''}{count.count:,}"
        for status, count in found.jobs.items()
    ]
    rate = found.day.success_rate
    lines = [
        f"**Scheduler: {'running' if found.health.running else 'stopped'}**",
        *states,
        f"Executions in the last 24 hours: {found.day.executions:,}",
        f"Success rate: {'nothing ran yet' if rate is None else f'{rate:.1%}'}",
    ]
    if found.health.paused:
        lines.append(f"Paused: {', '.join('everything' if name == '*' else name for name in found.health.paused)}")
    return Answer("\n".join(lines))


def job(question: Question, *, job_id: str) -> Answer:
    """One job: type, status, time, and what went wrong."""
    found = stats.job_status(job_id) if "\x00" not in job_id else None
    if found is None:
        shown = " ".join(job_id.split()).replace("`", "'")[:60]
        raise Refused(f"There is no job `{shown}`. `job_status` without an id shows the figures.")
    row = found.job
    lines = [
        f"**Job** `{row.job_id}`",
        f"Type: {escape_markdown(row.job_type)}",
        f"Status: {row.status}",
        f"Scheduled: {_minute(row.scheduled_time)}",
        f"Attempts: {len(found.attempts)}",
    ]
    if row.error_message:
        lines.append(f"Error: {escape_markdown(row.error_message)[:LONGEST_ERROR]}")
    return Answer("\n".join(lines))


def bot(question: Question, *, connection: Connection, is_staff: bool, now: datetime) -> Answer:
    """Who the bot is and whether it is well; for the team also what waits and what is switched off."""
    account = connection.account
    lines = [
        f"**{escape_markdown(account.display_name or account.username)}** (`{account.external_id}`)",
        f"Connected to Discord, in {connection.communities:,} communit{'y' if connection.communities == 1 else 'ies'}.",
        _heartbeat(account, now=now),
        f"Latency: {'not measured yet' if connection.latency is None else f'{connection.latency * 1000:.0f} ms'}",
    ]
    return Answer("\n".join(lines + (_for_staff(account, now=now) if is_staff else [])))


def _heartbeat(account: Account, *, now: datetime) -> str:
    alive = list(BotHeartbeat.objects.filter(account=account, beat_at__gt=now - FRESH).order_by("-beat_at"))
    if not alive:
        return "Heartbeat: none is fresh; I have just started, or my database is slow."
    since = min(beat.started_at for beat in alive)
    seconds = max(0, round((now - alive[0].beat_at).total_seconds()))
    processes = f" {len(alive)} processes." if len(alive) > 1 else ""
    return f"Heartbeat: {seconds} s ago, running for {timesince(since, now)}.{processes}"


def _for_staff(account: Account, *, now: datetime) -> list[str]:
    found = figures.of_account(account.pk, now=now)
    opening = "none, the budget is 0" if found.next_opening_at is None else "possible"
    if found.next_opening_at is not None and found.next_opening_at > now:
        opening = f"not before {_minute(found.next_opening_at)}"
    since = f", the oldest since {_minute(found.waiting_since)}" if found.waiting_since else ""
    return [
        f"**For the team: {found.state}**",
        f"Queue: {found.queue}{since}.",
        f"New private channels: {found.opened_in_hour} this hour, {found.opened_in_day} today; the next is {opening}.",
        f"Requests that Discord refused in ten minutes: {found.controls.refusals:,}",
        *(f"- {escape_markdown(trouble)}" for trouble in found.troubles),
    ]


def _minute(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
