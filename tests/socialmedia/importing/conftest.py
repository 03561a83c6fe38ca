"""One database beside the test's for each module, and MediaPoster in it."""

import os
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.db import connection
from psycopg import sql

from tests.socialmedia.importing.theirs import FULL, SEED, MediaPoster


@pytest.fixture(scope="module")
def beside(django_db_setup: None) -> Iterator[psycopg.Connection[Any]]:
    """A connection to a database of its own."""
    name = f"mediaposter_{os.getpid()}"
    place = {key: connection.settings_dict[key.upper()] for key in ("host", "user")}
    with psycopg.connect(dbname="postgres", autocommit=True, **place) as server:
        server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            with psycopg.connect(dbname=name, autocommit=True, **place) as opened:
                yield opened
        finally:
            server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def theirs(beside: psycopg.Connection[Any]) -> MediaPoster:
    """An empty MediaPoster of the full layout."""
    return MediaPoster(beside, layout=FULL)


@pytest.fixture
def small(beside: psycopg.Connection[Any]) -> MediaPoster:
    """An empty MediaPoster of the seed's smaller layout."""
    return MediaPoster(beside, layout=SEED)
