"""The policy: every gate, their order, and the quiet hours of the whole world."""

import json
import zoneinfo
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from followups import policy
from followups.policy import Facts, Gate, Limits, Sent, Verdict

NOW = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)


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
    Gate.CAMPAIGN: {"campaign_paused": "three members opted out"},
    Gate.TOO_LATE: {"planned_for": NOW - 4 * DAY},
    Gate.PROFILE: {"has_profile": False},
    Gate.CONSENT: {"newest_receipt": "withdrawn"},
    Gate.TOPIC: {"topics": frozenset({"events"})},
    Gate.REACHABLE: {"left_at": NOW - HOUR},
    Gate.ESCALATED: {"trigger": "emotion_based", "is_escalated": True},
    Gate.PAUSED: {"paused_until": NOW + DAY},
    Gate.ACTIVE: {"last_interaction": NOW - HOUR},
    Gate.GAP: {"last_sent_at": NOW - HOUR},
    Gate.WEEKLY_CAP: {"sent": (Sent(NOW - 3 * DAY, "custom"), Sent(NOW - 3 * DAY, "custom"))},
    Gate.TRIGGER_CAP: {"sent": (Sent(NOW - 2 * HOUR, "inactivity"),)},
    Gate.QUIET_HOURS: {"timezone": "Australia/Sydney"},
    Gate.HOLDOUT: {"is_held_out": True},
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
            Gate.CAMPAIGN: {"campaign_paused": ""},
            Gate.TOO_LATE: {"planned_for": NOW},
            Gate.PROFILE: {"has_profile": True},
            Gate.CONSENT: {"newest_receipt": "granted"},
            Gate.TOPIC: {"topics": frozenset({"check_ins"})},
            Gate.REACHABLE: {"left_at": None},
            Gate.ESCALATED: {"trigger": "inactivity"},  # which asks for silence
            Gate.PAUSED: {"paused_until": None},
            Gate.ACTIVE: {"last_interaction": NOW - 3 * DAY},
            Gate.GAP: {"last_sent_at": NOW - 2 * HOUR},
            Gate.WEEKLY_CAP: {"sent": BLOCKS[Gate.TRIGGER_CAP]["sent"]},
            Gate.TRIGGER_CAP: {"sent": ()},
            Gate.QUIET_HOURS: {"timezone": "Europe/London"},
            Gate.HOLDOUT: {"is_held_out": False},
        }
        heard = []
        # The campaign's hold would come too late as well, so the due time is in the way only after it.
        facts = good_facts(**{**everything, "last_sent_at": NOW, "planned_for": NOW - 4 * DAY})
        for _ in Gate:
            decision = policy.decide(facts, now=NOW)
            assert decision.gate is not None
            heard.append(decision.gate)
            facts = replace(facts, **cured[decision.gate])

        assert heard == list(Gate)
        assert policy.decide(facts, now=NOW).verdict is Verdict.SEND

    @pytest.mark.parametrize(
        "gate",
        [
            Gate.SWITCH,
            Gate.TOO_LATE,
            Gate.PROFILE,
            Gate.CONSENT,
            Gate.TOPIC,
            Gate.REACHABLE,
            Gate.ESCALATED,
            Gate.ACTIVE,
            Gate.HOLDOUT,
        ],
    )
    def test_drops_at_gates_that_time_alone_does_not_open(self, gate: Gate) -> None:
        assert policy.decide(good_facts(**BLOCKS[gate]), now=NOW).verdict is Verdict.DROP

    @pytest.mark.parametrize("gate", [Gate.CAMPAIGN, Gate.PAUSED, Gate.GAP, Gate.WEEKLY_CAP, Gate.QUIET_HOURS])
    def test_holds_at_gates_that_time_opens(self, gate: Gate) -> None:
        decision = policy.decide(good_facts(**BLOCKS[gate]), now=NOW)

        assert decision.verdict is Verdict.HOLD
        assert decision.until is not None
        assert decision.until > NOW

    @pytest.mark.parametrize("gate", [Gate.CAMPAIGN, Gate.PAUSED, Gate.GAP, Gate.WEEKLY_CAP, Gate.QUIET_HOURS])
    def test_drops_at_once_what_would_be_held_until_it_is_too_late(self, gate: Gate) -> None:
        facts = good_facts(**BLOCKS[gate], held_until=NOW)
        hold = policy.decide(facts, now=NOW)
        assert hold.until is not None

        in_time = policy.decide(replace(facts, planned_for=hold.until - policy.LONGEST_HOLD), now=NOW)
        in_vain = policy.decide(replace(facts, planned_for=hold.until - policy.LONGEST_HOLD - SECOND), now=NOW)

        assert in_time == hold
        assert (in_vain.verdict, in_vain.gate, in_vain.inputs["held_by"]) == (Verdict.DROP, Gate.TOO_LATE, gate.value)
        assert in_vain.reason.startswith(hold.reason)

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


