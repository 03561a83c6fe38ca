"""Deleting what is old: which rows and files go, which stay, and who is held up."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event, Thread
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connection, connections, transaction
from django.test.utils import CaptureQueriesContext
from django_q.models import Task

from config import env
from jobs import cleanup, enqueue, lifecycle, pruning, runner
from jobs.cleanup import CannotClean, DataCleanup
from jobs.enqueue import InvalidJob
from jobs.models import JobExecution, JobStatus, RecurringRun, Report, ScheduledJob
from tests.concurrency import at_once
from tests.jobs.factories import NOW, make_job
from tests.jobs.sample.handlers import Sample

DAY = timedelta(days=1)
OLD, FRESH = NOW - 31 * DAY, NOW - 29 * DAY
# Nobody can set when a file was last touched, so those who look at files do so half a year from now.
LATER = datetime.now(UTC) + 200 * DAY
LEASED: dict[str, Any] = {"lease_token": "7a0c0b5e-9a53-4b1c-8f3a-0f6a4b1f1d11", "lease_expires_at": NOW}


def make_attempt(job_id: str = "j", *, at: datetime) -> JobExecution:
    return JobExecution.objects.create(job_id=job_id, job_type="sample_one", execution_time=at, status="completed")


def make_task(key: str, *, at: datetime) -> Task:
    return Task.objects.create(id=key, name=key, func="f", started=at, stopped=at, success=False)


def make_file(path: Path, *, age: timedelta, text: str = "12345") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    at = (LATER - age).timestamp()
    os.utime(path, (at, at))
    return path


def removed(type_name: str, **options: Any) -> dict[str, int]:
    return {removal.kind: removal.removed for removal in cleanup.clean(type_name, **{"now": NOW, **options})}


class TestPayload:
    def test_is_the_seeds(self) -> None:
        assert DataCleanup() == DataCleanup(type="old_conversations", days_to_keep=30)

    @pytest.mark.parametrize(
        ("payload", "sentence"),
        [
            (
                {"type": "old_news"},
                "There is no clean-up 'old_news': choose one of api_usage, decisions, everything, failed_jobs, ",
            ),
            ({"type": ["history"]}, "There is no clean-up ['history']: choose one of "),
            ({"type": "history", "days_to_keep": 0}, "days_to_keep is a whole number from 1 to 36500, not 0."),
            ({"days_to_keep": 1.5}, "days_to_keep is a whole number from 1 to 36500, not 1.5."),
            ({"days_to_keep": True}, "not True."),
            ({"days_to_keep": 10**9}, "not 1000000000."),
            ({"type": "everything", "days_to_keep": 7}, "'everything' goes by the settings: leave days_to_keep out."),
            ({"type": "temp_data", "days_to_keep": 7}, "'temp_data' goes by the settings: leave days_to_keep out."),
        ],
    )
    def test_is_refused_when_it_is_enqueued(self, payload: dict[str, Any], sentence: str) -> None:
        with pytest.raises(InvalidJob) as raised:
            enqueue.schedule_job("data_cleanup", NOW, payload)
        assert sentence in str(raised.value)
        assert "\n" not in str(raised.value)


@pytest.mark.django_db
class TestFailedJobs:
    @pytest.mark.parametrize("status", ["completed", "failed", "cancelled", "expired"])
    def test_deletes_old_finished_ones(self, status: str) -> None:
        make_job(status=status, scheduled_time=OLD, completed_at=OLD)
        fresh = make_job(status=status, scheduled_time=FRESH, completed_at=FRESH)
        assert removed("failed_jobs") == {"jobs": 1}
        assert ScheduledJob.objects.get() == fresh

    def test_keeps_one_that_ended_lately(self) -> None:
        make_job(status="completed", scheduled_time=OLD, completed_at=FRESH)
        assert removed("failed_jobs") == {"jobs": 0}

    @pytest.mark.parametrize(
        "state",
        [{"status": "pending"}, {"status": "running", **LEASED}, {"status": "unknown", "completed_at": OLD}],
        ids=lambda state: state["status"],
    )
    def test_keeps_what_is_alive_or_waits_for_a_person(self, state: dict[str, Any]) -> None:
        make_job(scheduled_time=OLD, **state)
        assert removed("failed_jobs") == {"jobs": 0}
        assert ScheduledJob.objects.count() == 1

    def test_goes_by_the_days_that_are_asked_for_or_the_setting(self, settings: Any) -> None:
        make_job(status="completed", scheduled_time=FRESH, completed_at=FRESH)
        settings.JOB_KEEP_DAYS = 60
        assert removed("failed_jobs") == {"jobs": 0}
        assert removed("failed_jobs", keep=20 * DAY) == {"jobs": 1}

    def test_finds_them_by_an_index(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO scheduled_jobs (job_id, job_type, scheduled_time, next_attempt_at, payload, status,"
                " completed_at) SELECT i::text, 't', at, at, '{}', 'completed', at"
                " FROM generate_series(1, 20000) i, LATERAL (SELECT %s::timestamptz - i * interval '1 minute') t(at)",
                [NOW],
            )
            cursor.execute("ANALYZE scheduled_jobs")
        with CaptureQueriesContext(connection) as queries:
            removed("failed_jobs", keep=DAY)
        found = next(query["sql"] for query in queries if "SKIP LOCKED" in query["sql"])
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN {found}")
            plan = "\n".join(row[0] for row in cursor.fetchall())
        assert "idx_scheduled_jobs_time_status" in plan
        assert "Seq Scan" not in plan
        assert "Sort" not in plan


@pytest.mark.django_db
class TestHistory:
    def test_deletes_old_attempts_reports_and_tasks_of_django_q(self) -> None:
        for at in (NOW - 91 * DAY, NOW - 89 * DAY):
            make_attempt(at=at)
            make_task(f"{at:%j}", at=at)
            Report.objects.create(job_id="j", job_type="t", report={}, created_at=at)
        assert removed("history") == {"attempts": 1, "reports": 1, "django_q_tasks": 1, "recurring_runs": 0}
        assert [model.objects.count() for model in (JobExecution, Report, Task)] == [1, 1, 1]

    def test_keeps_runs_for_a_year_however_few_days_are_asked_for(self) -> None:
        # A backfill would enqueue what it finds no run for a second time.
        for days in (366, 364, 100, 1):
            at = NOW - days * DAY
            RecurringRun.objects.create(name="n", planned_at=at, origin="schedule", decided_at=at, job_id=f"{days}")
        assert removed("history", keep=30 * DAY)["recurring_runs"] == 1
        assert sorted(RecurringRun.objects.values_list("job_id", flat=True)) == ["1", "100", "364"]
        assert removed("history", keep=400 * DAY)["recurring_runs"] == 0


@pytest.mark.django_db
class TestBatches:
    def test_take_all_whatever_their_size(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(pruning, "BATCH", 3)
        for number in range(10):
            make_attempt(at=NOW - 100 * DAY + (number // 4) * DAY)  # four at the same instant: more than a batch
        steps: list[int] = []
        cleanup.clean("history", now=NOW, progress=lambda kind, count: steps.append(count))
        assert steps == [3, 6, 9, 10]
        assert not JobExecution.objects.exists()

    def test_do_not_stop_at_rows_that_must_stay(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(pruning, "BATCH", 2)
        for number in range(12):
            status = "unknown" if number % 3 else "failed"
            make_job(status=status, scheduled_time=OLD - number * DAY, completed_at=OLD)
        assert removed("failed_jobs") == {"jobs": 4}
        assert set(ScheduledJob.objects.values_list("status", flat=True)) == {"unknown"}


@contextmanager
def holding(statement: str) -> Iterator[None]:
    """Another connection that keeps its locks while the block runs."""
    ready, done = Event(), Event()

    def hold() -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
            ready.set()
            done.wait(30)
        connections.close_all()

    thread = Thread(target=hold)
    thread.start()
    assert ready.wait(10)
    try:
        yield
    finally:
        done.set()
        thread.join(10)


@pytest.mark.django_db(transaction=True)
class TestBesideOthers:
    def test_leaves_rows_that_somebody_has_locked(self) -> None:
        for job_id in ("held", "free"):
            make_job(job_id=job_id, status="failed", scheduled_time=OLD, completed_at=OLD)
        with holding("SELECT FROM scheduled_jobs WHERE job_id = 'held' FOR UPDATE"):
            assert removed("failed_jobs") == {"jobs": 1}
        assert ScheduledJob.objects.get().job_id == "held"
        assert removed("failed_jobs") == {"jobs": 1}

    def test_leaves_a_job_that_is_retried_meanwhile(self) -> None:
        make_job(job_id="j", status="failed", scheduled_time=OLD, completed_at=OLD)
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '5s'")
        with holding("UPDATE scheduled_jobs SET status = 'pending', completed_at = NULL WHERE job_id = 'j'"):
            assert removed("failed_jobs") == {"jobs": 0}
        assert removed("failed_jobs") == {"jobs": 0}
        assert ScheduledJob.objects.get().status == "pending"

    def test_two_at_once_share_the_work(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(pruning, "BATCH", 20)
        for number in range(400):
            make_attempt(at=NOW - 100 * DAY + number * timedelta(minutes=1))
        counts = at_once(2, lambda _: removed("history")["attempts"])
        left = JobExecution.objects.count()
        assert sum(counts) + left == 400
        assert removed("history")["attempts"] == left  # what both had passed over, if anything

    def test_what_is_done_stays_done_when_the_process_ends_between_two(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(pruning, "BATCH", 3)
        for _ in range(7):
            make_attempt(at=NOW - 100 * DAY)

        def die(kind: str, count: int) -> None:
            raise SystemExit

        with pytest.raises(SystemExit):
            cleanup.clean("history", now=NOW, progress=die)
        assert JobExecution.objects.count() == 4
        assert removed("history")["attempts"] == 4

    def test_a_retry_of_a_deleted_job_finds_nothing(self) -> None:
        make_job(job_id="j", status="failed", scheduled_time=OLD, completed_at=OLD)
        removed("failed_jobs")
        assert lifecycle.retry_job("j", now=NOW) is False

    @pytest.mark.slow
    def test_no_claim_waits_for_it(self) -> None:
        """200,000 finished jobs and their history go while others claim, run and finish: a worker that had to wait
        for a lock longer than an instant would fail by its lock_timeout.
        """
        due = datetime.now(UTC) - timedelta(minutes=1)
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO scheduled_jobs (job_id, job_type, scheduled_time, next_attempt_at, payload, status,"
                " completed_at) SELECT 'old ' || i, 'sample_many', at, at, '{}',"
                " (ARRAY['completed', 'failed', 'cancelled', 'expired', 'unknown'])[1 + i %% 5], at"
                " FROM generate_series(1, 250000) i, LATERAL (SELECT %s::timestamptz - i * interval '1 second') t(at)",
                [NOW - 40 * DAY],
            )
            cursor.execute(
                "INSERT INTO job_execution_history (job_id, job_type, execution_time, status)"
                " SELECT job_id, job_type, scheduled_time - interval '60 days', 'completed' FROM scheduled_jobs"
                " WHERE status <> 'unknown'"
            )
        enqueue.schedule_jobs("sample_many", ((due, Sample(key=f"{number}")) for number in range(20_000)))
        pruned = Event()

        def work(index: int) -> dict[str, int]:
            if index == 0:
                try:
                    return removed("failed_jobs") | removed("history")
                finally:
                    pruned.set()
            with connection.cursor() as cursor:
                cursor.execute("SET lock_timeout = '20ms'")
            ran = 0
            while not pruned.is_set():
                enqueue.schedule_jobs("sample_many", ((due, Sample(key="more")) for _ in range(50)))
                ran += runner.run_once(size=100)
            return {"ran": ran}

        from tests.jobs.sample import effects

        effects.create_table()
        pruner, *workers = at_once(3, work)
        assert (pruner["jobs"], pruner["attempts"]) == (200_000, 200_000)
        assert all(worker["ran"] > 100 for worker in workers), workers
        left = dict.fromkeys(ScheduledJob.objects.filter(job_id__startswith="old ").values_list("status", flat=True))
        assert list(left) == [JobStatus.UNKNOWN]
        assert (
            not ScheduledJob.objects.exclude(job_id__startswith="old ")
            .exclude(status__in=["completed", "pending"])
            .exists()
        )


class TestTempData:
    def clean(self) -> cleanup.Removal:
        (removal,) = cleanup.clean("temp_data", now=LATER)
        return removal

    def test_deletes_files_older_than_a_day_in_all_folders_below(self, tmp_path: Path, settings: Any) -> None:
        settings.TEMP_DIRS = [tmp_path, tmp_path / "not-there"]
        old = [make_file(tmp_path / name, age=25 * timedelta(hours=1)) for name in ("a", "b/c", "b/.d")]
        fresh = make_file(tmp_path / "b" / "e", age=23 * timedelta(hours=1))
        found = self.clean()
        assert (found.removed, found.removed_bytes, found.left) == (3, 15, 0)
        assert not any(path.exists() for path in old)
        assert fresh.exists()

    def test_never_follows_a_link_out_of_the_folder(self, tmp_path: Path, settings: Any) -> None:
        inside, outside = tmp_path / "in", tmp_path / "out"
        precious = [make_file(outside / name, age=99 * DAY) for name in ("kept", "below/kept")]
        make_file(inside / "x", age=99 * DAY)
        (inside / "folder").symlink_to(outside)
        (inside / "file").symlink_to(outside / "kept")
        (inside / "up").symlink_to("..")
        settings.TEMP_DIRS = [inside]
        assert self.clean().removed == 1
        assert all(path.exists() for path in precious)

    def test_does_not_enter_a_folder_that_is_a_link_itself(self, tmp_path: Path, settings: Any) -> None:
        kept = make_file(tmp_path / "out" / "kept", age=99 * DAY)
        (tmp_path / "link").symlink_to(tmp_path / "out")
        settings.TEMP_DIRS = [tmp_path / "link"]
        assert self.clean().removed == 0
        assert kept.exists()

    def test_leaves_a_file_that_has_just_come_with_an_old_time(self, tmp_path: Path, settings: Any) -> None:
        unpacked = make_file(tmp_path / "a", age=999 * DAY)
        settings.TEMP_DIRS = [tmp_path]
        (removal,) = cleanup.clean("temp_data", now=datetime.now(UTC) + timedelta(hours=23))
        assert removal.removed == 0
        assert unpacked.exists()
        assert self.clean().removed == 1

    def test_is_not_stopped_by_a_time_that_has_no_name(self, settings: Any) -> None:
        with TemporaryDirectory(dir="/dev/shm") as name:
            strange, old = Path(name, "a"), make_file(Path(name, "b"), age=2 * DAY)
            strange.touch()
            os.utime(strange, (1e12, 1e12))
            assert strange.stat().st_mtime > datetime.max.replace(tzinfo=UTC).timestamp()
            settings.TEMP_DIRS = [Path(name)]
            assert cleanup.survey("temp_data", now=LATER)[0].removable == 1
            assert self.clean().removed == 1
            assert (strange.exists(), old.exists()) == (True, False)
            assert cleanup.survey("temp_data", now=LATER)[0].oldest == datetime.max.replace(tzinfo=UTC)

    def test_leaves_and_counts_folders_that_lie_too_deep(self, tmp_path: Path, settings: Any) -> None:
        top = tmp_path / "top"
        old = [make_file(top / name, age=2 * DAY) for name in ("a", "x/z")]
        folder = os.open(top, os.O_RDONLY)
        try:
            for _ in range(1500):
                with suppress(FileExistsError):
                    os.mkdir("x", dir_fd=folder)
                below = os.open("x", os.O_RDONLY, dir_fd=folder)
                os.close(folder)
                folder = below
            settings.TEMP_DIRS = [top]
            found = self.clean()
            assert (found.removed, found.left) == (2, 1)
            assert not any(path.exists() for path in old)
            assert cleanup.survey("temp_data", now=LATER)[0].total == 0
        finally:
            os.close(folder)
            subprocess.run(["rm", "-r", str(top)], check=True)

    def test_leaves_and_counts_what_cannot_be_deleted(
        self, tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        make_file(tmp_path / "a", age=99 * DAY)
        settings.TEMP_DIRS = [tmp_path]

        def refuse(*_: object, **__: object) -> None:
            raise PermissionError(1, "Operation not permitted")  # root is refused nothing, so the system is played

        monkeypatch.setattr(os, "unlink", refuse)
        assert (self.clean().removed, self.clean().left) == (0, 1)

    @pytest.mark.parametrize(
        ("name", "sentence"),
        [
            ("tmp", "TEMP_DIRS names 'tmp': write the whole path of the folder, from / on."),
            ("~nosuchuser/x", "TEMP_DIRS names '~nosuchuser/x', but there is no home folder of that user: write"),
            *(
                (name, f"TEMP_DIRS names {name!r}, which holds more than temporary files (see ")
                for name in (
                    *("/", "/etc", "/etc/cron.d", "/usr", "/usr/share", "/var", "/var/lib", "/var/lib/postgresql"),
                    *("/opt", "/home", "/boot", "/root", "/bin", "/lib", "/sbin", "/proc", "/proc/1", "/sys", "/dev"),
                    *(sys.prefix, f"{sys.prefix}/lib", str(Path(sys.base_prefix).parent), str(Path.home())),
                    *("/data/checkback", "/data/checkback/postgres", "/data", "/mnt/copies", "/mnt/copies/old"),
                )
            ),
        ],
    )
    def test_refuses_folders_that_nobody_can_mean(self, name: str, sentence: str) -> None:
        with pytest.raises(ImproperlyConfigured) as raised:
            env.temp_folders([name], spare=[Path("/data/checkback"), Path("/mnt/copies")])
        assert sentence in str(raised.value)

    @pytest.mark.parametrize(
        "name",
        ["/data/other", "/tmp", "/tmp/ours", "/var/tmp/ours", "/dev/shm/ours"],  # noqa: S108 - only named
    )
    def test_takes_folders_of_temporary_files(self, name: str) -> None:
        if Path(sys.prefix).is_relative_to(name):
            pytest.skip(f"Python's own files are in {name} here.")
        assert env.temp_folders([name], spare=[Path("/data/checkback")]) == [Path(name)]


@pytest.mark.django_db
class TestEverything:
    def test_is_each_kind_by_its_own_setting(self, settings: Any) -> None:
        settings.JOB_KEEP_DAYS, settings.JOB_HISTORY_KEEP_DAYS = 5, 50
        before = {removal.kind: NOW - removal.before for removal in cleanup.clean("everything", now=NOW)}
        assert before == {
            "decisions": 365 * DAY,
            "jobs": 5 * DAY,
            "attempts": 50 * DAY,
            "reports": 50 * DAY,
            "recurring_runs": 365 * DAY,
            "django_q_tasks": 50 * DAY,
            "messages": 365 * DAY,
            "channel_texts": 365 * DAY,
            "drafts": 365 * DAY,
            "flags": 365 * DAY,
            "staff_replies": 365 * DAY,
            "action_words": 365 * DAY,
            "openings": 30 * DAY,
            "api_usage": 90 * DAY,
            "snapshot_payloads": 90 * DAY,
            "post_payloads": 90 * DAY,
            "comment_payloads": 90 * DAY,
            "search_payloads": 90 * DAY,
            "account_day_payloads": 90 * DAY,
            "temp_files": DAY,
        }

    def test_does_the_other_kinds_when_one_fails_and_says_so(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def broken(before: datetime) -> Any:
            return JobExecution.objects.extra(where=["1/0 = 1"])

        make_job(status="failed", scheduled_time=OLD, completed_at=OLD)
        kinds = {name: list(kinds) for name, kinds in cleanup._types.items()}
        monkeypatch.setattr(cleanup, "_types", kinds)
        cleanup.register("broken", pruning.Rows("broken", lambda: DAY, broken, by="execution_time"))
        removals = cleanup.clean("everything", now=NOW)
        assert next(removal for removal in removals if removal.kind == "jobs").removed == 1
        assert cleanup.report(removals)["errors"] == {"broken": "DataError: division by zero"}
        with pytest.raises(cleanup.Incomplete, match=r"broken \(DataError: division by zero\). All else is done."):
            cleanup.check(removals)

    def test_knows_no_clean_up_of_another_name(self) -> None:
        with pytest.raises(CannotClean, match="There is no clean-up 'x'"):
            cleanup.clean("x", now=NOW)


@pytest.mark.django_db
class TestSurvey:
    def test_counts_and_changes_nothing(self) -> None:
        for at in (OLD, OLD - DAY, FRESH):
            make_job(status="failed", scheduled_time=at, completed_at=at)
        (found,) = cleanup.survey("failed_jobs", now=NOW)
        assert (found.kind, found.total, found.is_estimate, found.removable) == ("jobs", 3, False, 2)
        assert (found.oldest, found.before) == (OLD - DAY, NOW - 30 * DAY)
        assert ScheduledJob.objects.count() == 3

    def test_estimates_a_large_table(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(pruning, "ESTIMATE_ABOVE", 100)
        JobExecution.objects.bulk_create(
            JobExecution(job_id="j", job_type="t", execution_time=NOW - 100 * DAY, status="failed") for _ in range(150)
        )
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE job_execution_history")
        attempts = cleanup.survey("history", now=NOW)[0]
        assert (attempts.total, attempts.is_estimate, attempts.removable) == (150, True, 150)

    def test_says_how_large_old_files_are(self, tmp_path: Path, settings: Any) -> None:
        settings.TEMP_DIRS = [tmp_path]
        make_file(tmp_path / "a", age=3 * DAY, text="x" * 1000)
        make_file(tmp_path / "b", age=timedelta(0))
        (found,) = cleanup.survey("temp_data", now=LATER)
        assert (found.total, found.removable, found.removable_bytes, found.oldest) == (2, 1, 1000, LATER - 3 * DAY)
