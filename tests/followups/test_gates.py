"""The gates at work: from the plan through the job to the relay, each of the old defects."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection
from django.utils import timezone

from followups import delivery, planning
from followups.models import ConsentReceipt, FollowUp, FollowUpHistory, UserProfile
from followups.policy import Gate, Verdict
from jobs import runner
from jobs.errors import Snooze
from jobs.models import ScheduledJob
from socialmedia.models import Message
from tests.followups.factories import (
    DAY,
    HOUR,
    NOON,
    SECOND,
    execute,
    execute_again,
    make_member,
    make_plan,
    make_queued,
    make_sent,
    make_thread,
    opt_in,
    opt_out,
)
from tests.socialmedia.factories import make_bot

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _bot() -> None:
    make_bot()


class TestNobodyWhoDidNotAsk:
    """ORIGINS 8.6: no profile, no answer, a database error: nothing is sent."""

    def test_is_planned_for(self) -> None:
        with pytest.raises(planning.CannotPlan):
            planning.plan(user_id="nobody", trigger="custom", due_at=NOON, now=NOON)
        member = make_member(opted_in=False)

        plan = planning.plan(user_id=member.pk, trigger="custom", due_at=NOON, now=NOON)

        assert (plan.follow_up, plan.decision.gate) == (None, Gate.CONSENT)

    def test_is_written_to_though_it_was_planned(self) -> None:
        """Each way in which the yes may be missing when the job runs."""
        for number, spoil in enumerate((switch_off, forget_receipts)):
            member = make_member()
            follow_up = make_plan(member, occasion=str(number))
            spoil(member)

            execute(follow_up)

            assert (follow_up.status, follow_up.reason[:8]) == ("skipped", "consent:")
        assert not Message.objects.exists()

    def test_is_written_to_when_the_database_fails(self) -> None:
        follow_up = make_plan(make_member())
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("ALTER TABLE follow_up_history RENAME TO out_of_order")

        with pytest.raises(DatabaseError):
            execute(follow_up)

        assert not Message.objects.exists()


class TestOptOut:
    """ORIGINS 8.7: opt-out after scheduling."""

    def test_cancels_the_plan_and_its_job(self) -> None:
        member = make_member()
        follow_up = make_plan(member, due_at=NOON + 5 * DAY)

        opt_out(member)

        follow_up.refresh_from_db()
        assert (follow_up.status, follow_up.reason) == ("cancelled", "consent withdrawn")
        assert ScheduledJob.objects.get().status == "cancelled"

    def test_stops_what_was_planned_at_the_same_moment(self) -> None:
        member = make_member()
        follow_up = make_plan(member)
        opt_out(member)
        FollowUp.objects.update(status="pending", cancelled_at=None)

        execute_again(follow_up, now=NOON)

        assert (follow_up.status, follow_up.reason[:8]) == ("skipped", "consent:")
        assert not Message.objects.exists()


class TestActive:
    """ORIGINS 8.8: active 1 minute ago in another conversation."""

    def test_skips_at_the_job(self) -> None:
        member = make_member()
        follow_up = make_plan(member, trigger="inactivity")
        UserProfile.objects.update(last_interaction=NOON - 60 * SECOND)

        execute(follow_up)

        assert (follow_up.status, follow_up.reason[:7]) == ("skipped", "active:")

    def test_stops_at_the_relay(self) -> None:
        follow_up = make_queued(make_member(), trigger="inactivity")
        UserProfile.objects.update(last_interaction=NOON - 60 * SECOND)
        assert follow_up.message is not None

        decision = delivery.may_send(follow_up.message, now=NOON)

        assert (decision.verdict, decision.gate) == (Verdict.DROP, Gate.ACTIVE)


class TestThirdInSevenDays:
    """ORIGINS 8.9: held until seven days are over, and allowed a second later."""

    def test_is_held_and_then_sent(self) -> None:
        member = make_member()
        make_sent(member, at=NOON - 3 * DAY, trigger="goal")
        follow_up = make_plan(member)
        make_sent(member, at=NOON - 5 * DAY, trigger="post_event")

        with pytest.raises(Snooze) as held:
            execute(follow_up)
        assert held.value.until == NOON + 2 * DAY
        with pytest.raises(Snooze):
            execute_again(follow_up, now=NOON + 2 * DAY - SECOND)
        execute_again(follow_up, now=NOON + 2 * DAY + SECOND)

        assert follow_up.message is not None


class TestDowntime:
    """ORIGINS 8.15: down over the due time: within the grace it runs once, beyond it is dropped visibly."""

    def test_within_the_grace_sends_once(self) -> None:
        follow_up = make_plan(make_member(), due_at=NOON)

        execute(follow_up, now=NOON + 3 * DAY)
        execute_again(follow_up, now=NOON + 3 * DAY)

        assert follow_up.message is not None
        assert Message.objects.count() == 1

    def test_beyond_it_skips_with_a_reason_and_ends_the_job(self) -> None:
        follow_up = make_plan(make_member(), due_at=NOON)

        execute(follow_up, now=NOON + 3 * DAY + SECOND)

        assert (follow_up.status, follow_up.reason[:17]) == ("skipped", "too_late: It was ")
        assert ScheduledJob.objects.get().status == "completed"
        assert not Message.objects.exists()

    def test_of_the_relay_counts_as_well(self) -> None:
        follow_up = make_queued(make_member())
        assert follow_up.message is not None
        assert delivery.may_send(follow_up.message, now=NOON + 3 * DAY).verdict is Verdict.SEND

        decision = delivery.may_send(follow_up.message, now=NOON + 3 * DAY + SECOND)
        delivery.on_suppressed(follow_up.message, decision=decision, now=NOON + 4 * DAY)

        follow_up.refresh_from_db()
        assert (follow_up.status, follow_up.reason[:9]) == ("skipped", "too_late:")

    def test_after_a_hold_counts_from_its_end(self) -> None:
        """Held for five days by the weekly limit; then nothing runs for two more."""
        member = make_member()
        make_sent(member, at=NOON - 3 * DAY, trigger="goal")
        follow_up = make_plan(member)
        make_sent(member, at=NOON - 2 * DAY - HOUR, trigger="post_event")
        with pytest.raises(Snooze) as held:
            execute(follow_up)
        assert held.value.until is not None
        assert held.value.until > NOON + 3 * DAY

        execute_again(follow_up, now=held.value.until + 2 * DAY)

        assert follow_up.message is not None

    def test_is_seen_by_the_engine(self, settings: Any) -> None:
        """By real workers: two plans whose time is long past, one within the grace."""
        settings.FOLLOW_UP_QUIET_HOURS_START = settings.FOLLOW_UP_QUIET_HOURS_END = 0
        now = timezone.now()
        plans = []
        for age in (2, 4):
            member = make_member(last_interaction=now - 40 * DAY)
            due = now - timedelta(days=age)
            plans.append(make_plan(member, due_at=due, now=due))

        assert runner.run_once() == 2

        in_time, late = (FollowUp.objects.get(pk=plan.pk) for plan in plans)
        assert (in_time.status, in_time.message is not None) == ("pending", True)
        assert (late.status, late.reason[:9]) == ("skipped", "too_late:")
        assert set(ScheduledJob.objects.values_list("status", flat=True)) == {"completed"}


class TestOwnQuietHours:
    """PEERS 20."""

    def test_hold_at_the_job_besides_the_communitys(self) -> None:
        member = make_member(timezone="UTC", quiet_start=11, quiet_end=15)
        make_thread(member)
        follow_up = make_plan(member, due_at=NOON + 4 * HOUR)

        with pytest.raises(Snooze) as held:
            execute(follow_up, now=NOON)

        assert held.value.until is not None
        assert NOON + 3 * HOUR <= held.value.until < NOON + 3 * HOUR + timedelta(minutes=30)

    def test_that_leave_no_hour_are_said_at_once(self) -> None:
        member = make_member(timezone="UTC", quiet_start=9, quiet_end=21)

        plan = planning.plan(user_id=member.pk, trigger="custom", due_at=NOON, now=NOON)

        assert (plan.follow_up, plan.decision.gate) == (None, Gate.QUIET_HOURS)


class TestDelivered:
    def test_leaves_nothing_to_wait_for(self) -> None:
        """The whole way: planned, written, asked at the relay, delivered; the next one minds the gap."""
        member = make_member()
        follow_up = make_queued(member)
        assert follow_up.message is not None
        assert delivery.may_send(follow_up.message, now=NOON).verdict is Verdict.SEND
        delivery.on_sent(follow_up.message, now=NOON)

        plan = planning.plan(user_id=member.pk, trigger="goal", due_at=NOON, now=NOON)

        assert (plan.decision.gate, plan.decision.until) == (Gate.GAP, NOON + 2 * DAY)
        assert FollowUpHistory.objects.count() == 1


def switch_off(member: UserProfile) -> None:
    """The switch says no, the receipt yes."""
    UserProfile.objects.filter(pk=member.pk).update(follow_ups_enabled=False)


def forget_receipts(member: UserProfile) -> None:
    """The switch says yes, the newest receipt no."""
    opt_in(member)
    ConsentReceipt.objects.create(
        user=member, state="withdrawn", source="api", evidence="e", wording_version="1", actor="a"
    )
