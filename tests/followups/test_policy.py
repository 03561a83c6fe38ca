"""The policy: every gate, their order, and the quiet hours of the whole world."""

import json
import zoneinfo
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from followups import policy
from followups.policy import Facts, Gate, Limits, Sent, Verdict

NOW = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)

ZONES = sorted(name for name in zoneinfo.available_timezones() if "/" in name or name in {"UTC", "EST", "Zulu"})


def good_facts(**changes: Any) -> Facts:
    """Facts of a member to whom everything is allowed at NOW."""
    facts = Facts(
        trigger="inactivity",
        has_profile=True,
        newest_receipt="granted",
        follow_ups_enabled=True,
        last_interaction=NOW - 3 * DAY,
        last_sent_at=NOW - 30 * DAY,
        timezone="Europe/London",
    )
    return replace(facts, **changes)


BLOCKS: dict[Gate, dict[str, Any]] = {
    Gate.SWITCH: {"limits": Limits(enabled=False)},
    Gate.PROFILE: {"has_profile": False},
    Gate.CONSENT: {"newest_receipt": "withdrawn"},
    Gate.REACHABLE: {"left_at": NOW - HOUR},
    Gate.ACTIVE: {"last_interaction": NOW - HOUR},
    Gate.GAP: {"last_sent_at": NOW - HOUR},
    Gate.WEEKLY_CAP: {"sent": (Sent(NOW - 3 * DAY, "custom"), Sent(NOW - 3 * DAY, "custom"))},
    Gate.TRIGGER_CAP: {"sent": (Sent(NOW - 2 * HOUR, "inactivity"),)},
    Gate.QUIET_HOURS: {"timezone": "Australia/Sydney"},
}


class TestDecide:
    def test_sends_when_nothing_is_in_the_way(self) -> None:
        decision = policy.decide(good_facts(), now=NOW)

        assert decision.verdict is Verdict.SEND
        assert decision.gate is None
        assert decision.until is None

    @pytest.mark.parametrize("gate", [gate for gate in Gate if gate is not Gate.TRIGGER_CAP])
    def test_each_gate_stops_alone(self, gate: Gate) -> None:
        decision = policy.decide(good_facts(**BLOCKS[gate]), now=NOW)

        assert decision.gate is gate
        assert decision.verdict is not Verdict.SEND

    def test_asks_the_gates_in_their_order(self) -> None:
        """With everything in the way each gate decides in turn once those before it are out of the way."""
        everything: dict[str, Any] = {}
        for changes in reversed(list(BLOCKS.values())):
            everything |= changes
        everything["sent"] = BLOCKS[Gate.WEEKLY_CAP]["sent"] + BLOCKS[Gate.TRIGGER_CAP]["sent"]
        # The gap must be short for the caps behind it to be heard.
        everything |= {"frequency": HOUR, "limits": Limits(enabled=False, min_between=HOUR)}
        cured = {
            Gate.SWITCH: {"limits": Limits(min_between=HOUR)},
            Gate.PROFILE: {"has_profile": True},
            Gate.CONSENT: {"newest_receipt": "granted"},
            Gate.REACHABLE: {"left_at": None},
            Gate.ACTIVE: {"last_interaction": NOW - 3 * DAY},
            Gate.GAP: {"last_sent_at": NOW - 2 * HOUR},
            Gate.WEEKLY_CAP: {"sent": BLOCKS[Gate.TRIGGER_CAP]["sent"]},
            Gate.TRIGGER_CAP: {"sent": ()},
            Gate.QUIET_HOURS: {"timezone": "Europe/London"},
        }
        heard = []
        facts = good_facts(**{**everything, "last_sent_at": NOW})
        for _ in Gate:
            decision = policy.decide(facts, now=NOW)
            assert decision.gate is not None
            heard.append(decision.gate)
            facts = replace(facts, **cured[decision.gate])

        assert heard == list(Gate)
        assert policy.decide(facts, now=NOW).verdict is Verdict.SEND

    @pytest.mark.parametrize("gate", [Gate.SWITCH, Gate.PROFILE, Gate.CONSENT, Gate.REACHABLE, Gate.ACTIVE])
    def test_drops_at_gates_that_time_alone_does_not_open(self, gate: Gate) -> None:
        assert policy.decide(good_facts(**BLOCKS[gate]), now=NOW).verdict is Verdict.DROP

    @pytest.mark.parametrize("gate", [Gate.GAP, Gate.WEEKLY_CAP, Gate.QUIET_HOURS])
    def test_holds_at_gates_that_time_opens(self, gate: Gate) -> None:
        decision = policy.decide(good_facts(**BLOCKS[gate]), now=NOW)

        assert decision.verdict is Verdict.HOLD
        assert decision.until is not None
        assert decision.until > NOW

    def test_gives_a_sentence_and_json_for_every_answer(self) -> None:
        answers = [policy.decide(good_facts(**changes), now=NOW) for changes in [*BLOCKS.values(), {}]]

        for answer in answers:
            assert answer.reason.endswith(".")
            assert answer.reason[0].isupper()
            assert answer.inputs
            json.dumps(answer.inputs)