class TestCampaignGate:
    def test_asks_again_in_six_hours(self) -> None:
        decision = policy.decide(good_facts(campaign_paused="much harm."), now=NOW)

        assert (decision.verdict, decision.until) == (Verdict.HOLD, NOW + 6 * HOUR)
        assert decision.reason.endswith("for everybody: much harm.")


class TestTooLateGate:
    """ORIGINS 8.15: down over the due time, within the grace it goes out once; beyond it is dropped visibly."""

    def at(self, lateness: timedelta, **changes: Any) -> policy.Decision:
        facts = {"trigger": "custom", "planned_for": NOW - lateness, "limits": Limits(quiet_start=0, quiet_end=0)}
        return policy.decide(good_facts(**{**facts, **changes}), now=NOW)

    def test_lets_pass_within_the_grace(self) -> None:
        assert self.at(72 * HOUR).verdict is Verdict.SEND

    def test_drops_a_second_later(self) -> None:
        decision = self.at(72 * HOUR + SECOND)

        assert (decision.verdict, decision.gate) == (Verdict.DROP, Gate.TOO_LATE)
        assert (
            decision.reason
            == "It was due on 2026-11-15 11:59 UTC and could come until 2026-11-18 11:59 UTC at the latest."
        )

    def test_counts_the_grace_from_the_end_of_a_hold(self) -> None:
        """A hold is no downtime: what the weekly cap has held for a week goes out after it."""
        assert self.at(7 * DAY, held_until=NOW - HOUR).verdict is Verdict.SEND
        assert self.at(7 * DAY, held_until=NOW - 72 * HOUR).verdict is Verdict.SEND
        assert self.at(7 * DAY, held_until=NOW - 72 * HOUR - SECOND).gate is Gate.TOO_LATE

    def test_bounds_all_holds_together_to_fourteen_days(self) -> None:
        assert self.at(14 * DAY, held_until=NOW).verdict is Verdict.SEND
        assert self.at(14 * DAY + SECOND, held_until=NOW).gate is Gate.TOO_LATE

    def test_lets_the_grace_be_longer_than_that(self) -> None:
        limits = Limits(quiet_start=0, quiet_end=0, grace=30 * DAY)

        assert self.at(30 * DAY, limits=limits).verdict is Verdict.SEND
        assert self.at(30 * DAY + SECOND, limits=limits).gate is Gate.TOO_LATE

    def test_gives_a_birthday_a_day_whatever_the_cause(self) -> None:
        assert self.at(DAY, trigger="birthday").verdict is Verdict.SEND
        assert self.at(DAY + SECOND, trigger="birthday").gate is Gate.TOO_LATE
        assert self.at(DAY + SECOND, trigger="birthday", held_until=NOW).gate is Gate.TOO_LATE
        limits = Limits(quiet_start=0, quiet_end=0, grace=2 * HOUR)
        assert self.at(3 * HOUR, trigger="birthday", limits=limits).gate is Gate.TOO_LATE

    def test_does_not_ask_before_anything_is_planned(self) -> None:
        assert policy.decide(good_facts(planned_for=None), now=NOW).verdict is Verdict.SEND

    def test_ends_a_paused_campaign(self) -> None:
        """Asked again and again, as the engine does, a follow-up of a paused campaign ends by itself."""
        facts, now, asked = good_facts(planned_for=NOW, campaign_paused="harm"), NOW, 0
        while (decision := policy.decide(facts, now=now)).verdict is Verdict.HOLD:
            assert decision.until is not None
            now, asked = decision.until, asked + 1
            facts = replace(facts, held_until=now)

        assert (decision.verdict, decision.gate) == (Verdict.DROP, Gate.TOO_LATE)
        assert NOW + 13 * DAY < now <= NOW + 14 * DAY
        assert 0 < asked <= 56


