"""PEERS 19: who plans a follow-up is told what the member gets anyway about that time."""

import pytest

from followups import nearby
from followups.models import FollowUp
from tests.followups.factories import DAY, NOON, make_member, make_plan, make_sent

pytestmark = pytest.mark.django_db


def found(follow_up: FollowUp) -> list[str]:
    return [other.pk for other in nearby.of(follow_up)]


class TestNearby:
    def test_are_those_of_the_member_within_a_week_the_nearest_first(self) -> None:
        member = make_member()
        sent = make_sent(member, at=NOON - 3 * DAY)
        soon = make_plan(member, due_at=NOON + 5 * DAY, occasion="soon")
        make_plan(member, due_at=NOON + 20 * DAY, occasion="later")
        make_plan(make_member(), due_at=NOON + 4 * DAY)
        new = make_plan(member, due_at=NOON + 4 * DAY, occasion="new")

        assert found(new) == [soon.pk, sent.follow_up_id]

    def test_are_those_with_the_same_words_within_a_month(self) -> None:
        member = make_member()
        same = make_plan(member, due_at=NOON + 20 * DAY, occasion="1", trigger_data={"text": "Come to the fair!"})
        make_plan(member, due_at=NOON + 21 * DAY, occasion="2", trigger_data={"text": "Another text"})
        new = make_plan(member, due_at=NOON, occasion="3", trigger_data={"text": "Come to the fair!"})

        assert found(new) == [same.pk]
        assert "by hand, the same words due 2026-12-08" in nearby.in_words([same], follow_up=new)

    def test_are_not_those_that_were_cancelled(self) -> None:
        member = make_member()
        cancelled = make_plan(member, due_at=NOON + DAY, occasion="1")
        FollowUp.objects.filter(pk=cancelled.pk).update(status="cancelled", cancelled_at=NOON)
        new = make_plan(member, due_at=NOON, occasion="2")

        assert found(new) == []
        assert nearby.in_words([], follow_up=new) == ""