class TestConsentGate:
    @pytest.mark.parametrize("receipt", [None, "refused", "withdrawn", "", "GRANTED", "yes"])
    def test_takes_anything_but_granted_for_no(self, receipt: str | None) -> None:
        decision = policy.decide(good_facts(newest_receipt=receipt), now=NOW)

        assert (decision.verdict, decision.gate) == (Verdict.DROP, Gate.CONSENT)

    @pytest.mark.parametrize("enabled", [False, None])
    def test_needs_the_switch_of_the_member_too(self, enabled: bool | None) -> None:
        decision = policy.decide(good_facts(follow_ups_enabled=enabled), now=NOW)

        assert (decision.verdict, decision.gate) == (Verdict.DROP, Gate.CONSENT)

    def test_refuses_somebody_we_know_nothing_of(self) -> None:
        assert policy.decide(Facts(trigger="custom"), now=NOW).verdict is Verdict.DROP


class TestReachableGate:
    def test_drops_for_the_unreachable(self) -> None:
        decision = policy.decide(good_facts(unreachable_since=NOW - DAY), now=NOW)

        assert (decision.verdict, decision.gate) == (Verdict.DROP, Gate.REACHABLE)

    def test_drops_for_those_whom_staff_have_blocked(self) -> None:
        decision = policy.decide(good_facts(is_blocked=True), now=NOW)

        assert (decision.verdict, decision.gate) == (Verdict.DROP, Gate.REACHABLE)


class TestActiveGate:
    @pytest.mark.parametrize(("trigger", "window"), [("inactivity", 48 * HOUR), ("re_engagement", 30 * DAY)])
    def test_uses_the_window_of_the_trigger(self, trigger: str, window: timedelta) -> None:
        inside = good_facts(trigger=trigger, last_interaction=NOW - window + SECOND)
        at_the_edge = good_facts(trigger=trigger, last_interaction=NOW - window)

        assert policy.decide(inside, now=NOW).gate is Gate.ACTIVE
        assert policy.decide(at_the_edge, now=NOW).verdict is Verdict.SEND

    @pytest.mark.parametrize("trigger", ["post_event", "emotion_based", "custom"])
    def test_lets_triggers_pass_that_follow_from_an_act(self, trigger: str) -> None:
        assert policy.decide(good_facts(trigger=trigger, last_interaction=NOW), now=NOW).verdict is Verdict.SEND

    def test_lets_somebody_pass_who_never_wrote(self) -> None:
        assert policy.decide(good_facts(last_interaction=None), now=NOW).verdict is Verdict.SEND


class TestGap:
    @pytest.mark.parametrize(("own", "least", "gap"), [(48, 24, 48), (2, 24, 24), (3, 0, 3)])
    def test_is_the_longer_of_own_and_global(self, own: int, least: int, gap: int) -> None:
        facts = good_facts(frequency=own * HOUR, limits=Limits(min_between=least * HOUR, quiet_start=0, quiet_end=0))
        sent_at = NOW - gap * HOUR

        early = policy.decide(replace(facts, last_sent_at=sent_at + SECOND), now=NOW)
        assert (early.gate, early.until) == (Gate.GAP, NOW + SECOND)
        assert policy.decide(replace(facts, last_sent_at=sent_at), now=NOW).verdict is Verdict.SEND

    def test_counts_what_is_on_its_way_as_sent(self) -> None:
        facts = good_facts(sent=(Sent(NOW, "custom"),))

        assert policy.decide(facts, now=NOW).gate is Gate.GAP


