"""Fixtures for the Discord edge."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from asgiref.sync import sync_to_async
from django.db import connections

from bots.practice.server import PracticeServer
from tests.bots import support


@pytest_asyncio.fixture
async def practice() -> AsyncIterator[PracticeServer]:
    """A practice server with the example community, and discord.py pointed at it."""
    async with support.running_practice() as server:
        yield server


@pytest.fixture
def _closed_connection(transactional_db: None) -> None:
    """Close the connection that an earlier test may have left open: some tests here end all but the bot's."""
    connections.close_all()


@pytest_asyncio.fixture
async def database(_closed_connection: None) -> AsyncIterator[None]:
    """A database for the bot's thread, whose connection is closed before the tables are emptied."""
    yield
    await sync_to_async(connections.close_all)()
