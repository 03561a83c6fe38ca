"""Verbosity: our own code logs more for a while, nobody else's does."""

import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from bots.verbosity import OURS, Verbosity

NOW = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)
TALKATIVE = ("discord", "discord.http", "discord.gateway", "aiohttp.client", "django.db.backends", "httpx", "asyncio")
"""At DEBUG they log the token's requests, people's messages, or what is asked of the database."""


@pytest.fixture
def verbosity() -> Iterator[Verbosity]:
    """A switch that is off again after the test."""
    switch = Verbosity()
    yield switch
    switch.off()


class TestVerbosity:
    def test_lets_our_own_code_say_everything(self, verbosity: Verbosity) -> None:
        until = verbosity.on(now=NOW)
        assert until == verbosity.until == NOW + timedelta(minutes=60)
        assert all(logging.getLogger(f"{name}.module").isEnabledFor(logging.DEBUG) for name in OURS)

    def test_lets_nobody_else(self, verbosity: Verbosity) -> None:
        before = {name: logging.getLogger(name).getEffectiveLevel() for name in TALKATIVE}
        verbosity.on(now=NOW)
        assert {name: logging.getLogger(name).getEffectiveLevel() for name in TALKATIVE} == before

    def test_puts_back_what_was_there(self, verbosity: Verbosity) -> None:
        before = {name: logging.getLogger(name).level for name in OURS}
        verbosity.on(now=NOW)
        verbosity.on(now=NOW)
        assert verbosity.off()
        assert {name: logging.getLogger(name).level for name in OURS} == before
        assert (verbosity.off(), verbosity.is_on) == (False, False)
