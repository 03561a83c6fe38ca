"""A member's goal over REST."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from followups.models import FollowUp, Goal, UserProfile
from tests.config.factories import make_key, make_member

pytestmark = pytest.mark.django_db


@pytest.fixture
def program() -> APIClient:
    return APIClient(HTTP_AUTHORIZATION=f"Bearer {make_key('followups:read', 'followups:write')}")


def address(member: UserProfile) -> str:
    return f"/api/v1/members/{member.pk}/goal"


def wish(**changes: Any) -> dict[str, Any]:
    return {"text": "Run 10 km", "check_in_at": (timezone.now() + timedelta(days=9)).isoformat(), **changes}


class TestGoal:
    def test_is_set_shown_replaced_and_closed_with_its_follow_up(self, program: APIClient) -> None:
        member = make_member(opted_in=True)

        first = program.put(address(member), wish()).json()
        assert (first["reason"], first["goal"]["text"]) == ("", "Run 10 km")
        second = program.put(address(member), wish(text="Run 20 km")).json()
        assert program.get(address(member)).json() == second["goal"]
        assert FollowUp.objects.get(pk=first["goal"]["follow_up_id"]).status == "cancelled"
        assert program.delete(address(member)).status_code == 204

        assert FollowUp.objects.get(pk=second["goal"]["follow_up_id"]).status == "cancelled"
        assert program.get(address(member)).status_code == program.delete(address(member)).status_code == 404

    def test_of_a_member_who_did_not_opt_in_says_that_nothing_is_planned(self, program: APIClient) -> None:
        body = program.put(address(make_member()), wish()).json()

        assert "opted in" in body["reason"]
        assert (Goal.objects.count(), FollowUp.objects.count()) == (1, 0)

    @pytest.mark.parametrize(
        "body",
        [
            {},
            wish(text=""),
            wish(text="x" * 201),
            wish(text="two\nlines"),
            wish(check_in_at="2027-01-01T10:00:00"),
            wish(check_in_at="2020-01-01T10:00:00Z"),
            wish(check_in_at="2190-01-01T10:00:00Z"),
            wish(why="?"),
        ],
    )
    def test_refuses_nonsense_and_stores_nothing(self, program: APIClient, body: dict[str, Any]) -> None:
        response = program.put(address(make_member(opted_in=True)), body)

        assert response.status_code == 400
        assert len(response.json()["errors"]) in {1, 2}
        assert not Goal.objects.exists()

    def test_is_a_known_members(self, program: APIClient) -> None:
        assert program.put("/api/v1/members/nobody/goal", wish()).status_code == 404
