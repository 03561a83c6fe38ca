"""Fixtures for every test. The database is a real PostgreSQL, started on demand."""

from typing import Any

import pytest
from django.db import connection


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> None:
    """Switch off the guard of the consent receipts against TRUNCATE, which is how Django empties the tables after a
    test with real transactions. The test of that guard switches it on again.
    """
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute("ALTER TABLE consent_receipts DISABLE TRIGGER consent_receipts_no_truncate")
