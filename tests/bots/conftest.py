"""Fixtures for the Discord edge."""

from collections.abc import AsyncIterator

import pytest_asyncio

from bots.practice.server import PracticeServer
from tests.bots import support


@pytest_asyncio.fixture
async def practice() -> AsyncIterator[PracticeServer]:
    """A practice server with the example community, and discord.py pointed at it."""
    async with support.running_practice() as server:
        yield server
