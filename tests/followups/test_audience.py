"""Whom a campaign would reach now. PEERS 26: each number is what its rows say."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from followups import audience, facts, policy
from followups.models import Absence, UserProfile
from followups.policy import Verdict
from tests.followups.factories import DAY, HOUR, NOON, make_member, make_sent, make_thread

pytestmark = pytest.mark.django_db


def counts(trigger: str = "inactivity", **options: Any) -> dict[str, int]:
    return {step.name: step.members for step in audience.funnel(trigger, **{"now": NOON, **options})}


class TestFunnel:
    def test_loses_members_step_by_step(self) -> None:
        make_member(last_interaction=NOON - HOUR)  # wrote just now
        make_member(last_interaction=None)  # never wrote
        make_member(opted_in=False)
        make_member(topics=["events"])
        make_member(unreachable_since=NOON - DAY)
        blocked = make_thread(make_member())
        type(blocked).objects.filter(pk=blocked.pk).update(is_blocked=True)
        make_member(paused_until=NOON + DAY)
        Absence.objects.create(user=make_member(), starts_at=NOON - DAY, ends_at=NOON + DAY)
        often = make_member()
        make_sent(often, at=NOON - 5 * DAY)
        make_sent(often, at=NOON - 6 * DAY)
        make_member(last_follow_up_sent=NOON - 47 * HOUR)
        make_member(timezone="Pacific/Auckland")  # one at night there
        make_member()

        assert counts() == {
            "matched": 10,
            "opted_in": 8,
            "reachable": 6,
            "not_paused": 4,
            "under_cap": 2,
            "awake": 1,
        }

    def test_is_all_zero_without_members(self) -> None:
        assert set(counts().values()) == set(counts("re_engagement").values()) == {0}

    def test_counts_a_re_engagement_from_the_end_of_its_cool_off(self) -> None:
        make_member(last_interaction=NOON - 40 * DAY)
        make_member(last_interaction=NOON - 40 * DAY, re_engagement_counts_from=NOON - DAY)
        make_member(last_interaction=NOON - 40 * DAY, re_engagements_unanswered=2)
        make_member(last_interaction=NOON - 3 * DAY)

        assert counts("re_engagement")["matched"] == 1
        assert counts("inactivity")["matched"] == 1

    def test_passes_those_to_whom_the_policy_would_send(self) -> None:
        """The same answer as the policy's, member by member."""
        for number in range(40):
            member = make_member(
                opted_in=number % 3 > 0,
                last_interaction=NOON - number * 5 * HOUR,
                timezone=["America/New_York", "Asia/Kolkata", ""][number % 3],
                quiet_start=[None, 11][number % 2],
                quiet_end=[None, 13][number % 2],
            )
            if number % 5 == 0:
                make_sent(member, at=NOON - DAY)
                UserProfile.objects.filter(pk=member.pk).update(last_follow_up_sent=NOON - DAY)

        sent = [
            member.pk
            for member in UserProfile.objects.all()
            if policy.decide(facts.gather(member.pk, "inactivity", now=NOON), now=NOON).verdict is Verdict.SEND
        ]

        assert len(sent) > 3
        assert counts()["awake"] == len(sent)

    def test_asks_few_queries(self, django_assert_max_num_queries: Any) -> None:
        for _ in range(10):
            make_member()
        with django_assert_max_num_queries(10):
            counts()

    @pytest.mark.parametrize(("trigger", "step"), [("custom", "matched"), ("inactivity", "happy")])
    def test_knows_no_other_step(self, trigger: str, step: str) -> None:
        with pytest.raises(ValueError, match="There is no step"):
            audience.after(trigger, step, now=NOON)


class TestAudienceInTheConsole:
    def test_each_number_leads_to_its_members(self, boss: Client) -> None:
        make_member(last_interaction=timezone.now() - timedelta(days=3), name="Ada")
        make_member(last_interaction=timezone.now() - timedelta(days=3), name="Ben", opted_in=False)

        page = boss.get(reverse("admin:followups_forecast")).content.decode()
        rows = boss.get(reverse("admin:followups_userprofile_changelist"), {"audience": "inactivity.opted_in"})

        assert "audience=inactivity.opted_in" in page
        assert [member.name for member in rows.context["cl"].result_list] == ["Ada"]
        unknown = boss.get(reverse("admin:followups_userprofile_changelist"), {"audience": "inactivity.happy"})
        assert unknown.context["cl"].result_count == 2
