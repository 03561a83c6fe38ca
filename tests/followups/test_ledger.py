"""The ledger: every answer of the policy, by whom it was asked, with the gate and what the gate saw."""

import json
from datetime import timedelta
from typing import Any

import pytest

from followups import delivery, ledger, planning
from followups.models import Campaign, FollowUp, PolicyDecision, UserProfile
from followups.policy import Decision, Gate, Verdict
from jobs.errors import Snooze
from tests.followups.factories import (
    DAY,
    HOUR,
    NOON,
    execute,
    execute_again,
    make_member,
    make_plan,
    make_queued,
    make_thread,
)

pytestmark = pytest.mark.django_db


def rows(asked_by: str) -> list[PolicyDecision]:
    """What the ledger says of one asker."""
    return list(PolicyDecision.objects.filter(asked_by=asked_by).order_by("id"))


class TestPlanning:
    def test_writes_what_is_planned(self) -> None:
        follow_up = make_plan(make_member())

        (row,) = rows("planning")
        assert (row.follow_up_id, row.user_id, row.verdict, row.gate) == (follow_up.pk, follow_up.user_id, "send", "")
        assert row.inputs["newest_receipt"] == "granted"

    def test_writes_what_is_planned_for_later(self) -> None:
        sent_at = NOON - DAY
        follow_up = make_plan(make_member(last_follow_up_sent=sent_at))

        (row,) = rows("planning")
        assert (row.follow_up_id, row.verdict, row.gate) == (follow_up.pk, "hold", "gap")
        assert row.held_until == follow_up.scheduled_at == NOON + DAY
        assert row.inputs == {"last_sent_at": sent_at.isoformat(), "gap_hours": 48}

    def test_writes_what_is_not_planned(self) -> None:
        member = make_member(topics=["events"])

        plan = planning.plan(user_id=member.pk, trigger="custom", due_at=NOON, now=NOON)

        (row,) = rows("planning")
        assert plan.follow_up is None
        assert (row.follow_up_id, row.user_id, row.verdict, row.gate) == ("", member.pk, "drop", "topic")
        assert row.inputs == {"topic": "check_ins", "topics": ["events"]}

    def test_refuses_what_could_only_come_too_late(self) -> None:
        """Three weeks of pause: nobody wants to be asked about an event after that."""
        member = make_member(paused_until=NOON + 21 * DAY)

        plan = planning.plan(user_id=member.pk, trigger="post_event", due_at=NOON, now=NOON)

        (row,) = rows("planning")
        assert plan.follow_up is None
        assert (row.verdict, row.gate, row.inputs["held_by"]) == ("drop", "too_late", "paused")

    def test_does_not_move_what_is_due_after_a_campaigns_pause(self) -> None:
        """It is paused now; whether it is then, is asked then."""
        Campaign.objects.create(trigger_type="custom", paused_at=NOON, pause_reason="Harm.")

        assert make_plan(make_member(), due_at=NOON + 3 * DAY).scheduled_at == NOON + 3 * DAY


class TestExecution:
    def test_writes_what_goes_into_the_outbox(self) -> None:
        follow_up = make_queued(make_member())

        (row,) = rows("execution")
        assert (row.follow_up_id, row.verdict, row.gate) == (follow_up.pk, "send", "")
        assert row.inputs["zone"] == "UTC"

    def test_writes_what_is_held(self) -> None:
        follow_up = make_plan(make_member())
        UserProfile.objects.update(paused_until=NOON + 3 * DAY)

        with pytest.raises(Snooze):
            execute(follow_up)

        (row,) = rows("execution")
        assert (row.verdict, row.gate, row.held_until) == ("hold", "paused", NOON + 3 * DAY)
        assert row.inputs == {"paused_until": (NOON + 3 * DAY).isoformat()}

    def test_writes_what_is_dropped(self) -> None:
        follow_up = make_plan(make_member())
        UserProfile.objects.update(topics=[])

        execute(follow_up)

        (row,) = rows("execution")
        assert (row.verdict, row.gate, row.inputs) == ("drop", "topic", {"topic": "check_ins", "topics": []})
        assert follow_up.reason == f"topic: {row.reason}"


