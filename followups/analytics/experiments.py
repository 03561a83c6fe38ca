"""Do follow-ups help, and which text helps most? Members held out against those contacted, variant against variant."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from django.db.models import Count, Min, Q

from followups import assignment
from followups.analytics import intervals, rates, words
from followups.analytics.intervals import Interval, Share
from followups.analytics.rates import Rate
from followups.campaigns import MEASURED
from followups.models import FollowUpHistory, Holdout
from jobs.figures import Span

_CAME_BACK = Count("pk", filter=Q(returned_at__isnull=False))


@dataclass(frozen=True)
class Lift:
    """Who came back with a message, and who without one."""

    trigger: str
    contacted: Share
    held_out: Share

    @property
    def difference(self) -> float | None:
        """Share of those contacted minus share of those held out; None while too little is known."""
        with_it, without = self.contacted.value, self.held_out.value
        return None if with_it is None or without is None or not self._is_enough else with_it - without

    @property
    def interval(self) -> Interval | None:
        """Where the true difference likely lies; None while too little is known."""
        return intervals.difference(self.contacted, self.held_out) if self._is_enough else None

    @property
    def in_words(self) -> str:
        """The same in a sentence."""
        if not self.held_out.of:
            return "Nobody was held out, so nobody can tell what it does."
        interval = self.interval
        if interval is None:
            counts = f"{self.contacted.of:,} got a message and {self.held_out.of:,} did not"
            return f"{words.NOT_ENOUGH.capitalize()}: {counts}; it takes {words.ENOUGH} of each."
        came = words.percent(self.contacted.value), words.percent(self.held_out.value)
        if interval.has_zero:
            return (
                f"No difference can be seen yet: {came[0]} came back with a message, {came[1]} without one "
                f"(likely {words.points(interval)} points)."
            )
        return (
            f"Of those who got a message {came[0]} came back, of those who did not {came[1]}: "
            f"{words.gap(self.contacted, self.held_out, interval)}."
        )

    @property
    def _is_enough(self) -> bool:
        return min(self.contacted.of, self.held_out.of) >= words.ENOUGH


@dataclass(frozen=True)
class Contest:
    """The variants of one text, side by side: those of one key, language, level, mood and account."""

    template_key: str
    place: str
    """Whom the text is for, as in "en" or "de, Friend"."""
    variants: tuple[Rate, ...]
    winner: str
    """The variant that is answered more often than each of the others; empty while none is."""
    in_words: str


def is_held_out(user_id: str, trigger: str, percent: int) -> bool:
    """Whether the member is kept without these messages: always the same answer for the same percent, and who is
    held out at 5 percent is so at 10.
    """
    return trigger in MEASURED and assignment.fraction(user_id, "holdout", trigger) * 100 < percent


def lifts(over: Span, *, now: datetime) -> list[Lift]:
    """Compare those contacted with those held out, by trigger, in two queries by the indexes of trigger and time.

    Each occasion counts. Only those contacted since the first was held out: before, those who are held out now were
    among them, and the season was another. Who could not be reached in the end is missing among those contacted.
    """
    until = min(over.until, rates.ripe_before(now=now))
    held = {row[0]: row[1:] for row in _held(over, until)}
    since_first = Q(pk__in=[])
    for trigger, (first, _, _) in held.items():
        since_first |= Q(trigger_type=trigger, sent_at__gte=first)
    contacted = FollowUpHistory.objects.filter(since_first, sent_at__lt=until).order_by()
    came = {row[0]: row[1:] for row in contacted.values_list("trigger_type").annotate(hits=_CAME_BACK, of=Count("pk"))}
    return [
        Lift(trigger.value, Share(*came.get(trigger, (0, 0))), Share(*held.get(trigger, (None, 0, 0))[1:]))
        for trigger in MEASURED
    ]


def contests(over: Span, *, now: datetime) -> list[Contest]:
    """Compare the variants of each text that has several, in one query. Choose a span in which all were sent.

    A member draws among the variants of one place only. Counted across languages or levels, a variant that exists in
    one of them would win or lose by who those members are. Words of staff and of a model are no variants.
    """
    found = sorted(rates.of_variants(over, now=now), key=lambda rate: rate.group)
    by_place = groupby(found, key=lambda rate: rate.group[:-1])
    several = ((place, tuple(variants)) for place, variants in by_place)
    return [judge(place, variants) for place, variants in several if len(variants) > 1]


def judge(place: Sequence[str], variants: Sequence[Rate]) -> Contest:
    """Name the winner, if its lead over each other variant is more than chance and it does no more harm. Pure.
    `place` is the key and whom the text is for, as `rates.of_variants` groups them.
    """
    winner, sentence = _verdict(variants)
    key, *whom = place
    return Contest(key, ", ".join(filter(None, whom)), tuple(variants), winner, sentence)


def _verdict(variants: Sequence[Rate]) -> tuple[str, str]:
    counted = ", ".join(f"{_name(rate)} {rate.answered.hits:,} of {rate.answered.of:,}" for rate in variants)
    if min(rate.answered.of for rate in variants) < words.ENOUGH:
        return "", f"{words.NOT_ENOUGH.capitalize()}: {counted} answered; it takes {words.ENOUGH} sent of each."
    leader = max(variants, key=lambda rate: rate.answered.value or 0)
    others = [rate for rate in variants if rate is not leader]
    leads = _differences(leader, others, "answered")
    if any(lead.low <= 0 for lead in leads):
        return "", f"No difference can be seen yet: {counted} answered."
    if any(more.low > 0 for more in _differences(leader, others, "harmed")):
        return "", f"{_name(leader)} is answered more often, but it does more harm, too: {counted} answered."
    second = max(others, key=lambda rate: rate.answered.value or 0)
    lead = leads[others.index(second)]
    shares = f"{words.percent(leader.answered.value)} against {words.percent(second.answered.value)} of {_name(second)}"
    return leader.group[-1], (
        f"{_name(leader)} is answered more often, {shares}: {words.gap(leader.answered, second.answered, lead)}."
    )


def _differences(leader: Rate, others: Iterable[Rate], name: str) -> list[Interval]:
    """How far the leader is ahead of each. The more rivals, the surer it must be: one of many leads by chance."""
    rivals = list(others)
    confidence = 1 - (1 - intervals.CONFIDENCE) / len(rivals)
    found = (
        intervals.difference(getattr(leader, name), getattr(rival, name), confidence=confidence) for rival in rivals
    )
    return [interval for interval in found if interval is not None]


def _name(rate: Rate) -> str:
    return f"variant {rate.group[-1]}"


def _held(over: Span, until: datetime) -> Iterable[tuple[str, datetime, int, int]]:
    """By trigger: when the first was held out, how many came back, and of how many."""
    rows = Holdout.objects.filter(trigger_type__in=MEASURED, held_at__gte=over.since, held_at__lt=until).order_by()
    return rows.values_list("trigger_type").annotate(first=Min("held_at"), hits=_CAME_BACK, of=Count("pk"))
