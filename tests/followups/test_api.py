"""Follow-ups, consent and health over REST."""

import base64
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from rest_framework.test import APIClient

from followups.models import ConsentReceipt, FollowUp
from jobs.models import ClusterHeartbeat, ScheduledJob
from tests.config.factories import make_follow_up, make_key, make_member

pytestmark = pytest.mark.django_db


def client(*scopes: str) -> APIClient:
    """A program with a key."""
    program = APIClient()
    program.credentials(HTTP_AUTHORIZATION=f"Bearer {make_key(*scopes, name='newsletter')}")
    return program


@pytest.fixture
def program() -> APIClient:
    return client("followups:read", "followups:write", "jobs:read")


class TestPlan:
    def test_plans_with_a_job(self, program: APIClient) -> None:
        member = make_member(opted_in=True)
        due = (timezone.now() + timedelta(days=2)).isoformat()
        response = program.post(
            "/api/v1/followups",
            {"user_id": member.user_id, "trigger": "post_event", "due_at": due, "occasion": "booking 7"},
        )
        assert response.status_code == 201, response.content
        planned = response.json()["follow_up"]
        assert response.json()["created"] is True
        assert ScheduledJob.objects.filter(pk=planned["job_id"], status="pending").exists()

    def test_returns_the_one_that_exists(self, program: APIClient) -> None:
        member = make_member(opted_in=True)
        body = {"user_id": member.user_id, "trigger": "post_event", "occasion": "booking 7"}
        first = program.post("/api/v1/followups", body).json()
        second = program.post("/api/v1/followups", body)
        assert (second.status_code, second.json()["created"]) == (200, False)
        assert second.json()["follow_up"]["id"] == first["follow_up"]["id"]
        assert FollowUp.objects.count() == 1

    def test_tells_which_gate_refused(self, program: APIClient) -> None:
        member = make_member()
        response = program.post("/api/v1/followups", {"user_id": member.user_id, "trigger": "custom"})
        assert response.status_code == 409
        assert response.json()["gate"] == "consent"
        assert "never asked" in response.json()["errors"][0]["detail"]
        assert not FollowUp.objects.exists()

    @pytest.mark.parametrize(
        "change",
        [
            {"user_id": "nobody"},
            {"user_id": "a\x00b"},
            {"user_id": "x" * 10_000},
            {"trigger": "boredom"},
            {"due_at": "2099-01-01T00:00:00"},
            {"due_at": "0001-01-01T00:00:00Z"},
            {"due_at": "9999-12-31T23:59:59Z"},
            {"occasion": "x" * 300},
            {"trigger_data": {"a": "\x00"}},
            {"trigger_data": []},
            {"now": "2026-01-01T00:00:00Z"},
        ],
    )
    def test_refuses_nonsense(self, program: APIClient, change: dict[str, Any]) -> None:
        member = make_member(opted_in=True)
        response = program.post("/api/v1/followups", {"user_id": member.user_id, "trigger": "custom", **change})
        assert response.status_code == 400, response.content
        assert response.json()["errors"][0]["detail"]
        assert not FollowUp.objects.exists()

    def test_needs_the_scope_to_write(self) -> None:
        member = make_member(opted_in=True)
        body = {"user_id": member.user_id, "trigger": "custom"}
        assert client("followups:read", "jobs:write").post("/api/v1/followups", body).status_code == 403


class TestList:
    @pytest.mark.parametrize("offset", ["+23:59", "+00:00:30.123456", "-23:59"])
    def test_takes_a_position_in_any_zone(self, program: APIClient, offset: str) -> None:
        cursor = base64.urlsafe_b64encode(f'["2026-01-01T00:00:00{offset}", "a"]'.encode()).decode()
        assert program.get("/api/v1/followups", {"cursor": cursor}).status_code == 200

    @pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+12:00", "9999-12-31T23:59:59-12:00"])
    def test_refuses_a_position_outside_of_time(self, program: APIClient, moment: str) -> None:
        cursor = base64.urlsafe_b64encode(f'["{moment}", "a"]'.encode()).decode()
        assert program.get("/api/v1/followups", {"cursor": cursor}).status_code == 400

    def test_filters(self, program: APIClient) -> None:
        now = timezone.now()
        ada, ben = make_member("Ada"), make_member("Ben")
        wanted = make_follow_up(ada, now=now)
        make_follow_up(ada, "cancelled", now=now)
        make_follow_up(ben, now=now)
        query = {"user_id": ada.user_id, "status": "pending", "trigger": "inactivity"}
        assert [row["id"] for row in program.get("/api/v1/followups", query).json()["results"]] == [wanted.pk]
        assert program.get("/api/v1/followups", {"due_before": now.isoformat()}).json()["results"] == []

    def test_shows_one(self, program: APIClient) -> None:
        row = make_follow_up(make_member(), now=timezone.now())
        assert program.get(f"/api/v1/followups/{row.pk}").json()["user_id"] == row.user_id
        assert program.get("/api/v1/followups/a%00b").status_code == 404


