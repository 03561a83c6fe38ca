"""Quiet hours in every zone of the world, over two years: nothing inside them, and nothing twice in an hour that is
repeated (PEERS 20 and 21).
"""

import random
import zoneinfo
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from followups import policy
from followups.models import FollowUp
from followups.policy import Facts, Gate, Limits, Sent, Verdict
from followups.quiet_hours import SendTimes
from jobs.errors import Snooze
from socialmedia.models import Message
from tests.followups.factories import execute, make_member, make_plan, make_thread, put_back

ZONES = sorted(zoneinfo.available_timezones())
BEGIN, END = datetime(2026, 1, 1, tzinfo=UTC), datetime(2028, 1, 1, tzinfo=UTC)
HOUR, DAY, MINUTE = timedelta(hours=1), timedelta(days=1), timedelta(minutes=1)
TICK = timedelta(microseconds=1)
# Community's hours, member's own hours, days. Each must leave some time in every week.
RULES: list[tuple[tuple[int, int], tuple[int, int] | None, frozenset[int]]] = [
    ((21, 9), None, frozenset(range(7))),
    ((21, 9), (0, 0), frozenset({0, 1, 2, 3, 4})),
    ((21, 9), (12, 14), frozenset({6})),
    ((22, 2), (2, 3), frozenset(range(7))),
    ((0, 6), (23, 1), frozenset({5, 6})),
    ((3, 2), None, frozenset(range(7))),  # only the hour from 2 to 3, which some days lack
    ((0, 0), (0, 1), frozenset({0, 6})),
    ((4, 0), (0, 3), frozenset(range(7))),
]


@cache
def changes_of_clocks(name: str) -> tuple[datetime, ...]:
    """The instants of the two years at which the zone's offset changes, to the minute."""
    zone = zoneinfo.ZoneInfo(name)
    found = []
    day = BEGIN
    while day < END:
        if day.astimezone(zone).utcoffset() != (day + DAY).astimezone(zone).utcoffset():
            low, high = day, day + DAY
            while high - low > MINUTE:
                middle = low + (high - low) // 2
                same = middle.astimezone(zone).utcoffset() == day.astimezone(zone).utcoffset()
                low, high = (middle, high) if same else (low, middle)
            found.append(high.replace(second=0, microsecond=0))
        day += DAY
    return tuple(found)


def instants(name: str, chance: random.Random) -> Iterator[datetime]:
    """Times around each change of the clocks, on and beside the quarters of an hour, and some at random."""
    for change in changes_of_clocks(name):
        yield from (change, change - TICK, change + TICK)
        for _ in range(4):
            yield change + timedelta(minutes=15 * chance.randint(-30, 14)) + chance.choice([-TICK, 0 * TICK, TICK])
    for _ in range(10):
        yield BEGIN + (END - BEGIN) * chance.random()


def is_quiet(at: datetime, zone: zoneinfo.ZoneInfo, rule: Any) -> bool:
    """The same question as the policy's, asked of the wall clock's own words."""
    community, own, days = rule
    clock, day = at.astimezone(zone).strftime("%H:%M:%S"), at.astimezone(zone).isoweekday() - 1
    inside = [
        f"{start:02}:00" <= clock < f"{end:02}:00"
        if start <= end
        else clock >= f"{start:02}:00" or clock < f"{end:02}:00"
        for start, end in filter(None, (community, own))
    ]
    return any(inside) or day not in days


def facts_of(name: str, rule: Any, **changes: Any) -> Facts:
    """Facts of a member there to whom everything else is allowed."""
    community, own, days = rule
    facts = Facts(
        trigger="custom",
        limits=Limits(quiet_start=community[0], quiet_end=community[1], send_days=days, jitter=30 * MINUTE),
        has_profile=True,
        newest_receipt="granted",
        follow_ups_enabled=True,
        timezone=name,
        user_id=name,
        quiet_start=own[0] if own else None,
        quiet_end=own[1] if own else None,
    )
    return replace(facts, **changes)


