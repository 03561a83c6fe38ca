"""What would be sent in the coming days, to whom, and what would hold it: the policy's own code on another clock.

Nothing is sent or written: it runs in a transaction that the database keeps from writing. It takes it that nobody
writes meanwhile, that everybody is reached, and that workers are never late.
"""

import heapq
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from itertools import chain, count, groupby
from typing import Any, Final

from django.db import connection, transaction
from django.db.models import F, QuerySet

from followups import birthdays, conf, facts, policy, whatif
from followups.analytics import experiments
from followups.conf import FollowUpSettings
from followups.models import (
    MOST_UNANSWERED,
    Campaign,
    FollowUp,
    FollowUpHistory,
    FollowUpStatus,
    Trigger,
    UserProfile,
)
from followups.policy import Decision, Facts, Gate, Sent, Verdict
from socialmedia.models import MessageStatus

LONGEST = timedelta(days=366)
CHUNK: Final = 2_000
MOST_STEPS: Final = 200
"""Of one follow-up: a policy that holds and holds must not hold up the forecast."""
_OF_SILENCE: Final = (Trigger.INACTIVITY, Trigger.RE_ENGAGEMENT)
_ASKED_BY_SWEEPS: Final = (Gate.SWITCH, Gate.CONSENT, Gate.TOPIC, Gate.REACHABLE)
"""Shown once as dropped; the sweeps would not even plan it."""
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
    not_after: datetime | None = None
    """What would come then or later is not planned."""


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
    gaps: Sequence[facts.Span]
    """In which nobody listened."""
    greeted: frozenset[int]
    """The years whose birthday greeting is or was planned."""


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
        greeted = _greeted(chunk, now=now)
        for profile in chunk:
            key = profile.pk
            yield _Row(profile, sent.get(key, ()), pending.get(key, ()), gaps, frozenset(greeted.get(key, ())))


def _sent(keys: Sequence[str], *, now: datetime) -> dict[str, tuple[Sent, ...]]:
    rows = FollowUpHistory.objects.filter(user_id__in=keys, sent_at__gt=now - policy.WEEK).order_by("user_id")
    values = rows.values_list("user_id", "sent_at", "trigger_type")
    return {
        key: tuple(Sent(at, trigger) for _, at, trigger in group) for key, group in groupby(values, lambda row: row[0])
    }


