"""The governor's figures of one bot account, for whoever shows them: the console, the shell, Discord, the check-up."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from django.db.models import Count, Q

from bots.governor import controls, openings
from bots.governor.controls import Controls
from bots.governor.refusals import BARRED_FROM, NOTHING_FROM
from bots.models import BotHeartbeat
from bots.presence import EVERY_SECONDS
from socialmedia.models import Message, MessageStatus

ALIVE: Final = timedelta(seconds=6 * EVERY_SECONDS)
"""A bot that has not beaten for this long is taken for dead."""
COUNTED: Final = 10_000
"""A longer queue is not counted to its end."""


@dataclass(frozen=True)
class Used:
    """So many places of a budget are taken."""

    used: int
    most: int

    def __str__(self) -> str:
        return f"{self.used:,} of {self.most:,}"


@dataclass(frozen=True)
class Figures:
    """What may be sent, what was, and what waits."""

    at: datetime
    controls: Controls
    opened_in_hour: Used
    opened_in_day: Used
    next_opening_at: datetime | None
    """`at`: now. None: never, the budget is 0."""
    openings_refused: int
    openings_judged: int
    """The last openings whose outcome is known."""
    bots: int
    """Processes that live."""
    connected: int
    """Of these, those with a connection to Discord's gateway."""
    waiting: int
    """Due messages; `COUNTED` + 1 when there are more."""
    waiting_since: datetime | None
    """Since when the first of them is due."""

    @property
    def queue(self) -> str:
        """How many messages wait, in words."""
        if self.waiting > COUNTED:
            return f"more than {COUNTED:,} messages wait"
        return f"{self.waiting:,} {'message waits' if self.waiting == 1 else 'messages wait'}"

    @property
    def state(self) -> str:
        """What it does now, in a word or two."""
        if self.controls.is_stopped:
            return "stopped"
        if self.controls.is_barred:
            return "held back"
        return "slowed down" if self.controls.is_slow else "sending"

    @property
    def troubles(self) -> list[str]:
        """What keeps it from sending as it would, a sentence each; the gravest first."""
        found = [_stopped(self), _refusals(self), _opening_pause(self), _refused_openings(self)]
        return [sentence for sentence in found if sentence]


def of_account(account_id: int, *, now: datetime) -> Figures:
    """The figures as they are. Seven queries, each by an index."""
    switches = controls.of_account(account_id)
    hour, day = openings.budget()
    in_hour, in_day = openings.used(account_id, now=now)
    refused, judged = openings.refused(account_id)
    bots, connected = _alive(account_id, now)
    waiting, since = _queue(account_id, now)
    return Figures(
        at=now,
        controls=switches,
        opened_in_hour=Used(in_hour, hour.most),
        opened_in_day=Used(in_day, day.most),
        next_opening_at=_next_opening(switches, openings.free_at(account_id, now=now)),
        openings_refused=refused,
        openings_judged=judged,
        bots=bots,
        connected=connected,
        waiting=waiting,
        waiting_since=since,
    )


def _next_opening(switches: Controls, free_at: datetime | None) -> datetime | None:
    if free_at is None or switches.opening_paused_until is None:
        return free_at
    return max(free_at, switches.opening_paused_until)


def _alive(account_id: int, now: datetime) -> tuple[int, int]:
    alive = BotHeartbeat.objects.filter(account_id=account_id, beat_at__gt=now - ALIVE)
    counts = alive.aggregate(all=Count("pk"), connected=Count("pk", filter=Q(is_connected=True)))
    return counts["all"], counts["connected"]


def _queue(account_id: int, now: datetime) -> tuple[int, datetime | None]:
    """By idx_messages_outbox, and no further than COUNTED."""
    due = Message.objects.filter(
        status=MessageStatus.QUEUED, next_attempt_at__lte=now, conversation__account_id=account_id
    ).order_by("next_attempt_at", "pk")
    first = due.values_list("next_attempt_at", flat=True).first()
    return (due[: COUNTED + 1].count() if first else 0), first


def _stopped(figures: Figures) -> str:
    switches = figures.controls
    if switches.stopped_at is None:
        return ""
    why = f" ({switches.stop_reason})" if switches.stop_reason else ""
    return f"Stopped by {switches.stopped_by} since {_exact(switches.stopped_at)}{why}: {figures.queue}."


def _refusals(figures: Figures) -> str:
    number = figures.controls.refusals
    if figures.controls.is_barred:
        consequence = f"nothing is sent until they are fewer than {NOTHING_FROM:,}"
    elif figures.controls.is_slow:
        consequence = "one request a second goes out"
    else:
        return ""
    return (
        f"Discord refused {number:,} requests in ten minutes, and bars our address at {BARRED_FROM:,}: {consequence}. "
        "The bot's log says which."
    )


def _opening_pause(figures: Figures) -> str:
    until = figures.controls.opening_paused_until
    if until is None or until <= figures.at:
        return ""
    reason = figures.controls.opening_pause_reason.rstrip(".")
    return f"No new private channel is opened before {_exact(until)}, since Discord said: {reason}."


def _refused_openings(figures: Figures) -> str:
    refused, judged = figures.openings_refused, figures.openings_judged
    if judged < openings.FEWEST_TO_JUDGE or refused <= judged * openings.BAD_SHARE:
        return ""
    return f"Discord refused {refused} of the last {judged} new private channels: lower DISCORD_DM_OPENS_PER_HOUR."


def _exact(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
