"""What would be sent in the coming days, to whom, and what would hold it: the policy's own code on another clock.

Nothing is sent or written: it runs in a transaction that the database keeps from writing. It takes it that nobody
writes meanwhile, that everybody is reached, and that workers are never late.
"""

import heapq
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from itertools import count, groupby
from typing import Any, Final

from django.db import connection, transaction
from django.db.models import F, QuerySet

from followups import conf, facts, policy, whatif
from followups.analytics import experiments
from followups.conf import FollowUpSettings
from followups.models import Campaign, FollowUp, FollowUpHistory, FollowUpStatus, Trigger, UserProfile
from followups.policy import Decision, Facts, Gate, Sent, Verdict
from socialmedia.models import MessageStatus

LONGEST = timedelta(days=366)
CHUNK: Final = 2_000
MOST_UNANSWERED: Final = 2
GREETING: Final = time(10)
MOST_STEPS: Final = 200
"""Of one follow-up: a policy that holds and holds must not hold up the forecast."""
Progress = Callable[[int], None]


class CannotSimulate(ValueError):
    """The request makes no sense; the message says why."""


@dataclass(frozen=True)
class Step:
    """One answer of the policy on the way."""

    at: datetime
    user_id: str
    trigger: str
    decision: Decision


@dataclass
class Forecast:
    """What came out."""

    since: datetime
    until: datetime
    members: int = 0
    """Looked at: those who opted in."""
    sent: Counter[tuple[date, str]] = field(default_factory=Counter)
    """By day (UTC) and trigger."""
    held: Counter[str] = field(default_factory=Counter)
    """Follow-ups that a gate held at least once."""
    dropped: Counter[str] = field(default_factory=Counter)
    waiting: int = 0
    """Still held at the end."""
    steps: list[Step] = field(default_factory=list)
    """The first ones, of every verdict."""
    most_steps: int = 1_000

    @property
    def total(self) -> int:
        """How many messages would be sent."""
        return self.sent.total()

    def by_day(self) -> Counter[date]:
        """Messages of each day, in UTC."""
        days: Counter[date] = Counter()
        for (day, _), number in self.sent.items():
            days[day] += number
        return days

    def by_trigger(self) -> Counter[str]:
        """Messages of each trigger."""
        triggers: Counter[str] = Counter()
        for (_, trigger), number in self.sent.items():
            triggers[trigger] += number
        return triggers

    def note(self, step: Step) -> None:
        """Keep a step while there is room."""
        if len(self.steps) < self.most_steps:
            self.steps.append(step)


@dataclass(frozen=True)
class _Candidate:
    """A follow-up that would come up."""

    trigger: str
    planned_for: datetime
    held_until: datetime | None = None
    held_by: frozenset[Gate] = frozenset()


def simulate(
    *,
    now: datetime,
    days: int = 30,
    changes: Sequence[dict[str, Any]] = ({},),
    member: str = "",
    most_steps: int = 1_000,
    progress: Progress | None = None,
) -> list[Forecast]:
    """Return one forecast for each set of changed settings (`{"FOLLOW_UP_MAX_PER_USER_PER_WEEK": 1}`), all of them
    from the same snapshot of the database. `progress` hears now and then how many members have been looked at.

    Raises:
        CannotSimulate: a span that is no 1 to 366 days, or an unknown member.
        whatif.BadSetting: an unknown setting, or a value that it cannot have.
    """
    until = now + timedelta(days=days)
    if not timedelta(0) < until - now <= LONGEST:
        raise CannotSimulate(f"A forecast covers 1 to {LONGEST.days} days, not {days}.")
    policies = [whatif.changed(change) for change in changes]
    forecasts = [Forecast(since=now, until=until, most_steps=most_steps) for _ in policies]
    with _looking_only():
        campaigns = Campaign.objects.in_bulk()
        for number, row in enumerate(_members(member, now=now), start=1):
            for settings, forecast in zip(policies, forecasts, strict=True):
                _Life(row, settings, campaigns, forecast).run()
            if progress and number % CHUNK == 0:
                progress(number)
    return forecasts