class TestTopicGate:
    @pytest.mark.parametrize(
        ("trigger", "topic"),
        [
            ("inactivity", "check_ins"),
            ("emotion_based", "check_ins"),
            ("custom", "check_ins"),
            ("birthday", "check_ins"),
            ("goal", "check_ins"),
            ("post_event", "events"),
            ("re_engagement", "re_engagement"),
        ],
    )
    def test_wants_the_triggers_topic(self, trigger: str, topic: str) -> None:
        others = frozenset({"check_ins", "events", "re_engagement"} - {topic})
        facts = good_facts(trigger=trigger, last_interaction=NOW - 40 * DAY)

        assert policy.decide(replace(facts, topics=frozenset({topic})), now=NOW).verdict is Verdict.SEND
        for topics in (others, frozenset[str]()):
            decision = policy.decide(replace(facts, topics=topics), now=NOW)
            assert (decision.verdict, decision.gate) == (Verdict.DROP, Gate.TOPIC)

    def test_drops_a_trigger_that_nobody_knows(self) -> None:
        assert policy.decide(good_facts(trigger="advert"), now=NOW).gate is Gate.TOPIC


class TestEscalatedGate:
    @pytest.mark.parametrize("trigger", ["inactivity", "post_event", "custom"])
    def test_stops_only_what_answers_the_mood(self, trigger: str) -> None:
        assert policy.decide(good_facts(trigger=trigger, is_escalated=True), now=NOW).verdict is Verdict.SEND

    def test_leaves_it_to_a_person(self) -> None:
        decision = policy.decide(good_facts(trigger="emotion_based", is_escalated=True), now=NOW)

        assert (decision.verdict, decision.gate) == (Verdict.DROP, Gate.ESCALATED)


