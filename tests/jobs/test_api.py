"""Jobs over REST."""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from rest_framework.test import APIClient

from jobs import registry
from jobs.models import JobPause, JobStatus, ScheduledJob
from tests.config.factories import make_attempt, make_job, make_key

pytestmark = pytest.mark.django_db

DUE = "2030-03-01T09:00:00+01:00"


def client(*scopes: str) -> APIClient:
    """A program with a key."""
    program = APIClient()
    program.credentials(HTTP_AUTHORIZATION=f"Bearer {make_key(*scopes)}")
    return program


@pytest.fixture
def program() -> APIClient:
    return client("jobs:read", "jobs:write")


@pytest.fixture
def job_type() -> str:
    return registry.job_types()[0]


def errors(response: Any) -> dict[str | None, str]:
    """The sentences of an answer, by field."""
    return {error["attr"]: error["detail"] for error in response.json()["errors"]}


class TestSchedule:
    def test_stores_what_was_asked(self, program: APIClient, job_type: str) -> None:
        body = {"job_type": job_type, "scheduled_time": DUE, "unique_key": "k", "priority": 7, "max_retries": 1}
        response = program.post("/api/v1/jobs", body | {"max_lateness_seconds": 60})
        assert response.status_code == 201, response.content
        job = ScheduledJob.objects.get(pk=response.json()["job_id"])
        assert (job.unique_key, job.priority, job.max_retries) == ("k", 7, 1)
        assert job.scheduled_time.isoformat() == "2030-03-01T08:00:00+00:00"
        assert job.expires_at == job.scheduled_time + timedelta(seconds=60)

    def test_names_the_job_that_holds_the_key(self, program: APIClient, job_type: str) -> None:
        body = {"job_type": job_type, "scheduled_time": DUE, "unique_key": "k"}
        first = program.post("/api/v1/jobs", body)
        second = program.post("/api/v1/jobs", body)
        assert second.status_code == 409
        assert second.json()["existing_job_id"] == first.json()["job_id"]
        assert ScheduledJob.objects.count() == 1

    @pytest.mark.parametrize(
        ("change", "field"),
        [
            ({"job_type": "no such type"}, "job_type"),
            ({"payload": ["not an object"]}, "payload"),
            ({"payload": "text"}, "payload"),
            ({"scheduled_time": "2030-03-01T09:00:00"}, "scheduled_time"),
            ({"scheduled_time": "tomorrow"}, "scheduled_time"),
            ({"scheduled_time": "9999-12-31T23:59:59-14:00"}, "scheduled_time"),
            ({"scheduled_time": "9999-12-31T23:59:59Z", "max_lateness_seconds": 60}, "scheduled_time"),
            ({"priority": 10}, "priority"),
            ({"priority": 10**40}, "priority"),
            ({"max_retries": -1}, "max_retries"),
            ({"max_lateness_seconds": 10**30}, "max_lateness_seconds"),
            ({"unique_key": "x" * 256}, "unique_key"),
            ({"unique_key": "a\x00b"}, "unique_key"),
            ({"payload": {"deep": ["a\x00b"]}}, "payload.deep.0"),
            ({"payload": {"half": "\ud800"}}, "payload.half"),
            ({"payload": {"a\x00b": 1}}, "payload"),
            ({"surprise": 1}, "surprise"),
        ],
    )
    def test_refuses_with_the_field_and_a_sentence(
        self, program: APIClient, job_type: str, change: dict[str, Any], field: str
    ) -> None:
        body = json.dumps({"job_type": job_type, "scheduled_time": DUE, **change})
        response = program.post("/api/v1/jobs", body, content_type="application/json")
        assert response.status_code == 400, response.content
        assert errors(response).get(field, "").endswith((".", ")", "]")), response.content
        assert not ScheduledJob.objects.exists()

    def test_says_which_zone_is_missing(self, program: APIClient, job_type: str) -> None:
        response = program.post("/api/v1/jobs", {"job_type": job_type, "scheduled_time": "2030-03-01T09:00:00"})
        assert "time zone" in errors(response)["scheduled_time"]

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"[]",
            b'"text"',
            b"null",
            b"{",
            b"\xff\xfe",
            b'{"priority": NaN}',
            b"[" * 100_000,
            b'{"a":' * 200 + b"1" + b"}" * 200,
            b'{"priority": ' + b"9" * 5000 + b"}",
            b'{"payload": {"n": 1e999}}',
        ],
    )
    def test_refuses_what_is_no_object(self, program: APIClient, body: bytes) -> None:
        response = program.post("/api/v1/jobs", body, content_type="application/json")
        assert response.status_code == 400, response.content
        assert response.json()["errors"]

    def test_refuses_long_bodies(self, program: APIClient, settings: Any) -> None:
        settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
        response = program.post("/api/v1/jobs", {"payload": {"text": "x" * 1000}})
        assert response.status_code == 413

    def test_refuses_other_formats(self, program: APIClient) -> None:
        response = program.post("/api/v1/jobs", "a=b", content_type="application/x-www-form-urlencoded")
        assert response.status_code == 415

    def test_needs_the_scope_to_write(self, job_type: str) -> None:
        response = client("jobs:read").post("/api/v1/jobs", {"job_type": job_type, "scheduled_time": DUE})
        assert response.status_code == 403
        assert "jobs:write" in errors(response)[None]
        assert not ScheduledJob.objects.exists()


