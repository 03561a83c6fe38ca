"""What holds for the whole API: keys, scopes, the schema, errors."""

import json
import re
from datetime import timedelta
from typing import Any

import hypothesis
import pytest
from django.test import Client
from django.utils import timezone
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.validation import validate_schema
from hypothesis import strategies as st
from rest_framework.test import APIClient

from config.models import ApiToken
from jobs import registry
from tests.config.factories import make_key, make_member, make_superuser

pytestmark = pytest.mark.django_db


def schema() -> dict[str, Any]:
    """The OpenAPI schema."""
    generated: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    return generated


def operations() -> list[tuple[str, str]]:
    """Every method and path of the schema."""
    return [(method, path) for path, methods in schema()["paths"].items() for method in methods]


class TestSchema:
    def test_is_valid_and_complete_without_warnings(self) -> None:
        GENERATOR_STATS.reset()
        validate_schema(schema())
        assert not GENERATOR_STATS, GENERATOR_STATS.emit_summary()

    def test_every_operation_refuses_strangers(self) -> None:
        found = operations()
        assert len(found) >= 13
        for method, path in found:
            address = re.sub(r"{\w+}", "1", path)
            response = getattr(APIClient(), method)(address)
            assert response.status_code == 401, (method, path)
            assert response.headers["WWW-Authenticate"] == "Bearer"
            assert response.json()["errors"][0]["detail"]

    def test_every_operation_refuses_a_key_without_scopes(self) -> None:
        secret = make_key("jobs:read")
        ApiToken.objects.update(scopes=[])
        program = APIClient(HTTP_AUTHORIZATION=f"Bearer {secret}")
        for method, path in operations():
            address = re.sub(r"{\w+}", "1", path)
            assert getattr(program, method)(address).status_code == 403, (method, path)

    def test_is_served_with_a_page_that_asks_nobody_else(self, client: Client) -> None:
        assert client.get("/api/v1/schema/").status_code == 200
        page = client.get("/api/v1/docs/")
        assert page.status_code == 200
        assert b"//cdn" not in page.content
        assert b"https://" not in page.content


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=())),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
FIELDS = {
    "/api/v1/jobs": [
        "job_type",
        "scheduled_time",
        "payload",
        "max_retries",
        "unique_key",
        "priority",
        "max_lateness_seconds",
    ],
    "/api/v1/followups": ["user_id", "trigger", "due_at", "occasion", "trigger_data"],
    "/api/v1/members/{user_id}/opt-in": ["evidence", "wording_version"],
    "/api/v1/members/{user_id}/opt-out": ["evidence"],
    "/api/v1/campaigns/inactivity/pause": ["reason"],
}


class TestAnyBody:
    @pytest.mark.parametrize("path", FIELDS)
    def test_is_never_our_error(self, path: str) -> None:
        member = make_member(opted_in=True)
        program = APIClient(HTTP_AUTHORIZATION=f"Bearer {make_key('jobs:write', 'followups:write')}")
        good = {
            "job_type": registry.job_types()[0],
            "scheduled_time": "2030-01-01T00:00:00Z",
            "user_id": member.user_id,
            "trigger": "custom",
            "evidence": "form 1",
            "reason": "Too many complaints.",
        }
        names = FIELDS[path]
        sensible = {name: good[name] for name in names if name in good}

        @hypothesis.settings(max_examples=60, deadline=None, database=None)
        @hypothesis.given(changes=st.dictionaries(st.sampled_from(names), anything, max_size=2))
        def ask(changes: dict[str, Any]) -> None:
            body = json.dumps({**sensible, **changes})
            response = program.post(path.format(user_id=member.user_id), body, content_type="application/json")
            assert response.status_code in {200, 201, 400, 409}, (body, response.content)

        ask()


class TestKeys:
    @pytest.mark.parametrize(
        "header", ["Bearer", "Bearer a b", "Bearer nonsense", "Basic YTpi", b"Bearer \xff\xfe", "Bearer a\x00b"]
    )
    def test_refuses_what_is_no_key(self, header: str) -> None:
        response = APIClient().get("/api/v1/jobs", HTTP_AUTHORIZATION=header)
        assert response.status_code == 401

    def test_a_browser_session_is_no_key(self, client: Client) -> None:
        client.force_login(make_superuser())
        assert client.get("/api/v1/jobs").status_code == 401

    def test_keeps_only_a_digest(self) -> None:
        secret = make_key("jobs:read")
        token = ApiToken.objects.get()
        assert secret not in {token.digest, token.token_key}
        assert len(token.token_key) < len(secret) / 2

    def test_a_deleted_key_opens_nothing(self) -> None:
        program = APIClient(HTTP_AUTHORIZATION=f"Bearer {make_key('jobs:read')}")
        assert program.get("/api/v1/jobs").status_code == 200
        ApiToken.objects.all().delete()
        assert program.get("/api/v1/jobs").status_code == 401

    def test_notes_the_use_at_most_once_a_minute(self) -> None:
        program = APIClient(HTTP_AUTHORIZATION=f"Bearer {make_key('jobs:read')}")
        program.get("/api/v1/jobs")
        first = ApiToken.objects.get().last_used_at
        program.get("/api/v1/jobs")
        assert first is not None
        assert ApiToken.objects.get().last_used_at == first
        ApiToken.objects.update(last_used_at=timezone.now() - timedelta(minutes=2))
        program.get("/api/v1/jobs")
        assert ApiToken.objects.get().last_used_at >= first


class TestAddresses:
    def test_live_asks_nobody(self, client: Client, django_assert_num_queries: Any) -> None:
        with django_assert_num_queries(0):
            assert client.get("/health/live").status_code == 200

    def test_an_unknown_one_is_answered_in_json(self) -> None:
        response = APIClient().get("/api/v1/nothing")
        assert response.status_code == 404
        assert response.json()["errors"][0]["code"] == "not_found"