class TestPausedGate:
    def test_holds_until_the_end(self) -> None:
        decision = policy.decide(good_facts(paused_until=NOW + DAY), now=NOW)

        assert (decision.verdict, decision.gate, decision.until) == (Verdict.HOLD, Gate.PAUSED, NOW + DAY)

    @pytest.mark.parametrize("ago", [timedelta(), SECOND, 400 * DAY])
    def test_forgets_a_pause_that_has_passed(self, ago: timedelta) -> None:
        assert policy.decide(good_facts(paused_until=NOW - ago), now=NOW).verdict is Verdict.SEND


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

    def test_uses_the_members_own_window(self) -> None:
        facts = good_facts(quiet_after=5 * DAY, last_interaction=NOW - 5 * DAY + SECOND)

        assert policy.decide(facts, now=NOW).gate is Gate.ACTIVE
        assert policy.decide(replace(facts, last_interaction=NOW - 5 * DAY), now=NOW).verdict is Verdict.SEND

    def test_never_asks_sooner_than_the_community_wants(self) -> None:
        """As the sweep does; the member's own was computed before the community's was made longer."""
        facts = good_facts(quiet_after=5 * DAY, last_interaction=NOW - 6 * DAY)
        longer = replace(facts, limits=replace(facts.limits, inactivity_window=7 * DAY))

        assert policy.decide(facts, now=NOW).verdict is Verdict.SEND
        assert policy.decide(longer, now=NOW).gate is Gate.ACTIVE

    def test_uses_it_for_check_ins_only(self) -> None:
        facts = good_facts(trigger="re_engagement", quiet_after=5 * DAY, last_interaction=NOW - 29 * DAY)

        assert policy.decide(facts, now=NOW).gate is Gate.ACTIVE

    def test_counts_only_silence_that_somebody_heard(self) -> None:
        """PEERS 39. The silence grows by itself, so it is held, not dropped."""
        facts = good_facts(last_interaction=NOW - 3 * DAY, unheard=25 * HOUR)

        decision = policy.decide(facts, now=NOW)

        assert (decision.verdict, decision.gate, decision.until) == (Verdict.HOLD, Gate.ACTIVE, NOW + HOUR)
        assert decision.inputs["unheard_hours"] == 25
        assert policy.decide(replace(facts, unheard=DAY), now=NOW).verdict is Verdict.SEND

    def test_drops_who_wrote_whatever_was_unheard(self) -> None:
        decision = policy.decide(good_facts(last_interaction=NOW - HOUR, unheard=HOUR / 2), now=NOW)

        assert (decision.verdict, decision.gate) == (Verdict.DROP, Gate.ACTIVE)

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
        facts = good_facts(timezone="UTC", last_interaction=NOW - 5 * DAY)
        of_community = replace(facts, limits=Limits(quiet_start=start, quiet_end=end))
        of_member = replace(facts, limits=Limits(quiet_start=0, quiet_end=0), quiet_start=start, quiet_end=end)

        for known in (of_community, of_member):
            answers = [policy.decide(known, now=midnight + hour * HOUR) for hour in range(24)]
            assert {hour for hour in range(24) if answers[hour].verdict is not Verdict.SEND} == quiet
            assert {answer.gate for answer in answers} <= {None, Gate.QUIET_HOURS}

    def test_are_the_stricter_of_two(self) -> None:
        """PEERS 20. Quiet is what lies in the community's or in the member's hours; a hold ends outside both."""
        facts = good_facts(timezone="UTC", quiet_start=9, quiet_end=13)

        decision = policy.decide(facts, now=NOW.replace(hour=22))

        assert decision.until == (NOW + DAY).replace(hour=13)
        assert policy.decide(facts, now=NOW).until == NOW.replace(hour=13)
        assert (decision.inputs["own_quiet_start"], decision.inputs["own_quiet_end"]) == (9, 13)
        assert "between 21:00 and 9:00 and between 9:00 and 13:00" in decision.reason

    def test_may_leave_no_hour_at_all(self) -> None:
        facts = good_facts(quiet_start=9, quiet_end=21)

        for at in (NOW, NOW + 11 * HOUR):
            decision = policy.decide(facts, now=at)
            assert (decision.verdict, decision.gate) == (Verdict.DROP, Gate.QUIET_HOURS)
            assert "leave no hour of the day" in decision.reason

    def test_that_leave_no_hour_are_said_instead_of_another_hold(self) -> None:
        decision = policy.decide(good_facts(quiet_start=9, quiet_end=21, last_sent_at=NOW), now=NOW)

        assert (decision.verdict, decision.gate) == (Verdict.DROP, Gate.QUIET_HOURS)

    def test_may_leave_one_hour(self) -> None:
        facts = good_facts(timezone="UTC", quiet_start=10, quiet_end=21)

        assert policy.decide(facts, now=NOW).until == (NOW + DAY).replace(hour=9)

    def test_include_the_days_on_which_nothing_is_sent(self) -> None:
        """NOW is a Wednesday. The day is the member's: at 22:00 in London it is Thursday in Sydney."""
        workdays = Limits(send_days=frozenset({0, 1, 3, 4}), quiet_start=0, quiet_end=6)

        in_london = policy.decide(good_facts(limits=workdays), now=NOW)
        in_sydney = policy.decide(good_facts(limits=workdays, timezone="Australia/Sydney"), now=NOW.replace(hour=22))

        assert in_london.gate is Gate.QUIET_HOURS
        assert in_london.until == datetime(2026, 11, 19, 6, 0, tzinfo=UTC)
        assert "Nothing is sent on a Wednesday" in in_london.reason
        assert in_london.inputs["send_days"] == [0, 1, 3, 4]
        assert in_sydney.verdict is Verdict.SEND

    def test_without_any_day_to_send_drop(self) -> None:
        decision = policy.decide(good_facts(limits=Limits(send_days=frozenset())), now=NOW)

        assert (decision.verdict, decision.gate) == (Verdict.DROP, Gate.QUIET_HOURS)

    def test_find_the_one_day_that_a_zone_skips_two_weeks_later(self) -> None:
        """Samoa had no Friday, 30 December 2011."""
        facts = good_facts(timezone="Pacific/Apia", limits=Limits(send_days=frozenset({4})))
        facts = replace(facts, last_interaction=None, last_sent_at=None)
        saturday = datetime(2011, 12, 24, 12, 0, tzinfo=UTC)

        until = policy.decide(facts, now=saturday).until

        assert until is not None
        assert until.astimezone(zoneinfo.ZoneInfo("Pacific/Apia")).isoformat() == "2012-01-06T09:00:00+14:00"

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

    def test_do_not_depend_on_the_zone_of_now(self) -> None:
        facts = good_facts(timezone="Australia/Sydney")
        elsewhere = NOW.astimezone(timezone(timedelta(hours=-7)))

        assert policy.decide(facts, now=NOW).until == policy.decide(facts, now=elsewhere).until