class TestCancel:
    def test_cancels_with_the_job(self, program: APIClient) -> None:
        member = make_member(opted_in=True)
        planned = program.post("/api/v1/followups", {"user_id": member.user_id, "trigger": "custom"}).json()
        response = program.post(f"/api/v1/followups/{planned['follow_up']['id']}/cancel")
        assert (response.status_code, response.json()["status"]) == (200, "cancelled")
        assert "newsletter" in response.json()["reason"]
        assert ScheduledJob.objects.get(pk=planned["follow_up"]["job_id"]).status == "cancelled"

    def test_comes_too_late_for_an_executed_one(self, program: APIClient) -> None:
        row = make_follow_up(make_member(), "executed", now=timezone.now())
        response = program.post(f"/api/v1/followups/{row.pk}/cancel")
        assert response.status_code == 409
        assert "it is executed" in response.json()["errors"][0]["detail"]


class TestConsent:
    def test_records_who_opted_in_by_which_key(self, program: APIClient) -> None:
        member = make_member()
        address = f"/api/v1/members/{member.user_id}"
        assert program.get(f"{address}/consent").json()["state"] is None
        body = program.post(f"{address}/opt-in", {"evidence": "form 12", "wording_version": "2026-11"}).json()
        assert body["opted_in"] is True
        receipt = ConsentReceipt.objects.get(user=member)
        assert (receipt.source, receipt.actor, receipt.evidence) == ("api", "newsletter", "form 12")

    def test_opting_in_twice_writes_one_receipt(self, program: APIClient) -> None:
        member = make_member()
        for _ in range(2):
            program.post(f"/api/v1/members/{member.user_id}/opt-in", {"evidence": "form 12"})
        assert ConsentReceipt.objects.count() == 1

    def test_needs_evidence(self, program: APIClient) -> None:
        member = make_member()
        for body in ({}, {"evidence": ""}, {"evidence": "  "}, {"evidence": "\x00"}):
            response = program.post(f"/api/v1/members/{member.user_id}/opt-in", body)
            assert response.status_code == 400
            assert response.json()["errors"][0]["attr"] == "evidence"
        assert not ConsentReceipt.objects.exists()

    def test_opting_out_cancels_what_is_pending(self, program: APIClient) -> None:
        member = make_member(opted_in=True)
        make_follow_up(member, now=timezone.now())
        response = program.post(f"/api/v1/members/{member.user_id}/opt-out", {"evidence": "mail of Monday"})
        assert response.status_code == 200
        assert (response.json()["opted_in"], response.json()["cancelled_follow_ups"]) == (False, 1)
        assert FollowUp.objects.get().status == "cancelled"

    @pytest.mark.parametrize("tail", ["consent", "opt-in", "opt-out"])
    @pytest.mark.parametrize("user_id", ["nobody", "a%00b", "1" * 10_000])
    def test_knows_no_such_member(self, program: APIClient, tail: str, user_id: str) -> None:
        address = f"/api/v1/members/{user_id}/{tail}"
        response = program.get(address) if tail == "consent" else program.post(address, {"evidence": "x"})
        assert response.status_code == 404

    def test_needs_the_scope_to_write(self) -> None:
        member = make_member()
        response = client("followups:read").post(f"/api/v1/members/{member.user_id}/opt-in", {"evidence": "x"})
        assert response.status_code == 403
        assert not ConsentReceipt.objects.exists()


SEED_KEYS = {"status", "scheduler_running", "pending_jobs", "pending_followups", "executed_today", "apscheduler_jobs"}


class TestHealth:
    @pytest.mark.parametrize("address", ["/api/scheduler/health", "/api/v1/scheduler/health"])
    def test_has_the_seed_documents_keys(self, program: APIClient, address: str) -> None:
        ClusterHeartbeat.objects.create(cluster="a", beat_at=timezone.now())
        response = program.get(address)
        assert response.status_code == 200
        assert set(response.json()) >= SEED_KEYS
        assert response.json()["status"] == "healthy"

    def test_is_degraded_but_answers_without_a_cluster(self, program: APIClient) -> None:
        response = program.get("/api/v1/scheduler/health")
        assert (response.status_code, response.json()["status"]) == (200, "degraded")
        assert response.json()["scheduler_running"] is False

    @pytest.mark.parametrize("address", ["/api/scheduler/health", "/api/v1/scheduler/health"])
    def test_needs_a_key_that_may_read_jobs(self, address: str) -> None:
        assert APIClient().get(address).status_code == 401
        assert client("followups:read").get(address).status_code == 403


@pytest.mark.django_db(transaction=True)
class TestWithoutTheDatabase:
    @pytest.fixture
    def _no_database(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        connection.close()
        with monkeypatch.context() as patch:
            patch.setitem(connection.settings_dict, "HOST", "/nowhere")
            yield
        connection.close()

    @pytest.mark.usefixtures("_no_database")
    @pytest.mark.parametrize("address", ["/api/scheduler/health", "/api/v1/scheduler/health"])
    def test_health_is_unhealthy(self, address: str) -> None:
        program = APIClient(HTTP_AUTHORIZATION="Bearer cb_whatever", raise_request_exception=False)
        response = program.get(address)
        assert (response.status_code, response.json()["status"]) == (503, "unhealthy")

    @pytest.mark.usefixtures("_no_database")
    def test_everything_else_asks_to_come_back(self) -> None:
        program = APIClient(HTTP_AUTHORIZATION="Bearer cb_whatever", raise_request_exception=False)
        response = program.get("/api/v1/followups")
        assert response.status_code == 503
        assert response.json()["errors"][0]["code"] == "database_unavailable"

    @pytest.mark.usefixtures("_no_database")
    def test_the_process_is_alive(self) -> None:
        assert APIClient().get("/health/live").status_code == 200
