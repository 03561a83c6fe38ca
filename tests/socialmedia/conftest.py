"""The TikTok provider on 127.0.0.1 for every test that asks it."""

from collections.abc import Iterator
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from tests.fakes.tiktok_server import KEY, TikTokServer


@pytest.fixture(scope="session")
def _tiktok_host() -> Iterator[HTTPServer]:
    with HTTPServer(host="127.0.0.1", port=0, threaded=True) as server:
        yield server


@pytest.fixture
def tiktok(_tiktok_host: HTTPServer, settings: Any) -> Iterator[TikTokServer]:
    """The provider that the settings name, with a budget that no test uses up by accident."""
    _tiktok_host.clear()
    server = TikTokServer(_tiktok_host)
    settings.TIKTOK_PROVIDER, settings.RAPIDAPI_KEY, settings.TIKTOK_API_URL = "rapidapi", KEY, server.url
    settings.TIKTOK_TIMEOUT_SECONDS = 10
    settings.TIKTOK_REQUESTS_PER_SECOND, settings.TIKTOK_REQUESTS_PER_DAY = 1_000, 10_000
    yield server
    server.release()