class TestJitter:
    limits = Limits(jitter=timedelta(minutes=30))
    evening = NOW.replace(hour=22)
    morning = (NOW + DAY).replace(hour=9)

    def until(self, user_id: str, at: datetime = evening, **changes: Any) -> datetime:
        facts = good_facts(user_id=user_id, timezone="UTC", **{"limits": self.limits, **changes})
        until = policy.decide(facts, now=at).until
        assert until is not None
        return until

    def test_spreads_members_over_the_time_after_the_quiet_hours(self) -> None:
        ends = {self.until(str(number)) for number in range(200)}

        assert len(ends) > 150
        assert min(ends) >= self.morning
        assert max(ends) < self.morning + timedelta(minutes=30)
        assert max(ends) - min(ends) > timedelta(minutes=25)

    def test_is_the_same_whenever_one_asks(self) -> None:
        assert self.until("7") == self.until("7", at=self.evening + 5 * HOUR)

    def test_is_another_one_each_day(self) -> None:
        assert self.until("7") - self.morning != self.until("7", at=self.evening + DAY) - self.morning - DAY

    def test_never_leads_back_into_quiet_time(self) -> None:
        """One hour a day is open, and the jitter would be four."""
        limits = Limits(jitter=4 * HOUR, send_days=frozenset({3}))
        ends = [self.until(str(number), limits=limits, quiet_start=10, quiet_end=21) for number in range(200)]

        assert all(self.morning <= end < self.morning + HOUR for end in ends)
        assert max(ends) - min(ends) > timedelta(minutes=50)

    def test_never_leads_out_of_the_send_days(self) -> None:
        """Thursdays from 23:00 on: the next hour is a Friday."""
        limits = Limits(jitter=4 * HOUR, send_days=frozenset({3}), quiet_start=0, quiet_end=23)
        ends = [self.until(str(number), limits=limits) for number in range(50)]

        assert {end.date() for end in ends} == {self.morning.date()}

    def test_does_not_delay_a_hold_that_ends_by_day(self) -> None:
        decision = policy.decide(good_facts(limits=self.limits, last_sent_at=NOW - 47 * HOUR), now=NOW)

        assert decision.until == NOW + HOUR


class TestFacts:
    def test_of_somebody_unknown_allow_nothing(self) -> None:
        assert asdict(Facts(trigger="custom"))["has_profile"] is False