class TestList:
    def test_filters(self, program: APIClient) -> None:
        now = timezone.now()
        late = make_job(now=now, due=now - timedelta(hours=1))
        make_job(now=now, due=now + timedelta(hours=1))
        make_job(JobStatus.FAILED, now=now, due=now - timedelta(hours=1))
        response = program.get(
            "/api/v1/jobs", {"status": "pending", "job_type": "custom", "due_before": now.isoformat()}
        )
        assert [job["job_id"] for job in response.json()["results"]] == [late.job_id]

    def test_pages_through_equal_times_without_loss(self, program: APIClient) -> None:
        now = timezone.now()
        made = {make_job(now=now, due=now).job_id for _ in range(7)}
        seen: list[str] = []
        address: str | None = "/api/v1/jobs?page_size=3&status=pending"
        while address:
            page = program.get(address).json()
            seen += [job["job_id"] for job in page["results"]]
            address = page["next"]
        assert len(seen) == 7
        assert set(seen) == made

    @pytest.mark.parametrize(
        "query",
        [
            {"cursor": "nonsense"},
            {"cursor": base64.urlsafe_b64encode(b'["2026-01-01T00:00:00Z", "a\\u0000"]').decode()},
            {"cursor": base64.urlsafe_b64encode(b'["2026-01-01T00:00:00Z", "\\ud800"]').decode()},
            {"cursor": base64.urlsafe_b64encode(b'["2026-13-01T00:00:00Z", "a"]').decode()},
            {"cursor": base64.urlsafe_b64encode(b"[1, 2]").decode()},
            {"cursor": "é"},
            {"page_size": "0"},
            {"page_size": "9" * 5000},
            {"status": "sleeping"},
            {"job_type": "a\x00b"},
            {"due_before": "2026-01-01T00:00:00"},
            {"colour": "red"},
        ],
    )
    def test_refuses_strange_questions(self, program: APIClient, query: dict[str, str]) -> None:
        response = program.get("/api/v1/jobs", query)
        assert response.status_code == 400, response.content

    def test_asks_few_questions_of_its_own(self, program: APIClient, django_assert_max_num_queries: Any) -> None:
        for _ in range(60):
            make_job(now=timezone.now())
        with django_assert_max_num_queries(5):
            assert len(program.get("/api/v1/jobs").json()["results"]) == 50

    @pytest.mark.parametrize("status", ["failed", "expired"])
    def test_finds_the_few_that_went_wrong_by_an_index(self, status: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO scheduled_jobs (job_id, job_type, scheduled_time, next_attempt_at, payload, status, "
                "completed_at) SELECT n, 'custom', now() + n * interval '1 s', now(), '{}', 'completed', now() "
                "FROM generate_series(1, 5000) AS n"
            )
            cursor.execute("ANALYZE scheduled_jobs")
        page = ScheduledJob.objects.filter(status=status).order_by("-scheduled_time", "-job_id")[:51]
        assert "idx_scheduled_jobs_ended_bad" in page.explain()


class TestOne:
    def test_shows_the_attempts_oldest_first(self, program: APIClient) -> None:
        now = timezone.now()
        job = make_job(JobStatus.FAILED, now=now)
        make_attempt(job, "failed", now=now, error="Time-out.")
        make_attempt(job, "failed", now=now - timedelta(hours=1), error="No route.")
        response = program.get(f"/api/v1/jobs/{job.job_id}")
        assert [attempt["error_message"] for attempt in response.json()["attempts"]] == ["No route.", "Time-out."]

    @pytest.mark.parametrize("job_id", ["nobody", "x" * 10_000, "a%00b", "%ff", "'; DROP TABLE scheduled_jobs; --"])
    @pytest.mark.parametrize("tail", ["", "/cancel", "/retry", "/run"])
    def test_knows_no_such_job(self, program: APIClient, job_id: str, tail: str) -> None:
        address = f"/api/v1/jobs/{job_id}{tail}"
        response = program.post(address) if tail else program.get(address)
        assert response.status_code == 404
        assert response.json()["errors"][0]["detail"]


class TestChange:
    def test_cancels_a_pending_job(self, program: APIClient) -> None:
        job = make_job(now=timezone.now())
        response = program.post(f"/api/v1/jobs/{job.job_id}/cancel")
        assert (response.status_code, response.json()["status"]) == (200, "cancelled")

    def test_retries_a_failed_job(self, program: APIClient) -> None:
        job = make_job(JobStatus.FAILED, now=timezone.now())
        response = program.post(f"/api/v1/jobs/{job.job_id}/retry")
        assert (response.status_code, response.json()["status"]) == (200, "pending")

    @pytest.mark.parametrize(
        ("status", "verb"), [("completed", "cancel"), ("running", "cancel"), ("completed", "retry"), ("failed", "run")]
    )
    def test_says_why_the_state_forbids_it(self, program: APIClient, status: str, verb: str) -> None:
        job = make_job(status, now=timezone.now())
        response = program.post(f"/api/v1/jobs/{job.job_id}/{verb}")
        assert response.status_code == 409
        assert f"this one is {status}." in errors(response)[None]
        job.refresh_from_db()
        assert job.status == status

    def test_needs_the_scope_to_write(self) -> None:
        job = make_job(now=timezone.now())
        assert client("jobs:read").post(f"/api/v1/jobs/{job.job_id}/cancel").status_code == 403
        job.refresh_from_db()
        assert job.status == JobStatus.PENDING

    def test_makes_a_job_due_now(self, program: APIClient) -> None:
        job = make_job(now=timezone.now())
        response = program.post(f"/api/v1/jobs/{job.job_id}/run")
        assert response.status_code == 200
        job.refresh_from_db()
        assert job.next_attempt_at <= timezone.now()

    def test_moves_a_job(self, program: APIClient) -> None:
        job = make_job(now=timezone.now())
        response = program.post(f"/api/v1/jobs/{job.job_id}/reschedule", {"scheduled_time": DUE})
        assert response.json()["next_attempt_at"] == "2030-03-01T08:00:00Z"
        job.refresh_from_db()
        assert job.scheduled_time == job.next_attempt_at == datetime(2030, 3, 1, 8, tzinfo=UTC)

    @pytest.mark.parametrize(
        ("body", "words"),
        [
            ({}, "required"),
            ({"scheduled_time": "2030-03-01T09:00:00"}, "Say which time zone"),
            ({"scheduled_time": "2130-03-01T09:00:00Z"}, "more than ten years away"),
        ],
    )
    def test_refuses_times_that_a_job_cannot_have(self, program: APIClient, body: Any, words: str) -> None:
        job = make_job(now=timezone.now())
        response = program.post(f"/api/v1/jobs/{job.job_id}/reschedule", body)
        assert response.status_code == 400
        assert words in errors(response)["scheduled_time"]
        before = job.next_attempt_at
        job.refresh_from_db()
        assert job.next_attempt_at == before


class TestJobTypes:
    def test_are_listed_with_their_rules_and_pauses(self, program: APIClient) -> None:
        program.post("/api/v1/job-types/sample_one_at_a_time/pause", {"reason": "the provider is down"})
        found = program.get("/api/v1/job-types").json()
        (entry,) = [entry for entry in found["job_types"] if entry["job_type"] == "sample_one_at_a_time"]
        assert (entry["concurrency"], entry["timeout_seconds"], entry["rate_count"]) == (1, 600, None)
        assert entry["pause"]["reason"] == "the provider is down"
        assert found["everything"] is None

    def test_are_paused_and_resumed(self, program: APIClient) -> None:
        for job_type in ("sample_one", "*"):
            paused = program.post(f"/api/v1/job-types/{job_type}/pause")
            assert (paused.status_code, paused.json()["job_type"]) == (200, job_type)
            assert program.post(f"/api/v1/job-types/{job_type}/pause").status_code == 409
            assert program.post(f"/api/v1/job-types/{job_type}/resume").status_code == 204
            assert program.post(f"/api/v1/job-types/{job_type}/resume").status_code == 409
        assert not JobPause.objects.exists()

    def test_must_be_known(self, program: APIClient) -> None:
        response = program.post("/api/v1/job-types/nobody_handles_this/pause")
        assert response.status_code == 404
        assert not JobPause.objects.exists()

    def test_need_the_scope_to_write(self) -> None:
        assert client("jobs:read").post("/api/v1/job-types/sample_one/pause").status_code == 403
        assert client("jobs:read").get("/api/v1/job-types").status_code == 200
