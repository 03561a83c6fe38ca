"""Backups: made by the real pg_dump, restored by the real pg_restore."""

import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection
from django.utils import timezone
from psycopg import sql

from config.embedded_postgres import binaries, server
from jobs import backup, postgres_programs, runner
from jobs.backup import BackupFailed, BackupRefused
from jobs.enqueue import schedule_job
from jobs.models import ScheduledJob
from jobs.postgres_programs import ProgramMissing
from tests.config.factories import make_community
from tests.jobs.factories import make_job
from tests.processes import cluster, environment
from tests.support import CHECKOUT, data_folder, manage, wait_until
from tests.support import environment as own_environment

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, settings: Any) -> Path:
    """The folder of backups, not there yet."""
    settings.BACKUP_DIR = tmp_path / "backups"
    return tmp_path / "backups"


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def place(folder: Path, made_at: datetime, content: bytes | None = None) -> Path:
    """Put a backup into the folder, as if made then: a good one, or one of this content."""
    folder.mkdir(exist_ok=True)
    path = folder / f"{backup._prefix()}-{made_at:%Y%m%dT%H%M%SZ}.dump"
    if content is None:
        shutil.copy(next(one.path for one in backup.listing() if backup.is_readable(one)), path)
    else:
        path.write_bytes(content)
    return path


def fake_programs(folder: Path, **scripts: str) -> Path:
    """A folder of shell scripts that are called like PostgreSQL's programs; the others are the real ones."""
    folder.mkdir()
    for name in ("pg_dump", "pg_restore"):
        real = postgres_programs.find(name)
        path = folder / name
        path.write_text(f'#!/bin/sh\nREAL="{real}"\n{scripts.get(name, "")}\nexec "$REAL" "$@"\n')
        path.chmod(0o755)
    return folder


@contextmanager
def small_disk(where: Path, size: str) -> Iterator[Path]:
    """A file system of this size."""
    where.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(where)], check=False).returncode:
        pytest.skip("nothing can be mounted here")
    try:
        yield where
    finally:
        subprocess.run(["umount", str(where)], check=True)


@contextmanager
def scratch_database() -> Iterator[str]:
    """An empty database beside the test's, by name."""
    name = f"scratch_{os.getpid()}"
    parameters = {key: connection.settings_dict[key.upper()] for key in ("host", "user")}
    with psycopg.connect(dbname="postgres", autocommit=True, **parameters) as server:
        server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            yield name
        finally:
            server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def counts(cursor: Any) -> dict[str, int]:
    found = {}
    for table in ("scheduled_jobs", "job_execution_history", "user_profiles", "social_media_messages"):
        cursor.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table)))
        found[table] = cursor.fetchone()[0]
    return found


