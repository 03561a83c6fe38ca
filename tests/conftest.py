"""Fixtures for every test. The database is a real PostgreSQL, started on demand."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client

from tests.config.factories import make_superuser
from tests.emptying import pristine


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> None:
    """Let the tests empty the consent receipts, which a trigger forbids on purpose. Its own test switches it on."""
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute("ALTER TABLE consent_receipts DISABLE TRIGGER consent_receipts_no_truncate")
        pristine.keep()


@pytest.fixture
def boss(client: Client) -> Client:
    """The browser of somebody who may do everything in the console."""
    client.force_login(make_superuser())
    return client