class TestEveryZone:
    def test_is_never_disturbed(self) -> None:
        """At each instant: what is sent is sent by day, and what is held is held into the day, once."""
        chance = random.Random(20)
        asked = held = 0
        for name in ZONES:
            zone = zoneinfo.ZoneInfo(name)
            for at, rule in ((at, rule) for at in instants(name, chance) for rule in chance.sample(RULES, 2)):
                facts = facts_of(name, rule)
                decision = policy.decide(facts, now=at)
                asked += 1
                assert (decision.verdict is Verdict.SEND) is not is_quiet(at, zone, rule), (name, at, rule)
                if decision.until is None:
                    continue
                held += 1
                assert decision.gate is Gate.QUIET_HOURS
                assert decision.until > at
                assert not is_quiet(decision.until, zone, rule), (name, at, rule)
                assert policy.decide(facts, now=decision.until).verdict is Verdict.SEND, (name, at, rule)

        assert len(ZONES) > 400
        assert asked > 15_000
        assert held > 6_000

    def test_has_changes_of_clocks_among_what_is_asked(self) -> None:
        """Were none found, the test above would ask random times only."""
        assert len(changes_of_clocks("Europe/Berlin")) == 4
        assert changes_of_clocks("America/New_York")[0] == datetime(2026, 3, 8, 7, 0, tzinfo=UTC)
        assert sum(bool(changes_of_clocks(name)) for name in ZONES) > 100

    def test_gives_every_asker_the_same_end(self) -> None:
        """Asked at any time of one night, also in both halves of a repeated hour, the hold ends at one instant."""
        rule = RULES[0]
        for name in ZONES:
            for change in changes_of_clocks(name):
                facts = facts_of(name, rule)
                evening = change - 4 * HOUR
                if not is_quiet(evening, zoneinfo.ZoneInfo(name), rule):
                    continue
                end = policy.decide(facts, now=evening).until
                assert end is not None
                times = [evening + 20 * MINUTE * step for step in range(30)]
                ends = {policy.decide(facts, now=at).until for at in times if at < end - 31 * MINUTE}
                assert ends == {end}, name


class TestRepeatedHour:
    """New York, 1 November 2026: 1:00 to 2:00 comes twice. Berlin, 25 October: 2:00 to 3:00."""

    def test_that_is_quiet_is_quiet_twice(self) -> None:
        rule = ((22, 2), None, frozenset(range(7)))
        for minute in (30, 90):  # 1:30 in summer time and again in winter time
            at = datetime(2026, 11, 1, 5, 0, tzinfo=UTC) + minute * MINUTE
            decision = policy.decide(facts_of("America/New_York", rule, limits=Limits(quiet_end=2)), now=at)
            assert decision.until == datetime(2026, 11, 1, 7, 0, tzinfo=UTC)

    def test_that_ends_the_quiet_hours_ends_them_at_its_first_time(self) -> None:
        berlin = facts_of("Europe/Berlin", RULES[0], limits=Limits(quiet_start=22, quiet_end=2))

        decision = policy.decide(berlin, now=datetime(2026, 10, 24, 23, 0, tzinfo=UTC))

        assert decision.until == datetime(2026, 10, 25, 0, 0, tzinfo=UTC)
        assert policy.decide(berlin, now=datetime(2026, 10, 25, 1, 30, tzinfo=UTC)).verdict is Verdict.SEND

    @pytest.mark.django_db
    def test_sends_what_was_held_into_it_once(self, settings: Any) -> None:
        """Held to 2:00 and some minutes, the job runs in the first 2 o'clock hour; run again in the second, nothing."""
        settings.FOLLOW_UP_QUIET_HOURS_START, settings.FOLLOW_UP_QUIET_HOURS_END = 22, 2
        night = datetime(2026, 10, 24, 21, 30, tzinfo=UTC)
        member = make_member(timezone="Europe/Berlin", last_interaction=night - 3 * DAY)
        make_thread(member)
        follow_up = make_plan(member, due_at=night - 2 * HOUR, now=night - 2 * HOUR)

        with pytest.raises(Snooze) as held:
            execute(follow_up, now=night)
        first = held.value.until
        assert first is not None
        local = first.astimezone(zoneinfo.ZoneInfo("Europe/Berlin"))
        assert (local.hour, local.fold) == (2, 0)
        for now in (first, first + HOUR):
            put_back(follow_up)
            execute(follow_up, now=now)

        assert Message.objects.count() == 1
        assert FollowUp.objects.get().message is not None


