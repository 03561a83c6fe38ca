"""Fixtures for every test. The database is a real PostgreSQL, started on demand."""

from typing import Any

import pytest
from django.db import connection


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> None:
    """Drop the table of knox's own token model, which `config.ApiToken` replaces: Django does not know it, and
    its foreign key keeps Django from emptying the tables after a test with real transactions. The guard of the consent
    receipts against TRUNCATE does the same on purpose; the test of that guard switches it on again.
    """
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS knox_authtoken")
        cursor.execute("ALTER TABLE consent_receipts DISABLE TRIGGER consent_receipts_no_truncate")
