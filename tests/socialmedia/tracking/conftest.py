"""The network that the tests of check-backs ask."""

from datetime import timedelta
from typing import Any

import pytest

from socialmedia.providers import choosing
from tests.socialmedia.tracking.network import Network


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> Network:
    """Posts in memory. No budget and no log of calls: they have their own tests."""
    network = Network()

    def find(name: str = "", *, patience: timedelta) -> Any:
        return network

    monkeypatch.setattr(choosing, "find", find)
    return network