class TestMake:
    def test_can_be_restored_with_every_row(self) -> None:
        make_community(12, now=timezone.now())
        made = backup.make(now=NOW)
        with connection.cursor() as cursor:
            saved = counts(cursor)
        assert min(saved.values()) > 0
        with scratch_database() as name:
            command = [postgres_programs.find("pg_restore"), "--exit-on-error", "--no-owner", f"--dbname={name}"]
            subprocess.run([*command, str(made.path)], env=postgres_programs.environment(), check=True, timeout=60)
            host, user = connection.settings_dict["HOST"], connection.settings_dict["USER"]
            with psycopg.connect(dbname=name, host=host, user=user) as restored:
                assert counts(restored.cursor()) == saved

    def test_is_for_its_owner_alone_and_leaves_nothing_else(self, folder: Path) -> None:
        made = backup.make(now=NOW, label="before-upgrade")
        assert names(folder) == [f"{backup._prefix()}-20260504T120000Z-before-upgrade.dump"]
        assert made.path.stat().st_mode & 0o777 == 0o600
        assert folder.stat().st_mode & 0o777 == 0o700
        assert backup.listing() == [made]
        assert (made.made_at, made.label, made.size) == (NOW, "before-upgrade", made.path.stat().st_size)

    def test_shows_no_password_to_other_users(
        self, settings: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setitem(connection.settings_dict, "PASSWORD", "s3cret")
        said = tmp_path / "said"
        script = f'echo "$* / $PGPASSWORD / $PGDATABASE" >> {said}'
        settings.PG_BIN_DIR = fake_programs(tmp_path / "bin", pg_dump=script)
        backup.make(now=NOW)
        arguments, password, database = said.read_text().splitlines()[-1].split(" / ")
        assert "s3cret" not in arguments
        assert (password, database) == ("s3cret", connection.settings_dict["NAME"])

    def test_throws_away_what_has_no_end(self, settings: Any, folder: Path, tmp_path: Path) -> None:
        make_community(3, now=timezone.now())
        script = (
            'case "$*" in *--file=*) "$REAL" "$@" || exit $?; for last; do :; done; '
            'truncate -s -300 "${last#--file=}"; exit 0;; esac'
        )
        settings.PG_BIN_DIR = fake_programs(tmp_path / "bin", pg_dump=script)
        with pytest.raises(BackupFailed, match="cannot be read back, so it was thrown away"):
            backup.make(now=NOW)
        assert names(folder) == []

    def test_throws_away_what_lacks_a_table(self, settings: Any, folder: Path, tmp_path: Path) -> None:
        script = 'case "$*" in *--file=*) exec "$REAL" --exclude-table=scheduled_jobs "$@";; esac'
        settings.PG_BIN_DIR = fake_programs(tmp_path / "bin", pg_dump=script)
        with pytest.raises(BackupFailed, match=r"lacks tables, so it was thrown away: scheduled_jobs\."):
            backup.make(now=NOW)
        assert names(folder) == []

    def test_is_one_at_a_time(self, folder: Path) -> None:
        folder.mkdir()
        handle = os.open(folder, os.O_RDONLY)
        fcntl.flock(handle, fcntl.LOCK_EX)
        try:
            with pytest.raises(BackupFailed, match="Another backup is just being written"):
                backup.make(now=NOW)
        finally:
            os.close(handle)
        backup.make(now=NOW)

    def test_kills_pg_dump_when_it_is_stopped(self, settings: Any, folder: Path, tmp_path: Path) -> None:
        class Stopped(BaseException):
            pass

        def stop(_written: int) -> None:
            if started.exists():
                raise Stopped

        started = tmp_path / "started"
        script = f'case "$*" in *--file=*) echo $$ > {started}.new; mv {started}.new {started}; exec sleep 60;; esac'
        settings.PG_BIN_DIR = fake_programs(tmp_path / "bin", pg_dump=script)
        with pytest.raises(Stopped):
            backup.make(now=NOW, on_progress=stop)
        assert not Path("/proc", started.read_text().strip()).exists()
        assert names(folder) == []

    def test_clears_away_what_a_dead_run_has_left(self, folder: Path) -> None:
        folder.mkdir()
        name = f"{backup._prefix()}-20260501T120000Z.dump"
        (folder / f"{name}.partial").write_text("half")
        (folder / "other-20260501T120000Z.dump.partial").write_text("somebody else's")
        made = backup.make(now=NOW)
        assert names(folder) == sorted([made.path.name, "other-20260501T120000Z.dump.partial"])


class TestRefusals:
    def test_without_pg_dump(self, settings: Any, tmp_path: Path) -> None:
        settings.PG_BIN_DIR = tmp_path
        with pytest.raises(ProgramMissing, match=rf"There is no pg_dump in PG_BIN_DIR \({tmp_path}\): install"):
            backup.make(now=NOW)

    def test_without_pg_dump_on_path(self, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        settings.PG_BIN_DIR = ""
        monkeypatch.setenv("PATH", str(tmp_path))
        with pytest.raises(ProgramMissing, match="There is no pg_dump on PATH, and PG_BIN_DIR is not set: install"):
            backup.make(now=NOW)

    def test_with_an_older_pg_dump(self, settings: Any, folder: Path, tmp_path: Path) -> None:
        script = 'if [ "$1" = --version ]; then echo "pg_dump (PostgreSQL) 9.6.1"; exit; fi'
        settings.PG_BIN_DIR = fake_programs(tmp_path / "bin", pg_dump=script)
        with pytest.raises(BackupRefused, match=r"bin/pg_dump is of PostgreSQL 9 and the server of PostgreSQL \d\d"):
            backup.make(now=NOW)
        assert not folder.exists()

    def test_with_something_else_called_pg_dump(self, settings: Any, tmp_path: Path) -> None:
        settings.PG_BIN_DIR = fake_programs(tmp_path / "bin", pg_dump="echo hello; exit")
        with pytest.raises(ProgramMissing, match="is no program of PostgreSQL: it calls itself 'hello'"):
            backup.make(now=NOW)

    def test_into_a_folder_that_is_a_file(self, folder: Path) -> None:
        folder.write_text("")
        with pytest.raises(BackupRefused, match=rf"Backups cannot be written to {folder} \(File exists\): mend that"):
            backup.make(now=NOW)

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
    def test_into_a_folder_that_is_closed(self, folder: Path) -> None:
        folder.mkdir(mode=0o500)
        with pytest.raises(BackupRefused, match=r"\(Permission denied\): mend that"):
            backup.make(now=NOW)

    def test_onto_a_disk_that_is_too_small(self, settings: Any, tmp_path: Path) -> None:
        with small_disk(tmp_path / "small", "64k") as small:
            settings.BACKUP_DIR = small
            with pytest.raises(BackupFailed, match=r"has [\d.]+ kB free, and the backup may need [\d.]+ MB: make room"):
                backup.make(now=NOW)
            # The last one was small, so that this one is tried.
            small_one = place(small, NOW - DAY, b"")
            with pytest.raises(BackupFailed, match=rf"No backup was made, {small} is full: make room there"):
                backup.make(now=NOW)
            assert names(small) == [small_one.name]

    @pytest.mark.parametrize(
        "before",
        [
            "",
            "pg_dump: warning: there are circular foreign-key constraints\npg_dump: detail: a\npg_dump: hint: b\n",
            "WARNING:  database has a collation version mismatch\nDETAIL:  It was 1.\nHINT:  Rebuild.\n",
            "pg_dump: error: something went wrong first\n",
        ],
        ids=["alone", "warning", "notice", "error"],
    )
    def test_when_the_password_is_wrong_by_now(self, before: str, settings: Any, folder: Path, tmp_path: Path) -> None:
        said = f"{before}pg_dump: error: connection to server failed: FATAL:  password authentication failed for user"
        script = f"case \"$*\" in *--file=*) echo '{said}' >&2; exit 1;; esac"
        settings.PG_BIN_DIR = fake_programs(tmp_path / "bin", pg_dump=script)
        with pytest.raises(
            BackupRefused, match="No backup was made, the user or the password is wrong: mend"
        ) as raised:
            backup.make(now=NOW)
        told = "something went wrong first" if "first" in before else "connection to server failed"
        assert f"(pg_dump: {told}" in str(raised.value)
        assert names(folder) == []

    def test_a_label_that_leads_elsewhere(self) -> None:
        with pytest.raises(BackupRefused, match="cannot be part of a file's name"):
            backup.make(now=NOW, label="../elsewhere")


class TestPrune:
    def test_removes_what_is_older_than_the_days_to_keep(self, folder: Path, settings: Any) -> None:
        settings.BACKUP_KEEP_DAYS = 14
        backup.make(now=NOW)
        kept, old = place(folder, NOW - 14 * DAY), place(folder, NOW - 15 * DAY)
        assert [one.path for one in backup.prune(now=NOW)] == [old]
        assert kept.exists()

    def test_keeps_the_newest_good_one_however_old(self, folder: Path) -> None:
        best = backup.make(now=NOW - 100 * DAY).path
        place(folder, NOW - 200 * DAY)
        place(folder, NOW - 50 * DAY, b"broken")
        backup.prune(now=NOW)
        assert names(folder) == [best.name]

    def test_removes_nothing_while_there_is_no_new_one(self, folder: Path, settings: Any, tmp_path: Path) -> None:
        good = backup.make(now=NOW - 60 * DAY).path
        old = place(folder, NOW - 70 * DAY)
        script = 'case "$*" in *--file=*) exit 1;; esac'
        settings.PG_BIN_DIR = fake_programs(tmp_path / "bin", pg_dump=script)
        with pytest.raises(BackupFailed):
            backup.make(now=NOW)
        assert names(folder) == sorted([good.name, old.name])

    @pytest.mark.parametrize("what", ["future", "cut short"])
    def test_keeps_the_last_good_one_when_a_newer_one_is_none(self, what: str, folder: Path) -> None:
        make_community(3, now=timezone.now())
        good = backup.make(now=NOW - 100 * DAY).path
        if what == "future":
            place(folder, NOW + 100 * DAY)
        else:
            place(folder, NOW - 50 * DAY, good.read_bytes()[:-300])
        old = place(folder, NOW - 200 * DAY)
        assert [one.path for one in backup.prune(now=NOW) if one.path in {good, old}] == [old]
        assert good.exists()

    def test_removes_nothing_when_nothing_is_good(self, folder: Path) -> None:
        broken = place(folder, NOW - 50 * DAY, b"broken")
        assert backup.prune(now=NOW) == []
        assert broken.exists()

    def test_leaves_what_is_not_ours(self, folder: Path, tmp_path: Path) -> None:
        backup.make(now=NOW)
        prefix = backup._prefix()
        (tmp_path / "precious").write_text("kept")
        strange = [
            "notes.txt",
            f"{prefix}-20200101T000000Z.dump.bak",
            f"{prefix}-20201350T000000Z.dump",
            "another_database-20200101T000000Z.dump",
        ]
        for name in strange:
            (folder / name).write_text("kept")
        (folder / f"{prefix}-20200101T000000Z.dump").symlink_to(tmp_path / "precious")
        assert backup.prune(now=NOW) == []
        assert len(names(folder)) == 2 + len(strange)


class TestHandler:
    def test_makes_a_backup_in_a_real_worker(self, tmp_path: Path, folder: Path, settings: Any) -> None:
        with cluster(tmp_path, BACKUP_DIR=str(folder), PG_BIN_DIR=str(settings.PG_BIN_DIR)):
            job = schedule_job("backup", timezone.now(), {"label": "by-hand"})
            wait_until(lambda: ScheduledJob.objects.get(pk=job.pk).completed_at, "the backup", seconds=40)
        job.refresh_from_db()
        assert (job.status, job.error_message) == ("completed", None)
        assert [one.label for one in backup.listing()] == ["by-hand"]

    def test_does_not_try_again_what_cannot_work(self, settings: Any, tmp_path: Path) -> None:
        settings.PG_BIN_DIR = tmp_path
        job = make_job(job_type="backup")
        runner.run_once()
        job.refresh_from_db()
        assert (job.status, job.retry_count) == ("failed", 0)
        assert job.error_message == (
            f"There is no pg_dump in PG_BIN_DIR ({tmp_path}): "
            "install PostgreSQL's client programs, or set PG_BIN_DIR to their folder."
        )


class TestKilled:
    def test_leaves_the_folder_locked_until_pg_dump_has_ended(
        self, tmp_path: Path, folder: Path, settings: Any
    ) -> None:
        started = tmp_path / "started"
        script = f'case "$*" in *--file=*) echo $$ > {started}.new; mv {started}.new {started}; exec sleep 60;; esac'
        slow = fake_programs(tmp_path / "bin", pg_dump=script)
        env = environment(BACKUP_DIR=str(folder), PG_BIN_DIR=str(slow))
        process = subprocess.Popen([sys.executable, "manage.py", "backup"], cwd=CHECKOUT, env=env)
        try:
            wait_until(started.exists, "pg_dump to start", seconds=40)
        finally:
            process.kill()
            process.wait()
        with pytest.raises(BackupFailed, match="Another backup"):
            backup.make(now=NOW)
        os.kill(int(started.read_text()), signal.SIGKILL)
        made = wait_until(_made_or_none, "the lock to be free")
        assert names(folder) == [made.path.name]


def _made_or_none() -> backup.Backup | None:
    try:
        return backup.make(now=NOW)
    except BackupFailed:
        return None


def command(*arguments: str) -> tuple[str, str]:
    out, err = StringIO(), StringIO()
    call_command("backup", *arguments, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


class TestCommand:
    def test_names_the_new_file(self, folder: Path) -> None:
        out, _ = command("--label", "first")
        assert names(folder) != []
        assert out.startswith(f"{folder / names(folder)[0]} (")

    def test_lists_what_is_there(self, folder: Path) -> None:
        good = backup.make(now=timezone.now() - 2 * DAY).path
        broken = place(folder, datetime.now(UTC) - 3 * DAY, b"broken")
        lines = command("--list")[0].splitlines()
        assert [line.split()[0] for line in lines] == [good.name, broken.name]
        assert [line.split()[-1] for line in lines] == ["readable", "BROKEN"]
        assert "2 days old" in lines[0]

    def test_lists_and_makes_as_json(self) -> None:
        made = json.loads(command("--json")[0])
        assert [json.loads(line) for line in command("--list", "--json")[0].splitlines()] == [
            {**made, "age_seconds": pytest.approx(0, abs=30)}
        ]
        assert (made["is_readable"], made["label"]) == (True, "")
        assert datetime.fromisoformat(made["made_at"]).tzinfo is not None

    def test_says_that_there_are_none(self) -> None:
        assert command("--list") == ("", "There are no backups yet.\n")

    @pytest.mark.parametrize(
        ("arguments", "code"), [(["--label", "a b"], 2), (["--list", "--label", "a"], 2)], ids=["label", "both"]
    )
    def test_refuses_wrong_usage(self, arguments: list[str], code: int) -> None:
        with pytest.raises(CommandError) as raised:
            command(*arguments)
        assert raised.value.returncode == code

    def test_ends_with_one_when_there_is_no_backup(self, settings: Any, tmp_path: Path) -> None:
        settings.PG_BIN_DIR = tmp_path
        with pytest.raises(CommandError, match="There is no pg_dump") as raised:
            command()
        assert raised.value.returncode == 1


class TestEmbedded:
    def test_is_saved_without_any_setting(self) -> None:
        with data_folder() as data:
            env = own_environment(data)
            assert manage("migrate", "-v0", env=env).returncode == 0
            done = manage("backup", env=env)
            assert (done.returncode, len(names(data / "backups"))) == (0, 1), done.stderr

    def test_password_that_is_wrong_is_told_in_a_sentence(self) -> None:
        with data_folder() as data:
            env = own_environment(data, CHECKBACK_POSTGRES_LINGER_SECONDS="30")
            assert manage("migrate", "-v0", env=env).returncode == 0
            location = server.locate(data)
            with server.connect(location) as boss:
                boss.execute("CREATE ROLE locked LOGIN SUPERUSER PASSWORD 'right'")
                rules = location.data / "pg_hba.conf"
                rules.write_text(f"local all locked scram-sha-256\n{rules.read_text()}")
                boss.execute("SELECT pg_reload_conf()")
            url = f"postgres://locked:%s@/{location.socket}/{server.DATABASE}"
            env |= {"PG_BIN_DIR": str(binaries.find()), "BACKUP_DIR": str(data / "backups")}
            right = manage("backup", env={**env, "DATABASE_URL": url % "right"})
            assert right.returncode == 0, right.stderr
            wrong = manage("backup", env={**env, "DATABASE_URL": url % "wrong"})
            assert (wrong.returncode, wrong.stderr.count("\n")) == (1, 1)
            assert "the user or the password is wrong" in wrong.stderr
            assert len(names(data / "backups")) == 1