class TestRelay:
    def asked(self, **changes: Any) -> tuple[Decision, PolicyDecision]:
        """Ask for a message after some change of its member."""
        follow_up = make_queued(make_member())
        UserProfile.objects.update(**changes)
        assert follow_up.message is not None
        decision = delivery.may_send(follow_up.message, now=NOON)
        (row,) = rows("relay")
        assert row.follow_up_id == follow_up.pk
        return decision, row

    @pytest.mark.parametrize(
        ("changes", "verdict", "gate"),
        [
            ({}, "send", ""),
            ({"paused_until": NOON + DAY}, "hold", "paused"),
            ({"quiet_start": 12, "quiet_end": 13}, "hold", "quiet_hours"),
            ({"topics": ["events"]}, "drop", "topic"),
            ({"left_at": NOON}, "drop", "reachable"),
        ],
    )
    def test_writes_the_same_function_s_answer(self, changes: dict[str, Any], verdict: str, gate: str) -> None:
        decision, row = self.asked(**changes)

        assert (row.verdict, row.gate) == (verdict, gate)
        assert (row.verdict, row.reason, row.held_until) == (decision.verdict, decision.reason, decision.until)
        assert row.inputs == json.loads(json.dumps(decision.inputs))
        assert row.inputs

    def test_never_asks_who_is_held_out(self) -> None:
        """Who is kept without messages is chosen before one is written; one that is written goes."""
        Campaign.objects.create(trigger_type="custom", holdout_percent=50)

        assert {delivery.may_send(make_queued(make_member()).message, now=NOON).verdict for _ in range(6)} == {  # type: ignore[arg-type]
            Verdict.SEND
        }


class TestRecord:
    def hold(self, gate: Gate, until: timedelta, *, asked_by: str = "execution", follow_up_id: str = "f") -> None:
        held = Decision(Verdict.HOLD, gate, NOON + until, "Because.", {"hours": until / HOUR})
        ledger.record(held, user_id="1", trigger="custom", asked_by=asked_by, follow_up_id=follow_up_id)

    def test_keeps_a_hold_that_goes_on_in_one_row(self) -> None:
        for hours in (6, 6, 12, 18):
            self.hold(Gate.CAMPAIGN, hours * HOUR)

        row = PolicyDecision.objects.get()
        assert (row.held_until, row.inputs) == (NOON + 18 * HOUR, {"hours": 18})

    def test_keeps_when_it_began(self) -> None:
        self.hold(Gate.CAMPAIGN, HOUR)
        PolicyDecision.objects.update(decided_at=NOON)

        self.hold(Gate.CAMPAIGN, 2 * HOUR)

        assert PolicyDecision.objects.get().decided_at == NOON

    def test_tells_gates_askers_and_follow_ups_apart(self) -> None:
        self.hold(Gate.CAMPAIGN, HOUR)
        self.hold(Gate.GAP, HOUR)
        self.hold(Gate.GAP, HOUR, asked_by="relay")
        self.hold(Gate.GAP, HOUR, asked_by="relay", follow_up_id="g")
        self.hold(Gate.CAMPAIGN, 2 * HOUR)

        assert PolicyDecision.objects.count() == 5

    def test_writes_every_answer_about_no_follow_up(self) -> None:
        self.hold(Gate.GAP, HOUR, follow_up_id="")
        self.hold(Gate.GAP, HOUR, follow_up_id="")

        assert PolicyDecision.objects.count() == 2

    def test_writes_every_send_and_drop(self) -> None:
        for verdict in (Verdict.SEND, Verdict.SEND, Verdict.DROP, Verdict.DROP):
            ledger.record(Decision(verdict), user_id="1", trigger="custom", asked_by="relay", follow_up_id="f")

        assert PolicyDecision.objects.count() == 4

    def test_is_not_flooded_by_a_campaign_that_stays_paused(self) -> None:
        """Four times a day for two weeks, and in the end the follow-up is dropped: three rows in all."""
        member = make_member()
        make_thread(member)
        follow_up, now, asked = make_plan(member), NOON, 0
        Campaign.objects.create(trigger_type="custom", paused_at=NOON, pause_reason="Harm.")
        while FollowUp.objects.get().status == "pending":
            try:
                execute_again(follow_up, now=now)
            except Snooze as held:
                now, asked = held.until, asked + 1

        follow_up.refresh_from_db()
        assert asked > 20
        assert (follow_up.status, follow_up.reason[:9]) == ("skipped", "too_late:")
        story = [(row.asked_by, row.verdict, row.gate) for row in PolicyDecision.objects.order_by("id")]
        assert story == [
            ("planning", "send", ""),
            ("execution", "hold", "campaign"),
            ("execution", "drop", "too_late"),
        ]