class TestWeeklyCap:
    def two_sent(self, first: datetime) -> Facts:
        return good_facts(
            last_sent_at=None, sent=(Sent(NOW - 3 * DAY, "custom"), Sent(first, "post_event")), frequency=HOUR
        )

    def test_holds_the_third_of_any_type_until_the_oldest_leaves_the_window(self) -> None:
        decision = policy.decide(self.two_sent(NOW - 5 * DAY), now=NOW)

        assert (decision.gate, decision.until) == (Gate.WEEKLY_CAP, NOW + 2 * DAY)

    def test_allows_at_exactly_seven_days(self) -> None:
        assert policy.decide(self.two_sent(NOW - 7 * DAY), now=NOW).verdict is Verdict.SEND

    def test_allows_a_second_later(self) -> None:
        assert policy.decide(self.two_sent(NOW - 7 * DAY - SECOND), now=NOW).verdict is Verdict.SEND

    def test_holds_a_second_earlier(self) -> None:
        decision = policy.decide(self.two_sent(NOW - 7 * DAY + SECOND), now=NOW)

        assert (decision.gate, decision.until) == (Gate.WEEKLY_CAP, NOW + SECOND)

    def test_waits_for_several_when_more_than_the_cap_were_sent(self) -> None:
        sent = tuple(Sent(NOW - days * DAY, "custom") for days in (6, 5, 4, 3))

        decision = policy.decide(good_facts(sent=sent, last_sent_at=None), now=NOW)

        # Of the four only the one sent three days ago may be left in the window.
        assert (decision.gate, decision.until) == (Gate.WEEKLY_CAP, NOW + 3 * DAY)

    def test_of_zero_drops(self) -> None:
        decision = policy.decide(good_facts(limits=Limits(max_per_week=0)), now=NOW)

        assert (decision.verdict, decision.gate) == (Verdict.DROP, Gate.WEEKLY_CAP)


class TestTriggerCap:
    facts = good_facts(
        frequency=HOUR,
        last_sent_at=None,
        limits=Limits(min_between=HOUR, max_per_week=9, quiet_start=0, quiet_end=0),
    )

    def test_holds_the_same_trigger_for_a_day(self) -> None:
        decision = policy.decide(replace(self.facts, sent=(Sent(NOW - 23 * HOUR, "inactivity"),)), now=NOW)

        assert (decision.gate, decision.until) == (Gate.TRIGGER_CAP, NOW + HOUR)

    def test_lets_other_triggers_pass(self) -> None:
        facts = replace(self.facts, sent=(Sent(NOW - 23 * HOUR, "custom"),))

        assert policy.decide(facts, now=NOW).verdict is Verdict.SEND

    def test_allows_at_exactly_a_day(self) -> None:
        facts = replace(self.facts, sent=(Sent(NOW - DAY, "inactivity"),))

        assert policy.decide(facts, now=NOW).verdict is Verdict.SEND


