"""A language model on 127.0.0.1 for every test that asks one."""

from collections.abc import Iterator
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from tests.fakes.llm_server import LlmServer


@pytest.fixture(scope="session")
def _llm_host() -> Iterator[HTTPServer]:
    with HTTPServer(host="127.0.0.1", port=0, threaded=True) as server:
        yield server


@pytest.fixture
def llm(_llm_host: HTTPServer, settings: Any) -> Iterator[LlmServer]:
    """The model that the settings name; texts that pass the checks are sent without a person."""
    _llm_host.clear()
    server = LlmServer(_llm_host)
    settings.LLM_BASE_URL, settings.LLM_MODEL, settings.LLM_MODE = server.base_url, "stub", "automatic"
    settings.LLM_TIMEOUT_SECONDS = 10
    yield server
    server.release()