def _greeted(chunk: Sequence[Any], *, now: datetime) -> dict[str, set[int]]:
    years: dict[str, set[int]] = {}
    born = [profile.pk for profile in chunk if profile.birthday_month is not None]
    for key, year in birthdays.greetings(born, [now.year - 1, now.year, now.year + 1]) if born else ():
        years.setdefault(key, set()).add(year)
    return years


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
        profile = row.profile
        self._spans = sorted(chain(row.gaps, ((span.lower, span.upper) for span in profile.said_absences)))
        self._answered = profile.quiet_planned_for
        self._counts_from = profile.re_engagement_counts_from
        self._silences = 0
        """Pending check-ins and re-engagements: while there is one, the sweeps plan none."""
        for candidate in [*row.pending, *self._birthdays()]:
            self._push(candidate, candidate.planned_for)
        self._sweep(forecast.since)

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
        elif decision.verdict is Verdict.DROP or decision.until is None or _too_late(candidate, decision.until):
            self._drop(candidate, decision.gate, at)
        else:
            self._hold(candidate, decision.gate, decision.until)

    def _send(self, candidate: _Candidate, at: datetime) -> None:
        self._forecast.sent[at.date(), candidate.trigger] += 1
        self._sent.append(Sent(at, candidate.trigger))
        if candidate.trigger == Trigger.RE_ENGAGEMENT:
            self._note_re_engaged(at)
        self._end(candidate, at)

    def _drop(self, candidate: _Candidate, gate: Gate | None, at: datetime) -> None:
        self._forecast.dropped[str(gate)] += 1
        if gate is Gate.HOLDOUT and candidate.trigger == Trigger.RE_ENGAGEMENT:
            self._note_re_engaged(at)
        if gate not in _ASKED_BY_SWEEPS:
            self._end(candidate, at)

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
        self._silences += candidate.trigger in _OF_SILENCE and candidate.held_until is None
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
            planned_for=candidate.planned_for,
            # What is overdue is asked about now: that nothing ran until then is no reason to drop it.
            held_until=max(candidate.held_until or self._forecast.since, self._forecast.since),
            campaign_paused=campaign.pause_reason if campaign.paused_at else "",
            is_held_out=experiments.is_held_out(
                self._profile.pk, trigger, self._settings.holdout_percent if percent is None else percent
            ),
        )

    # --- what the sweeps would plan, if nobody writes ---

    def _end(self, candidate: _Candidate, at: datetime) -> None:
        """It is pending no more: the sweeps may plan the next."""
        if candidate.trigger in _OF_SILENCE:
            self._silences -= 1
            self._sweep(at)

    def _sweep(self, at: datetime) -> None:
        """Plan what the silence comes to next, from `at` on, unless something of its kind is pending."""
        if self._silences or self._profile.last_interaction is None:
            return
        found = [candidate for candidate in (self._check_in(at), self._re_engagement(at)) if candidate is not None]
        if not found:
            return
        first = min(found, key=lambda candidate: candidate.planned_for)
        if first.planned_for >= self._forecast.until:
            return
        self._answered = self._profile.last_interaction
        if first.trigger == Trigger.RE_ENGAGEMENT:
            self._counts_from = self._after_cool_off(first.planned_for)
        self._push(first, first.planned_for)

    def _check_in(self, at: datetime) -> _Candidate | None:
        """One check-in for a silence that is not answered yet, unless it is long enough for a re-engagement."""
        last, settings = self._profile.last_interaction, self._settings
        if self._answered is not None and self._answered >= last:
            return None
        due = self._due(last, settings.default_delay, at=at)
        listened = due - last - facts.covered(self._row.gaps, since=last, until=due)
        return _Candidate(Trigger.INACTIVITY, due) if listened < settings.inactive_after else None

    def _re_engagement(self, at: datetime) -> _Candidate | None:
        if self._unanswered >= MOST_UNANSWERED:
            return None
        last = self._profile.last_interaction
        since = max(last, self._counts_from or last)
        return _Candidate(Trigger.RE_ENGAGEMENT, self._due(since, self._settings.inactive_after, at=at))

    def _due(self, since: datetime, window: timedelta, *, at: datetime) -> datetime:
        """When the silence is long enough, from `at` on, and the member neither away nor in a pause."""
        profile = self._profile
        ends = since + window
        if self._settings.personal_rhythm and profile.quiet_due_at is not None:
            ends = max(ends, profile.quiet_due_at)
        earliest = max(at, profile.paused_until or at)
        due = max(ends, earliest)
        while True:
            away = [end for start, end in self._spans if start <= due < end]
            later = max([due, ends + facts.covered(self._spans, since=since, until=due), *away])
            if later == due:
                return due
            due = later

    def _note_re_engaged(self, at: datetime) -> None:
        counts_from = self._after_cool_off(at)
        self._counts_from = max(self._counts_from or counts_from, counts_from)
        self._unanswered += 1

    def _after_cool_off(self, at: datetime) -> datetime:
        return at + self._settings.cool_off - self._settings.inactive_after

    def _birthdays(self) -> list[_Candidate]:
        profile, forecast = self._profile, self._forecast
        if profile.birthday_month is None or profile.birthday_day is None:
            return []
        zone = policy.zone_for(profile.timezone, self._settings.timezone)
        found = birthdays.coming(
            profile.birthday_month, profile.birthday_day, zone=zone, since=forecast.since, until=forecast.until
        )
        return [
            _Candidate(Trigger.BIRTHDAY, birthday.due_at, not_after=birthday.ends_at)
            for birthday in found
            if birthday.day.year not in self._row.greeted
        ]


def _too_late(candidate: _Candidate, until: datetime) -> bool:
    """Whether planning it would find that it would come too late."""
    return candidate.not_after is not None and until >= candidate.not_after
