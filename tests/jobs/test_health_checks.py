"""What the engine's and the outbox's checks say of real states."""

import os
import shutil
import socket
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from threading import Thread
from typing import Any

import psycopg
import pytest
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone

from jobs import backup, health_checks
from jobs.checkup import Finding
from jobs.models import ClusterHeartbeat, JobExecution
from socialmedia.health_checks import messages
from socialmedia.models import Message
from tests.config.factories import make_conversation, make_job, make_member
from tests.socialmedia.factories import make_bot
from tests.support import wait_until

pytestmark = pytest.mark.django_db

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def told(finding: Finding) -> tuple[str, str]:
    return str(finding.status), finding.detail


class TestDatabase:
    def test_tells_version_and_connections(self) -> None:
        found = health_checks.database(now=timezone.now())
        assert found.status == "ok"
        assert found.numbers["connections"] >= 1  # type: ignore[operator]
        assert str(found.numbers["version"]) in found.detail

    @pytest.mark.parametrize(
        ("program", "status"), [("psql", "degraded"), ("checkback backup", "ok")], ids=["forgotten", "backup"]
    )
    def test_notices_a_transaction_that_stays_open(
        self, program: str, status: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(health_checks, "OLDEST_TRANSACTION", timedelta(0))
        settings = connection.settings_dict
        where = {"host": settings["HOST"], "user": settings["USER"], "dbname": settings["NAME"]}
        with psycopg.connect(**where, application_name=program) as other:
            other.execute("SELECT 1")
            found = health_checks.database(now=timezone.now())
        assert found.status == status
        assert ("A transaction has been open for" in found.detail) == (status == "degraded")

    def test_does_not_take_a_vacuum_for_an_open_transaction(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(health_checks, "OLDEST_TRANSACTION", timedelta(0))
        settings = connection.settings_dict
        where = {"host": settings["HOST"], "user": settings["USER"], "dbname": settings["NAME"], "autocommit": True}

        def vacuum() -> None:
            with suppress(psycopg.errors.QueryCanceled):
                slow.execute("VACUUM vacuumed")

        with psycopg.connect(**where) as boss, psycopg.connect(**where) as slow:
            boss.execute("CREATE TABLE vacuumed AS SELECT repeat('x', 500) FROM generate_series(1, 20000)")
            slow.execute("SET vacuum_cost_delay = 100")
            slow.execute("SET vacuum_cost_limit = 1")
            thread = Thread(target=vacuum)
            thread.start()
            try:
                running = "SELECT 1 FROM pg_stat_progress_vacuum WHERE heap_blks_scanned > 0"
                wait_until(lambda: boss.execute(running).fetchone(), "the VACUUM")
                found = health_checks.database(now=timezone.now())
                assert boss.execute(running).fetchone(), "it has not ended meanwhile"
            finally:
                boss.execute("SELECT pg_cancel_backend(%s)", [slow.info.backend_pid])
                thread.join(10)
                boss.execute("DROP TABLE vacuumed")
        assert (found.status, found.numbers["oldest_transaction_s"]) == ("ok", None)

    def test_notices_that_connections_run_out(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(health_checks, "MOST_CONNECTIONS", 0.0)
        status, detail = told(health_checks.database(now=timezone.now()))
        assert (status, "connections are in use: raise max_connections" in detail) == ("degraded", True)


class TestClusters:
    def test_fails_without_any(self) -> None:
        assert told(health_checks.clusters(now=timezone.now())) == (
            "failed",
            "No cluster is alive: start one with manage.py qcluster.",
        )

    def test_counts_those_that_beat(self) -> None:
        now = timezone.now()
        ClusterHeartbeat.objects.create(cluster="a", beat_at=now)
        ClusterHeartbeat.objects.create(cluster="b", beat_at=now)
        ClusterHeartbeat.objects.create(cluster="dead", beat_at=now - HOUR)
        assert told(health_checks.clusters(now=now)) == ("ok", "2 clusters are alive.")

    def test_says_that_it_is_switched_off(self, settings: Any) -> None:
        settings.JOB_SCHEDULER_ENABLED = False
        assert health_checks.clusters(now=timezone.now()).status == "degraded"


class TestOverdueJobs:
    @pytest.mark.parametrize(("minutes", "status"), [(0, "ok"), (29, "ok"), (31, "degraded")])
    def test_looks_at_the_oldest(self, minutes: int, status: str) -> None:
        now = timezone.now()
        make_job(now=now, due=now - timedelta(minutes=minutes))
        assert health_checks.overdue_jobs(now=now).status == status

    @pytest.mark.parametrize(("count", "status"), [(50, "ok"), (51, "degraded")])
    def test_looks_at_their_number(self, count: int, status: str) -> None:
        now = timezone.now()
        for _ in range(count):
            make_job(now=now, due=now - timedelta(minutes=5))
        found = health_checks.overdue_jobs(now=now)
        assert (found.status, found.numbers["overdue"]) == (status, count)


class TestLateness:
    """PEERS 22."""

    @staticmethod
    def ran(count: int, late_s: float) -> None:
        now = timezone.now()
        JobExecution.objects.bulk_create(
            JobExecution(
                job_id=f"{late_s}-{n}",
                job_type="custom",
                execution_time=now - timedelta(minutes=1),
                status="completed",
                lateness_ms=int(late_s * 1000),
            )
            for n in range(count)
        )

    def test_says_when_nothing_ran(self) -> None:
        assert told(health_checks.lateness(now=timezone.now()))[0] == "ok"

    def test_counts_by_how_late_jobs_started(self) -> None:
        for late in (0.02, 5, 30, 300, 3000):
            self.ran(10, late)
        found = health_checks.lateness(now=timezone.now())
        assert [
            found.numbers[name] for name in ("under_1_s", "under_10_s", "under_1_min", "under_10_min", "later")
        ] == [10] * 5
        assert (found.status, found.numbers["p99_s"]) == ("degraded", 3000)
        assert "50 minutes late or more" in found.detail

    def test_alarms_by_the_slowest_hundredth_and_not_by_one_job(self) -> None:
        self.ran(400, 0.01)
        self.ran(2, 3000)
        assert told(health_checks.lateness(now=timezone.now()))[0] == "ok"
        self.ran(10, 100)
        assert told(health_checks.lateness(now=timezone.now()))[0] == "degraded"

    def test_forgets_after_a_quarter_of_an_hour(self) -> None:
        self.ran(50, 3000)
        assert health_checks.lateness(now=timezone.now() + timedelta(minutes=20)).numbers["later"] == 0


class TestUnknownJobs:
    def test_wants_a_person_for_a_day_only(self) -> None:
        now = timezone.now()
        make_job("unknown", now=now - 2 * DAY)
        assert told(health_checks.unknown_jobs(now=now))[0] == "ok"
        make_job("unknown", now=now - HOUR)
        assert told(health_checks.unknown_jobs(now=now)) == (
            "degraded",
            "1 job was left in doubt in the last 24 hours: see whether they have run.",
        )


class TestDisk:
    @pytest.mark.parametrize(
        ("low", "none", "status"), [(0, 0, "ok"), (10**18, 0, "degraded"), (10**18, 10**18, "failed")]
    )
    def test_is_judged_by_what_is_free(self, low: int, none: int, status: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(health_checks, "LOW_SPACE", low)
        monkeypatch.setattr(health_checks, "NO_SPACE", none)
        assert health_checks.disk(now=timezone.now()).status == status

    def test_looks_where_the_folder_will_be(self, settings: Any, tmp_path: Path) -> None:
        settings.BACKUP_DIR = tmp_path / "not" / "yet"
        assert health_checks.disk(now=timezone.now()).numbers["backup_free"] > 0  # type: ignore[operator]


class TestNewestBackup:
    @pytest.fixture(autouse=True)
    def _folder(self, settings: Any, tmp_path: Path) -> None:
        settings.BACKUP_DIR = tmp_path
        settings.BACKUP_MAX_AGE_HOURS = 26

    def test_has_time_on_a_new_installation(self) -> None:
        assert told(health_checks.newest_backup(now=timezone.now())) == (
            "ok",
            "There is no backup yet: the first one comes in the night.",
        )

    def test_is_missed_on_an_old_one(self) -> None:
        now = timezone.now()
        MigrationRecorder.Migration.objects.update(applied=now - 27 * HOUR)
        assert health_checks.newest_backup(now=now).status == "failed"

    @pytest.mark.parametrize(("hours", "status"), [(25, "ok"), (27, "degraded"), (7 * 26 + 1, "failed")])
    def test_is_judged_by_its_age(self, hours: int, status: str) -> None:
        now = timezone.now()
        backup.make(now=now - hours * HOUR)
        assert health_checks.newest_backup(now=now).status == status

    def test_that_cannot_be_read_does_not_count(self, tmp_path: Path) -> None:
        now = timezone.now()
        backup.make(now=now - 30 * HOUR)
        (tmp_path / f"{backup._prefix()}-{now:%Y%m%dT%H%M%SZ}.dump").write_bytes(b"broken")
        assert health_checks.newest_backup(now=now).status == "degraded"

    def test_of_the_future_does_not_count(self, tmp_path: Path) -> None:
        now = timezone.now()
        good = backup.make(now=now - HOUR).path
        future = tmp_path / f"{backup._prefix()}-{now + 20 * DAY:%Y%m%dT%H%M%SZ}.dump"
        shutil.copy(good, future)
        status, detail = told(health_checks.newest_backup(now=now))
        assert status == "degraded"
        assert f"is an hour old, but the name of {future.name} lies in the future: rename or remove it." in detail
        good.unlink()
        MigrationRecorder.Migration.objects.update(applied=now - 27 * HOUR)
        assert health_checks.newest_backup(now=now).status == "failed"

    def test_of_another_host_counts_by_its_job(self) -> None:
        now = timezone.now()
        MigrationRecorder.Migration.objects.update(applied=now - 100 * HOUR)
        make_job("completed", now=now - HOUR, job_type="backup", worker=f"{socket.gethostname()}:{os.getpid()}")
        assert health_checks.newest_backup(now=now).status == "failed", "here, the files decide"
        make_job("completed", now=now - HOUR, job_type="backup", worker="elsewhere:1")
        assert health_checks.newest_backup(now=now).status == "failed", "that host may be gone, and its files with it"
        heart = ClusterHeartbeat.objects.create(cluster="elsewhere:7", beat_at=now - HOUR)
        assert health_checks.newest_backup(now=now).status == "failed", "it is"
        heart.beat_at = now
        heart.save()
        assert told(health_checks.newest_backup(now=now)) == ("ok", "The newest good backup is an hour old.")

    def test_is_not_watched_when_nobody_wants_it(self, settings: Any) -> None:
        settings.BACKUP_MAX_AGE_HOURS = 0
        assert told(health_checks.newest_backup(now=timezone.now()))[0] == "ok"


class TestMessages:
    def test_notices_what_should_have_gone_out(self) -> None:
        now = timezone.now()
        make_conversation(make_member(), make_bot(), now=now)
        assert messages(now=now).status == "ok"
        Message.objects.filter(status="queued").update(next_attempt_at=now - timedelta(minutes=16))
        found = messages(now=now)
        assert (found.status, found.numbers["waiting"]) == ("degraded", 1)
        assert "1 queued messages should have gone out, the oldest 16 minutes ago" in found.detail

    def test_leaves_what_is_held_until_later(self) -> None:
        now = timezone.now()
        make_conversation(make_member(), make_bot(), now=now - DAY)
        Message.objects.filter(status="queued").update(next_attempt_at=now + HOUR)
        assert messages(now=now).status == "ok"