@contextmanager
def _looking_only() -> Iterator[None]:
    """One snapshot for the whole forecast, in which the database refuses every write."""
    is_outermost = not connection.in_atomic_block
    with transaction.atomic(), connection.cursor() as cursor:
        if is_outermost:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        cursor.execute("SET TRANSACTION READ ONLY")
        yield
        transaction.set_rollback(True)


@dataclass(frozen=True)
class _Row:
    """A member with what was sent and what is planned."""

    profile: Any
    sent: tuple[Sent, ...]
    pending: tuple[_Candidate, ...]
    gaps: Sequence[tuple[datetime, datetime]]
    """In which nobody listened."""


def _members(only: str, *, now: datetime) -> Iterator[_Row]:
    """The members who opted in, in chunks by key: memory does not grow with the community."""
    if only and not UserProfile.objects.filter(pk=only).exists():
        raise CannotSimulate(f"Nobody with the id {only!r} is known.")
    rows: QuerySet[Any] = facts.annotated(UserProfile.objects.order_by("pk"), trigger=Trigger.INACTIVITY)
    rows = rows.filter(pk=only) if only else rows.filter(follow_ups_enabled=True)
    after = ""
    while chunk := list(rows.filter(pk__gt=after)[:CHUNK]):
        after = chunk[-1].pk
        keys = [profile.pk for profile in chunk]
        sent, pending = _sent(keys, now=now), _pending(keys, now=now)
        gaps = facts.gaps_in_silence(chunk, Trigger.INACTIVITY, conf.current().limits(), now=now)
        for profile in chunk:
            yield _Row(profile, sent.get(profile.pk, ()), pending.get(profile.pk, ()), gaps)


def _sent(keys: Sequence[str], *, now: datetime) -> dict[str, tuple[Sent, ...]]:
    rows = FollowUpHistory.objects.filter(user_id__in=keys, sent_at__gt=now - policy.WEEK).order_by("user_id")
    values = rows.values_list("user_id", "sent_at", "trigger_type")
    return {
        key: tuple(Sent(at, trigger) for _, at, trigger in group) for key, group in groupby(values, lambda row: row[0])
    }


def _pending(keys: Sequence[str], *, now: datetime) -> dict[str, tuple[_Candidate, ...]]:
    """What is planned, written or not. One that may have arrived counts as neither: a person must look."""
    rows = FollowUp.objects.filter(user_id__in=keys, status=FollowUpStatus.PENDING)
    rows = rows.exclude(message__status=MessageStatus.UNKNOWN).order_by("user_id", F("scheduled_at"))
    values = rows.values_list("user_id", "trigger_type", "scheduled_at")
    return {
        key: tuple(_Candidate(trigger, at) for _, trigger, at in group)
        for key, group in groupby(values, lambda row: row[0])
    }


