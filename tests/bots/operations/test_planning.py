"""`schedule_followup` and `followups_why`: what the team asks about one member."""

from datetime import timedelta
from typing import Any

import pytest

from bots import answers
from bots.operations import planning
from bots.operations.planning import Subject
from followups.models import FollowUp, PolicyDecision, UserProfile
from jobs import pauses
from jobs.models import ScheduledJob
from tests.bots.operations.asking import ask
from tests.followups.factories import DAY, HOUR, NOON, make_member, make_plan, opt_out

pytestmark = pytest.mark.django_db


def subject_of(member: UserProfile, **changes: Any) -> Subject:
    """A member as a command names them."""
    return Subject(**{"user_id": member.user_id, "name": "Grace_H", **changes})


def schedule(subject: Subject, hours: float | None = None) -> str:
    """Plan as the command does, and return the answer."""

    def operation(question: answers.Question) -> answers.Answer:
        return planning.schedule(question, subject=subject, hours=hours, now=NOON)

    return answers.answer_interaction(operation, ask(), meets=False, now=NOON).text


class TestSchedule:
    @pytest.mark.parametrize(("hours", "due"), [(2, NOON + 2 * HOUR), (24.5, NOON + timedelta(hours=24.5))])
    def test_plans_and_names_follow_up_job_and_time(self, hours: float, due: Any) -> None:
        told = schedule(subject_of(make_member()), hours)
        planned = FollowUp.objects.get()
        assert (planned.trigger_type, planned.scheduled_at) == ("custom", due)
        assert f"`{planned.pk}`" in told
        assert f"job `{ScheduledJob.objects.get().job_id}`" in told
        assert f"due {due:%Y-%m-%d %H:%M} UTC" in told
        assert planned.trigger_data == {"planned_by": "ada (1001, on Discord)"}

    def test_falls_back_to_the_setting(self, settings: Any) -> None:
        """ORIGINS C2."""
        settings.FOLLOW_UP_DEFAULT_DELAY_HOURS = 5
        schedule(subject_of(make_member()))
        assert FollowUp.objects.get().scheduled_at == NOON + 5 * HOUR

    @pytest.mark.parametrize("hours", [0, -1, 1e9, 8760.5, float("nan"), float("inf"), float("-inf"), -0.0, 1e308])
    def test_refuses_hours_that_make_no_sense(self, hours: float) -> None:
        """ORIGINS 1.9: the original took them all."""
        told = schedule(subject_of(make_member()), hours)
        assert "more than 0 and at most 8760" in told
        assert (FollowUp.objects.count(), ScheduledJob.objects.count()) == (0, 0)

    def test_writes_to_nobody_who_did_not_ask(self) -> None:
        """The original warned, and planned all the same."""
        told = schedule(subject_of(make_member(opted_in=False)), 2)
        assert "has not opted in" in told
        assert (FollowUp.objects.count(), ScheduledJob.objects.count()) == (0, 0)
        assert PolicyDecision.objects.get().gate == "consent"

    def test_names_the_reason_of_the_policy(self) -> None:
        told = schedule(subject_of(make_member(left_at=NOON - DAY)), 2)
        assert "I planned nothing for Grace\\_H: " in told
        assert not FollowUp.objects.exists()

    def test_says_what_is_there_already(self) -> None:
        member = make_member()
        schedule(subject_of(member), 2)
        told = schedule(subject_of(member), 2)
        assert "has one already" in told
        assert f"`{FollowUp.objects.get().pk}`" in told

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"is_bot": True}, "is a bot"),
            ({"is_in_reach": False}, "not in this community"),
            ({"user_id": "404"}, "have not met"),
        ],
    )
    def test_refuses_whom_it_can_not_be_about(self, changes: dict[str, Any], words: str) -> None:
        subject = subject_of(make_member(), **changes)
        assert words in schedule(subject, 2)
        assert not FollowUp.objects.exists()


class TestExplain:
    def test_says_everything_in_one_message(self) -> None:
        member = make_member()
        planned = make_plan(member, due_at=NOON + DAY)
        told = planning.explain(ask(), subject=subject_of(member), now=NOON).text
        assert "said **yes** to check_ins, events, re_engagement" in told
        assert planned.pk in told
        assert "If one were due now:" in told
        assert "planning" not in told
        assert told.endswith(f"/followups/userprofile/{member.user_id}/change/")
        assert len(told) <= 2000

    def test_names_a_withdrawal_and_a_pause(self) -> None:
        member = make_member()
        opt_out(member)
        pauses.pause("follow_up_message", by="ada", now=NOON)
        told = planning.explain(ask(), subject=subject_of(member), now=NOON).text
        assert "took their yes **back**" in told
        assert "paused for everybody" in told

    def test_fits_however_much_there_is(self) -> None:
        member = make_member()
        for day in range(1, 9):
            make_plan(member, due_at=NOON + day * DAY)
        PolicyDecision.objects.update(reason="because " * 60)
        told = planning.explain(ask(), subject=subject_of(member), now=NOON).text
        assert len(told) <= 2000
        assert "\n…\nMore: http" in told

    def test_tells_nothing_about_members_of_other_communities(self) -> None:
        with pytest.raises(answers.Refused, match="not in this community"):
            planning.explain(ask(), subject=subject_of(make_member(), is_in_reach=False), now=NOON)