class TestSkippedHour:
    def test_ends_quiet_hours_with_the_next_one(self) -> None:
        """Quiet until 2:00 on the night when New York's clocks jump from 2:00 to 3:00."""
        zone = zoneinfo.ZoneInfo("America/New_York")
        facts = facts_of("America/New_York", RULES[0], limits=Limits(quiet_start=22, quiet_end=2))

        end = policy.decide(facts, now=datetime(2026, 3, 8, 6, 30, tzinfo=UTC)).until

        assert end == datetime(2026, 3, 8, 7, 0, tzinfo=UTC)
        assert end.astimezone(zone).hour == 3

    def test_that_is_the_only_open_one_waits_for_the_next_day(self) -> None:
        only_two = SendTimes(zoneinfo.ZoneInfo("Europe/Berlin"), ((3, 2),))

        opening = only_two.opening(datetime(2026, 3, 28, 23, 0, tzinfo=UTC))

        assert opening == datetime(2026, 3, 30, 0, 0, tzinfo=UTC)


class TestOpening:
    @settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(
        name=st.sampled_from(ZONES),
        at=st.datetimes(datetime(2026, 1, 1), datetime(2028, 1, 1), timezones=st.just(UTC)),
        start=st.integers(0, 23),
        end=st.integers(0, 23),
    )
    @example(name="Australia/Lord_Howe", at=datetime(2026, 4, 4, 14, 50, tzinfo=UTC), start=21, end=2)
    @example(name="Europe/Berlin", at=datetime(2026, 3, 29, 0, 59, 59, tzinfo=UTC), start=3, end=2)
    @example(name="America/Santiago", at=datetime(2026, 4, 5, 2, 59, tzinfo=UTC), start=21, end=0)
    def test_is_the_first_instant_outside(self, name: str, at: datetime, start: int, end: int) -> None:
        zone, rule = zoneinfo.ZoneInfo(name), ((start, end), None, frozenset(range(7)))

        until = SendTimes(zone, ((start, end),)).opening(at)

        assert until >= at
        assert not is_quiet(until, zone, rule)
        # Nothing between is outside: every minute, and the last microsecond.
        minute = at
        while minute < until:
            assert is_quiet(minute, zone, rule)
            minute += MINUTE
        if until > at:
            assert is_quiet(until - TICK, zone, rule)


class TestAnyHold:
    @settings(max_examples=150, deadline=None)
    @given(
        name=st.sampled_from(ZONES),
        at=st.datetimes(datetime(2026, 1, 1), datetime(2028, 1, 1), timezones=st.just(UTC)),
        ago=st.integers(0, 7 * 24 * 60),
        hours=st.tuples(st.integers(0, 23), st.integers(0, 23)),
        own=st.none() | st.tuples(st.integers(0, 23), st.integers(0, 23)),
        days=st.frozensets(st.integers(0, 6), min_size=1),
    )
    def test_ends_outside_quiet_hours(
        self,
        *,
        name: str,
        at: datetime,
        ago: int,
        hours: tuple[int, int],
        own: tuple[int, int] | None,
        days: frozenset[int],
    ) -> None:
        """Whatever gate holds: asked again at the end of the hold, quiet hours are not what stops it."""
        sent = tuple(Sent(at - timedelta(minutes=ago + extra), "custom") for extra in (0, 60, 120))
        facts = facts_of(name, (hours, own, days), sent=sent)

        decision = policy.decide(facts, now=at)

        if decision.until is None:
            assert decision.verdict is Verdict.SEND or facts.send_times.are_none
            return
        assert decision.until > at
        assert policy.decide(facts, now=decision.until).gate is not Gate.QUIET_HOURS
