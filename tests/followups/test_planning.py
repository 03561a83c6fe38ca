"""Planning: one occasion, one plan."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import transaction

from followups import planning
from followups.models import FollowUp, PolicyDecision, UserProfile
from followups.planning import CannotPlan
from followups.policy import Gate
from jobs.models import ScheduledJob
from tests.concurrency import at_once
from tests.followups.factories import (
    DAY,
    HOUR,
    NOON,
    SECOND,
    make_member,
    make_plan,
    make_sent,
)


def plan_event(member: UserProfile, event_at: datetime, **more: Any) -> planning.Plan:
    return planning.plan(
        user_id=member.pk,
        trigger="post_event",
        trigger_data={"event_at": event_at.isoformat()},
        occasion=event_at.isoformat(),
        now=NOON,
        **more,
    )


@pytest.mark.django_db
class TestPlan:
    def test_writes_the_follow_up_its_job_and_the_ledger(self) -> None:
        member = make_member()

        follow_up = make_plan(member, due_at=NOON + 5 * HOUR, trigger_data={"text": "Hello"})

        follow_up.refresh_from_db()
        job = ScheduledJob.objects.get(job_id=follow_up.job_id)
        ledger = PolicyDecision.objects.get(follow_up_id=follow_up.pk)
        assert (follow_up.status, follow_up.scheduled_at) == ("pending", NOON + 5 * HOUR)
        assert follow_up.message_content == ""
        assert (job.job_type, job.payload) == ("follow_up_message", {"follow_up_id": follow_up.pk})
        assert (job.scheduled_time, job.next_attempt_at) == (follow_up.scheduled_at, follow_up.scheduled_at)
        assert (ledger.asked_by, ledger.verdict) == ("planning", "send")

    @pytest.mark.parametrize(
        ("trigger", "delay"),
        [
            ("inactivity", 48 * HOUR),
            ("post_event", 24 * HOUR),
            ("emotion_based", 24 * HOUR),
            ("re_engagement", 30 * DAY),
            ("custom", 48 * HOUR),
        ],
    )
    def test_is_due_after_the_triggers_own_delay(self, trigger: str, delay: timedelta) -> None:
        planned = planning.plan(user_id=make_member().pk, trigger=trigger, now=NOON)

        assert planned.follow_up is not None
        assert planned.follow_up.scheduled_at == NOON + delay

    def test_twice_gives_one_and_says_which(self) -> None:
        member = make_member()
        first = make_plan(member, occasion="booking-7")

        second = planning.plan(user_id=member.pk, trigger="custom", occasion="booking-7", now=NOON)

        assert (second.created, second.follow_up) == (False, first)
        assert ScheduledJob.objects.count() == 1

    def test_of_a_cancelled_occasion_works_again(self) -> None:
        member = make_member()
        first = make_plan(member)
        assert planning.cancel_followup(first.pk, reason="asked to", now=NOON)

        assert make_plan(member).pk != first.pk

    def test_refuses_what_the_policy_drops_and_records_why(self) -> None:
        member = make_member(opted_in=False)

        planned = planning.plan(user_id=member.pk, trigger="custom", now=NOON)

        assert (planned.follow_up, planned.created) == (None, False)
        assert planned.decision.gate is Gate.CONSENT
        assert PolicyDecision.objects.get(user_id=member.pk).verdict == "drop"
        assert not ScheduledJob.objects.exists()

    def test_plans_what_the_policy_holds_for_the_end_of_the_hold(self) -> None:
        member = make_member()
        make_sent(member, at=NOON - 40 * HOUR)

        held = make_plan(member, due_at=NOON)

        assert held.scheduled_at == NOON + 8 * HOUR
        assert PolicyDecision.objects.get(follow_up_id=held.pk).gate == "gap"

    def test_asks_the_policy_for_the_due_time(self) -> None:
        """Somebody who wrote just now may be asked in two days whether they are well, if they stay silent."""
        member = make_member(last_interaction=NOON - SECOND)

        now = planning.plan(user_id=member.pk, trigger="inactivity", due_at=NOON, now=NOON)
        later = planning.plan(user_id=member.pk, trigger="inactivity", now=NOON)

        assert now.decision.gate is Gate.ACTIVE
        assert later.created

    def test_refuses_the_eleventh_pending_one(self) -> None:
        member = make_member()
        for number in range(10):
            make_plan(member, occasion=str(number))

        with pytest.raises(CannotPlan, match="10 pending"):
            make_plan(member, occasion="11")

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"user_id": "nobody"}, "Nobody with the id 'nobody'"),
            ({"trigger": "anniversary"}, "is not a trigger"),
            ({"due_at": datetime(2026, 11, 20, 9, 0)}, "needs a time zone"),
            ({"due_at": NOON - 2 * DAY}, "out of range"),
            ({"due_at": NOON + 400 * DAY}, "out of range"),
            ({"occasion": "x" * 300}, "too long"),
            ({"trigger": "post_event", "trigger_data": {"event_at": "tomorrow"}}, "is not a time"),
        ],
    )
    def test_says_what_is_wrong_with_the_request(self, changes: dict[str, Any], message: str) -> None:
        values: dict[str, Any] = {"user_id": make_member().pk, "trigger": "custom", "now": NOON, **changes}

        with pytest.raises(CannotPlan, match=message):
            planning.plan(**values)

        assert not FollowUp.objects.exists()

    def test_in_a_transaction_that_is_rolled_back_leaves_nothing(self) -> None:
        member = make_member()

        with transaction.atomic():
            make_plan(member)
            transaction.set_rollback(True)

        assert not FollowUp.objects.exists()
        assert not ScheduledJob.objects.exists()
        assert not PolicyDecision.objects.exists()

    @pytest.mark.parametrize(("hours", "is_same"), [(-25, False), (-24, True), (0, True), (24, True), (25, False)])
    def test_takes_events_a_day_apart_for_the_same(self, hours: int, is_same: bool) -> None:
        member = make_member()
        event_at = NOON - DAY
        first = plan_event(member, event_at, due_at=NOON + 48 * HOUR)

        second = plan_event(member, event_at + hours * HOUR)

        assert first.created
        assert second.created is not is_same

    def test_takes_events_for_the_same_when_several_match(self) -> None:
        member = make_member()
        assert plan_event(member, NOON - 20 * HOUR).created
        assert plan_event(member, NOON + 20 * HOUR).created

        assert not plan_event(member, NOON).created

    @pytest.mark.parametrize(
        ("text", "complaint"),
        [
            ("Hi {naem}!", r"The text cannot be sent: \{naem\} is not known here: use \{custom_message\}"),
            ("Hi {name!", "lacks its other half"),
            ("Hi @everyone!", "must not mention anybody"),
            ("x" * 2000, "has 2000 characters"),
        ],
    )
    def test_refuses_a_text_that_cannot_be_sent(self, text: str, complaint: str) -> None:
        member = make_member()
        with pytest.raises(CannotPlan, match=complaint):
            planning.plan(user_id=member.pk, trigger="custom", trigger_data={"text": text}, now=NOON)
        assert not FollowUp.objects.exists()

    def test_takes_a_text_with_known_placeholders(self) -> None:
        text = "Hi[[ {name}]]! It's been {time_period}."
        assert make_plan(make_member(), trigger_data={"text": text}).trigger_data == {"text": text}


@pytest.mark.django_db(transaction=True)
class TestPlanAtOnce:
    def test_gives_one(self) -> None:
        member = make_member()

        plans = at_once(
            4, lambda _: planning.plan(user_id=member.pk, trigger="custom", occasion="one", due_at=NOON, now=NOON)
        )

        assert sorted(plan.created for plan in plans) == [False, False, False, True]
        assert len({plan.follow_up.pk for plan in plans if plan.follow_up}) == 1
        assert ScheduledJob.objects.count() == 1


@pytest.mark.django_db
class TestCancelFollowup:
    def test_cancels_the_job_too(self) -> None:
        follow_up = make_plan(make_member())

        assert planning.cancel_followup(follow_up.pk, reason="event called off", now=NOON)

        follow_up.refresh_from_db()
        assert (follow_up.status, follow_up.reason, follow_up.cancelled_at) == ("cancelled", "event called off", NOON)
        assert ScheduledJob.objects.get(job_id=follow_up.job_id).status == "cancelled"

    @pytest.mark.parametrize("status", ["executed", "failed", "skipped", "cancelled"])
    def test_leaves_what_is_not_pending(self, status: str) -> None:
        follow_up = make_plan(make_member())
        FollowUp.objects.filter(pk=follow_up.pk).update(
            status=status, executed_at=NOON, cancelled_at=NOON, reason="before"
        )
        before = FollowUp.objects.filter(pk=follow_up.pk).values().get()

        assert not planning.cancel_followup(follow_up.pk, reason="late", now=NOON)
        assert FollowUp.objects.filter(pk=follow_up.pk).values().get() == before

    def test_of_an_unknown_one_says_no(self) -> None:
        assert not planning.cancel_followup("nothing", reason="?", now=NOON)
