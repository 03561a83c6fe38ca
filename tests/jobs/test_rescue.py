from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connections

from jobs import rescue
from jobs.models import ClusterHeartbeat
from jobs.rescue import EVERY_SECONDS, Tender
from jobs.watchdog import Watchdog
from tests.support import wait_until


@pytest.mark.django_db(transaction=True)
class TestTender:
    def test_goes_on_after_an_error_that_is_not_the_databases(self) -> None:
        # Django refuses such a name with ImproperlyConfigured; a full table of open files is an OSError.
        database: dict[str, Any] = connections.settings["default"]
        name = database["NAME"]
        database["NAME"] = "x" * 100
        tender = Tender("host:1", Watchdog())
        try:
            tender.start()
            tender.join(1)  # long enough for the first beat to fail; the next one comes after EVERY_SECONDS
        finally:
            database["NAME"] = name
        try:
            wait_until(ClusterHeartbeat.objects.exists, "the next beat", seconds=3 * EVERY_SECONDS)
        finally:
            tender.stop()
        assert not ClusterHeartbeat.objects.exists()


@pytest.mark.django_db
class TestBeat:
    def test_tells_when_this_process_started_not_one_of_the_same_name_before(self) -> None:
        long_ago = datetime(2026, 1, 1, tzinfo=UTC)
        ClusterHeartbeat.objects.create(cluster="host:7", started_at=long_ago, beat_at=long_ago)
        rescue.beat("host:7")
        assert ClusterHeartbeat.objects.get().started_at == long_ago
        rescue.beat("host:7", is_first=True)
        started_at = ClusterHeartbeat.objects.get().started_at
        assert started_at > long_ago
        rescue.beat("host:7")
        assert ClusterHeartbeat.objects.get().started_at == started_at
