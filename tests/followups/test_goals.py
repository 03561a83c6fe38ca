"""Goals: one open at a time, each with its check-in."""

from datetime import datetime
from typing import Any

import pytest

from followups import goals
from followups.models import FollowUp, Goal
from followups.planning import CannotPlan
from jobs.models import ScheduledJob
from tests.concurrency import at_once
from tests.followups.factories import DAY, NOON, make_member, opt_in, opt_out

pytestmark = pytest.mark.django_db


class TestSetGoal:
    def test_plans_the_check_in(self) -> None:
        member = make_member()

        made = goals.set_goal(user_id=member.pk, text=" Run 5 km ", check_in_at=NOON + 14 * DAY, now=NOON)

        goal, planned = Goal.objects.get(), FollowUp.objects.get()
        assert (goal.text, goal.check_in_at, goal.closed_at) == ("Run 5 km", NOON + 14 * DAY, None)
        assert (planned.trigger_type, planned.scheduled_at) == ("goal", NOON + 14 * DAY)
        assert planned.trigger_data == {"goal": "Run 5 km"}
        assert (made.goal, made.plan.follow_up, goal.follow_up_id) == (goal, planned, planned.pk)

    def test_replaces_the_open_one_with_its_follow_up(self) -> None:
        member = make_member()
        first = goals.set_goal(user_id=member.pk, text="Run", check_in_at=NOON + DAY, now=NOON)

        goals.set_goal(user_id=member.pk, text="Swim", check_in_at=NOON + DAY, now=NOON)

        first.goal.refresh_from_db()
        assert first.goal.closed_at == NOON
        assert FollowUp.objects.get(status="pending").trigger_data == {"goal": "Swim"}
        assert FollowUp.objects.get(status="cancelled").reason == "the member has set another goal"
        assert ScheduledJob.objects.filter(status="pending").count() == 1

    def test_of_somebody_who_has_not_opted_in_is_kept_without_a_message(self) -> None:
        made = goals.set_goal(user_id=make_member(opted_in=False).pk, text="Run", check_in_at=NOON + DAY, now=NOON)

        assert (made.plan.follow_up, Goal.objects.get().follow_up_id) == (None, "")
        assert not FollowUp.objects.exists()

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"text": "  "}, "1 to 200 printable"),
            ({"text": "x" * 201}, "1 to 200 printable"),
            ({"text": "a\x00b"}, "1 to 200 printable"),
            ({"text": "a\nb"}, "1 to 200 printable"),
            ({"check_in_at": NOON}, "must lie ahead"),
            ({"check_in_at": datetime(2026, 12, 1)}, "needs a time zone"),
            ({"check_in_at": NOON + 400 * DAY}, "out of range"),
            ({"user_id": "nobody"}, "Nobody with the id"),
        ],
    )
    def test_of_nonsense_leaves_the_open_one(self, changes: dict[str, Any], words: str) -> None:
        member = make_member()
        goals.set_goal(user_id=member.pk, text="Run", check_in_at=NOON + DAY, now=NOON)
        asked = {"user_id": member.pk, "text": "Swim", "check_in_at": NOON + DAY, "now": NOON, **changes}

        with pytest.raises(CannotPlan, match=words):
            goals.set_goal(**asked)

        assert (Goal.objects.get().text, Goal.objects.get().closed_at) == ("Run", None)
        assert FollowUp.objects.get().status == "pending"

    @pytest.mark.django_db(transaction=True)
    def test_at_once_leaves_one_open(self) -> None:
        member = make_member()

        at_once(
            4,
            lambda number: goals.set_goal(user_id=member.pk, text=f"Goal {number}", check_in_at=NOON + DAY, now=NOON),
        )

        assert Goal.objects.filter(closed_at=None).count() == 1
        assert FollowUp.objects.filter(status="pending").count() == 1


class TestClose:
    def test_stops_the_check_in(self) -> None:
        member = make_member()
        goals.set_goal(user_id=member.pk, text="Run", check_in_at=NOON + DAY, now=NOON)

        assert goals.close(user_id=member.pk, now=NOON + DAY)
        assert Goal.objects.get().closed_at == NOON + DAY
        assert FollowUp.objects.get().status == "cancelled"
        assert not goals.close(user_id=member.pk, now=NOON + DAY)


class TestPlanMissing:
    def test_gives_those_who_opt_in_the_check_in_they_asked_for(self) -> None:
        member = make_member(opted_in=False)
        goals.set_goal(user_id=member.pk, text="Run", check_in_at=NOON + DAY, now=NOON)
        assert not goals.plan_missing(member.pk, now=NOON)
        opt_in(member)

        assert goals.plan_missing(member.pk, now=NOON)
        assert Goal.objects.get().follow_up_id == FollowUp.objects.get().pk
        assert not goals.plan_missing(member.pk, now=NOON)

    def test_brings_back_what_an_opt_out_stopped(self) -> None:
        member = make_member()
        goals.set_goal(user_id=member.pk, text="Run", check_in_at=NOON + DAY, now=NOON)
        opt_out(member)
        opt_in(member)

        assert goals.plan_missing(member.pk, now=NOON)
        assert FollowUp.objects.filter(status="pending").count() == 1

    def test_is_too_late_for_a_time_that_is_past(self) -> None:
        member = make_member(opted_in=False)
        goals.set_goal(user_id=member.pk, text="Run", check_in_at=NOON + DAY, now=NOON)
        opt_in(member)

        assert not goals.plan_missing(member.pk, now=NOON + DAY)
