"""Why and what if, over REST."""

from datetime import timedelta

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from followups.models import FollowUp, PolicyDecision
from tests.config.factories import make_follow_up, make_key, make_member

pytestmark = pytest.mark.django_db


@pytest.fixture
def program() -> APIClient:
    return APIClient(HTTP_AUTHORIZATION=f"Bearer {make_key('followups:read')}")


class TestWhy:
    def test_answers_for_every_trigger_and_records_nothing(self, program: APIClient) -> None:
        member = make_member()

        body = program.get(f"/api/v1/members/{member.pk}/why").json()

        assert body["consent"] is None
        assert {answer["gate"] for answer in body["answers"].values()} == {"consent"}
        assert len(body["answers"]) == 7
        assert not PolicyDecision.objects.exists()

    def test_shows_what_is_planned_and_was_decided(self, program: APIClient) -> None:
        member = make_member(opted_in=True, last_interaction=timezone.now() - timedelta(days=3))
        planned = make_follow_up(member, now=timezone.now())

        body = program.get(f"/api/v1/members/{member.pk}/why").json()

        assert [row["id"] for row in body["planned"]] == [planned.pk]
        assert body["decisions"][0]["follow_up_id"] == planned.pk
        assert body["topics"] == ["check_ins", "events", "re_engagement"]

    def test_knows_no_stranger(self, program: APIClient) -> None:
        assert program.get("/api/v1/members/nobody/why").status_code == 404


class TestLedger:
    def test_is_listed_by_member_gate_and_verdict(self, program: APIClient) -> None:
        first, second = make_member(), make_member()
        make_follow_up(first, "skipped", now=timezone.now())
        make_follow_up(second, "pending", now=timezone.now())

        def found(**asked: str) -> list[str]:
            return [row["user_id"] for row in program.get("/api/v1/decisions", asked).json()["results"]]

        assert found() == [second.pk, first.pk]
        assert found(user_id=first.pk) == found(gate="consent") == found(verdict="drop") == [first.pk]
        assert found(since=(timezone.now() + timedelta(hours=1)).isoformat()) == []

    @pytest.mark.parametrize(
        "asked", [{"gate": "door"}, {"verdict": "maybe"}, {"since": "2026-01-01T00:00:00"}, {"a": 1}]
    )
    def test_says_what_is_wrong_with_a_filter(self, program: APIClient, asked: dict[str, object]) -> None:
        response = program.get("/api/v1/decisions", asked)

        assert response.status_code == 400
        assert response.json()["errors"][0]["attr"] == next(iter(asked))


class TestSimulation:
    def test_compares_two_policies_and_writes_nothing(self, program: APIClient) -> None:
        make_member(opted_in=True, last_interaction=timezone.now() - timedelta(days=3))

        now, then = program.post(
            "/api/v1/followups/simulate", {"days": 20, "changes": {"FOLLOW_UP_MAX_PER_USER_PER_WEEK": 0}}
        ).json()

        assert (now["messages"], then["messages"]) == (1, 0)
        assert now["by_trigger"] == {"inactivity": 1}
        assert now["steps"][-1]["decision"]["verdict"] == "send"
        assert then["dropped"] == {"weekly_cap": 1}
        assert not FollowUp.objects.exists()

    @pytest.mark.parametrize(
        ("body", "attr"),
        [
            ({"days": 0}, "days"),
            ({"days": 400}, "days"),
            ({"user_id": "nobody"}, "user_id"),
            ({"changes": {"FOLLOW_UP_QUIET_HOURS_START": 24}}, "changes"),
            ({"changes": {"SECRET_KEY": "x"}}, "changes"),
        ],
    )
    def test_says_what_is_wrong(self, program: APIClient, body: dict[str, object], attr: str) -> None:
        response = program.post("/api/v1/followups/simulate", body)

        assert response.status_code == 400
        assert response.json()["errors"][0]["attr"].startswith(attr)
