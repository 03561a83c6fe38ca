"""The check of the language model."""

from datetime import timedelta
from typing import Any

import pytest

from followups import conf, health_checks
from followups.llm import client
from followups.models import LlmCircuit
from tests.followups.factories import NOON

pytestmark = pytest.mark.django_db


class TestLanguageModel:
    def test_is_well_without_any(self) -> None:
        assert health_checks.language_model(now=NOON).status == "ok"

    @pytest.mark.parametrize(("minutes", "status"), [(1, "degraded"), (0, "ok")])
    def test_says_that_it_is_not_asked(self, settings: Any, minutes: int, status: str) -> None:
        settings.LLM_BASE_URL, settings.LLM_MODEL = "http://127.0.0.1:9/v1", "m"
        until = NOON + timedelta(minutes=minutes)
        endpoint = client.endpoint(conf.current().llm)
        LlmCircuit.objects.create(endpoint=endpoint, failures=3, open_until=until, last_error="HTTP 500.")

        found = health_checks.language_model(now=NOON)

        assert found.status == status
        assert ("not asked until 12:01 UTC" in found.detail) is (status == "degraded")