class _Life:
    """One member's coming days under one policy."""

    def __init__(
        self, row: _Row, settings: FollowUpSettings, campaigns: Mapping[str, Campaign], forecast: Forecast
    ) -> None:
        self._row, self._profile, self._settings, self._forecast = row, row.profile, settings, forecast
        self._campaigns = campaigns
        self._sent = list(row.sent)
        self._unanswered = row.profile.re_engagements_unanswered
        self._order = count()
        self._queue: list[tuple[datetime, int, _Candidate]] = []
        for candidate in [*row.pending, *self._to_come(row.pending)]:
            self._push(candidate, candidate.planned_for)

    def run(self) -> None:
        """Ask the policy about each follow-up when it is due, in the order of time."""
        self._forecast.members += 1
        asked = 0
        while self._queue and asked < MOST_STEPS:
            at, _, candidate = heapq.heappop(self._queue)
            asked += 1
            self._ask(candidate, at)
        self._forecast.waiting += len(self._queue)

    def _ask(self, candidate: _Candidate, at: datetime) -> None:
        forecast = self._forecast
        decision = policy.decide(self._facts(candidate, at), now=at)
        if decision.verdict is not Verdict.HOLD or decision.gate not in candidate.held_by:
            forecast.note(Step(at, self._profile.pk, candidate.trigger, decision))
        if decision.verdict is Verdict.SEND:
            self._send(candidate, at)
        elif decision.verdict is Verdict.DROP or decision.until is None:
            forecast.dropped[str(decision.gate)] += 1
        else:
            self._hold(candidate, decision.gate, decision.until)

    def _send(self, candidate: _Candidate, at: datetime) -> None:
        self._forecast.sent[at.date(), candidate.trigger] += 1
        self._sent.append(Sent(at, candidate.trigger))
        if candidate.trigger == Trigger.RE_ENGAGEMENT:
            self._unanswered += 1
            if self._unanswered < MOST_UNANSWERED:
                again = at + self._settings.cool_off
                self._push(_Candidate(Trigger.RE_ENGAGEMENT, again), again)

    def _hold(self, candidate: _Candidate, gate: Gate | None, until: datetime) -> None:
        if gate is not None and gate not in candidate.held_by:
            self._forecast.held[gate.value] += 1
            candidate = replace(candidate, held_by=candidate.held_by | {gate})
        if until < self._forecast.until:
            self._push(replace(candidate, held_until=until), until)
        else:
            self._forecast.waiting += 1

    def _push(self, candidate: _Candidate, at: datetime) -> None:
        at = max(at, self._forecast.since)
        if at < self._forecast.until:
            heapq.heappush(self._queue, (at, next(self._order), candidate))

    def _facts(self, candidate: _Candidate, at: datetime) -> Facts:
        trigger, row = candidate.trigger, self._row
        known = facts.of_member(
            self._profile, trigger=trigger, settings=self._settings, sent=self._sent, gaps=row.gaps, now=at
        )
        campaign = self._campaigns.get(trigger) or Campaign(trigger_type=trigger)
        percent = campaign.holdout_percent
        return replace(
            known,
            planned_for=max(candidate.planned_for, self._forecast.since),
            held_until=candidate.held_until,
            campaign_paused=campaign.pause_reason if campaign.paused_at else "",
            is_held_out=experiments.is_held_out(
                self._profile.pk, trigger, self._settings.holdout_percent if percent is None else percent
            ),
        )

    # --- what the sweeps would plan, if nobody writes ---

    def _to_come(self, pending: Iterable[_Candidate]) -> list[_Candidate]:
        planned = {candidate.trigger for candidate in pending}
        found = [self._check_in(), self._re_engagement(), *self._birthdays()]
        return [candidate for candidate in found if candidate is not None and candidate.trigger not in planned]

    def _check_in(self) -> _Candidate | None:
        """One check-in for a silence that is not answered yet, unless it is long enough for a re-engagement."""
        profile, settings = self._profile, self._settings
        last, answered = profile.last_interaction, profile.quiet_planned_for
        if last is None or (answered is not None and answered >= last):
            return None
        due = last + settings.default_delay
        if settings.personal_rhythm and profile.quiet_due_at is not None:
            due = max(due, profile.quiet_due_at)
        due = max(due, self._forecast.since)
        return _Candidate(Trigger.INACTIVITY, due) if due - last < settings.inactive_after else None

    def _re_engagement(self) -> _Candidate | None:
        profile = self._profile
        if profile.last_interaction is None or self._unanswered >= MOST_UNANSWERED:
            return None
        silent_since = max(profile.last_interaction, profile.re_engagement_counts_from or profile.last_interaction)
        return _Candidate(Trigger.RE_ENGAGEMENT, silent_since + self._settings.inactive_after)

    def _birthdays(self) -> list[_Candidate]:
        profile, forecast = self._profile, self._forecast
        if profile.birthday_month is None or profile.birthday_day is None:
            return []
        zone = policy.zone_for(profile.timezone, self._settings.timezone)
        years = range(forecast.since.year, forecast.until.year + 1)
        days = [_birthday(year, profile.birthday_month, profile.birthday_day) for year in years]
        greetings = [datetime.combine(day, GREETING, zone) for day in days]
        return [_Candidate(Trigger.BIRTHDAY, at) for at in greetings if forecast.since <= at < forecast.until]


def _birthday(year: int, month: int, day: int) -> date:
    """Who was born on a leap day is greeted the day before in other years."""
    try:
        return date(year, month, day)
    except ValueError:
        return date(year, month, day - 1)