class TestQuietHours:
    @pytest.mark.parametrize(
        ("start", "end", "quiet"),
        [
            (21, 9, {21, 22, 23, 0, 1, 2, 3, 4, 5, 6, 7, 8}),
            (0, 6, {0, 1, 2, 3, 4, 5}),
            (22, 0, {22, 23}),
            (13, 15, {13, 14}),
            (0, 0, set()),
            (7, 7, set()),
        ],
    )
    def test_cover_these_hours(self, start: int, end: int, quiet: set[int]) -> None:
        midnight = NOW.replace(hour=0)
        heard = {hour for hour in range(24) if policy.is_quiet(midnight + hour * HOUR, zone=UTC, start=start, end=end)}

        assert heard == quiet

    def test_of_an_unknown_zone_are_the_communitys(self) -> None:
        for unknown in ("", "Mars/Olympus", "../etc/passwd", "Europe", "x" * 300, "a\0b"):
            facts = good_facts(timezone=unknown, limits=Limits(timezone="Australia/Sydney"))

            assert policy.decide(facts, now=NOW).inputs == {
                "zone": "Australia/Sydney",
                "quiet_start": 21,
                "quiet_end": 9,
            }

    def test_move_the_end_of_another_hold(self) -> None:
        """The gap ends at 23:00 in London; the member's morning is what counts."""
        decision = policy.decide(good_facts(last_sent_at=NOW - 37 * HOUR), now=NOW)

        assert decision.gate is Gate.GAP
        assert decision.until == datetime(2026, 11, 19, 9, 0, tzinfo=UTC)

    def test_end_after_a_skipped_hour(self) -> None:
        """Quiet until 2:00 on the night when New York's clocks jump from 2:00 to 3:00."""
        zone = zoneinfo.ZoneInfo("America/New_York")

        end = policy.end_of_quiet(datetime(2026, 3, 8, 6, 30, tzinfo=UTC), zone=zone, start=22, end=2)

        assert end == datetime(2026, 3, 8, 7, 0, tzinfo=UTC)
        assert end.astimezone(zone).hour == 3

    @settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(
        zone_name=st.sampled_from(ZONES),
        at=st.datetimes(datetime(2025, 6, 1), datetime(2027, 6, 1), timezones=st.just(UTC)),
        start=st.integers(0, 23),
        end=st.integers(0, 23),
    )
    @example(zone_name="Australia/Lord_Howe", at=datetime(2026, 4, 4, 14, 50, tzinfo=UTC), start=21, end=2)
    @example(zone_name="Europe/Berlin", at=datetime(2026, 3, 29, 0, 59, 59, tzinfo=UTC), start=3, end=2)
    @example(zone_name="America/Santiago", at=datetime(2026, 4, 5, 2, 59, tzinfo=UTC), start=21, end=0)
    def test_end_at_the_first_instant_outside_them(self, zone_name: str, at: datetime, start: int, end: int) -> None:
        zone = zoneinfo.ZoneInfo(zone_name)

        until = policy.end_of_quiet(at, zone=zone, start=start, end=end)

        def quiet(instant: datetime) -> bool:
            hour = instant.astimezone(zone).hour
            return hour in {(start + step) % 24 for step in range((end - start) % 24)}

        assert until >= at
        assert not quiet(until)
        # Nothing between is outside: every minute, and the last microsecond.
        minute = at
        while minute < until:
            assert quiet(minute)
            minute += timedelta(minutes=1)
        if until > at:
            assert quiet(until - timedelta(microseconds=1))

    @settings(max_examples=150, deadline=None)
    @given(
        zone_name=st.sampled_from(ZONES),
        at=st.datetimes(datetime(2025, 6, 1), datetime(2027, 6, 1), timezones=st.just(UTC)),
        ago=st.integers(0, 7 * 24 * 60),
        start=st.integers(0, 23),
        end=st.integers(0, 23),
    )
    def test_never_hold_the_end_of_any_hold(self, zone_name: str, at: datetime, ago: int, start: int, end: int) -> None:
        """Whatever gate holds: asked again at the end of the hold, quiet hours are not what stops it."""
        sent = tuple(Sent(at - timedelta(minutes=ago + extra), "custom") for extra in (0, 60, 120))
        facts = Facts(
            trigger="custom",
            limits=Limits(quiet_start=start, quiet_end=end),
            has_profile=True,
            newest_receipt="granted",
            follow_ups_enabled=True,
            sent=sent,
            timezone=zone_name,
        )

        decision = policy.decide(facts, now=at)

        if decision.until is None:
            assert decision.verdict is Verdict.SEND
            return
        assert decision.until > at
        assert policy.decide(facts, now=decision.until).gate is not Gate.QUIET_HOURS

    def test_do_not_depend_on_the_zone_of_now(self) -> None:
        facts = good_facts(timezone="Australia/Sydney")
        elsewhere = NOW.astimezone(timezone(timedelta(hours=-7)))

        assert policy.decide(facts, now=NOW).until == policy.decide(facts, now=elsewhere).until


class TestFacts:
    def test_of_somebody_unknown_allow_nothing(self) -> None:
        assert asdict(Facts(trigger="custom"))["has_profile"] is False
