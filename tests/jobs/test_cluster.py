"""Real `qcluster` processes on a real PostgreSQL."""

import os
import signal
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.utils import timezone
from django_q.models import Schedule

from jobs import recurring, runs
from jobs.enqueue import schedule_job, schedule_jobs
from jobs.models import ClusterHeartbeat, JobExecution, ScheduledJob
from tests.jobs.sample import effects
from tests.jobs.sample.handlers import Sample
from tests.processes import cluster
from tests.support import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def _effects(transactional_db: None) -> None:
    effects.create_table()


def all_completed() -> bool:
    return not ScheduledJob.objects.exclude(status="completed").exists()


class TestTwoClusters:
    def test_run_each_job_exactly_once(self, tmp_path: Path) -> None:
        with cluster(tmp_path, name="one"), cluster(tmp_path, name="two"):
            schedule_jobs("sample_one", [(timezone.now(), Sample(key=f"{n:03}")) for n in range(300)])
            wait_until(all_completed, "300 jobs", seconds=30)
        assert effects.keys() != []
        assert sorted(effects.keys()) == [f"{n:03}" for n in range(300)]
        assert JobExecution.objects.filter(job_type="sample_one", status="completed").count() == 300

    def test_run_one_due_job_once(self, tmp_path: Path) -> None:
        with cluster(tmp_path, name="one"), cluster(tmp_path, name="two"):
            schedule_job("sample_one", timezone.now(), Sample(key="only"))
            wait_until(all_completed, "the job", seconds=20)
        assert effects.keys() == ["only"]


class TestWorkerKilled:
    def test_is_rescued_within_a_minute_and_the_attempt_counts(self, tmp_path: Path) -> None:
        gate = tmp_path / "pid"
        with cluster(tmp_path):
            job = schedule_job("sample_one", timezone.now(), Sample(key="a", behave="hang", gate=str(gate)))
            wait_until(lambda: gate.exists() and gate.read_text() != "", "the worker to begin", seconds=20)
            # The next attempt shall succeed.
            ScheduledJob.objects.filter(pk=job.pk).update(payload={"key": "a"})
            os.kill(int(gate.read_text()), signal.SIGKILL)
            wait_until(all_completed, "the rescue", seconds=60)
        job.refresh_from_db()
        assert job.retry_count == 1
        assert effects.keys() == ["a"]
        attempts = JobExecution.objects.filter(job_id=job.pk).order_by("execution_id")
        assert list(attempts.values_list("attempt", "status")) == [(1, "failed"), (2, "completed")]

    def test_leaves_an_unrepeatable_job_to_a_person(self, tmp_path: Path) -> None:
        gate = tmp_path / "pid"
        with cluster(tmp_path, JOB_LEASE_SECONDS="5"):
            job = schedule_job("sample_once_only", timezone.now(), Sample(key="a", behave="hang", gate=str(gate)))
            wait_until(lambda: gate.exists() and gate.read_text() != "", "the worker to begin", seconds=20)
            os.kill(int(gate.read_text()), signal.SIGKILL)
            wait_until(lambda: ScheduledJob.objects.get(pk=job.pk).status == "unknown", "the verdict", seconds=30)
        assert effects.keys() == []


class TestWholeClusterKilled:
    def test_leaves_its_job_to_the_next_cluster(self, tmp_path: Path) -> None:
        gate = tmp_path / "pid"
        with cluster(tmp_path, name="first", JOB_LEASE_SECONDS="5"):
            schedule_job("sample_one", timezone.now(), Sample(key="a", behave="hang", gate=str(gate)))
            wait_until(lambda: gate.exists() and gate.read_text() != "", "the worker to begin", seconds=20)
            ScheduledJob.objects.update(payload={"key": "a"})
        with cluster(tmp_path, name="second", JOB_LEASE_SECONDS="5"):
            wait_until(all_completed, "the rescue", seconds=30)
        assert effects.keys() == ["a"]


class TestLongJob:
    def test_keeps_its_lease_while_it_runs(self, tmp_path: Path) -> None:
        gate = tmp_path / "pid"
        with cluster(tmp_path, JOB_LEASE_SECONDS="5"):
            job = schedule_job("sample_one", timezone.now(), Sample(key="a", behave="hang", gate=str(gate)))
            wait_until(lambda: gate.exists() and gate.read_text() != "", "the worker to begin", seconds=20)
            first = ScheduledJob.objects.get(pk=job.pk)
            assert first.lease_expires_at is not None
            expires_at = first.lease_expires_at
            wait_until(
                lambda: (
                    (ScheduledJob.objects.get(pk=job.pk).lease_expires_at or expires_at)
                    > expires_at + timedelta(seconds=3)
                ),
                "the lease to be renewed beyond its first end",
                seconds=20,
            )
        assert ScheduledJob.objects.get(pk=job.pk).retry_count == 0


class TestHandlerThatTakesTooLong:
    def test_ends_with_its_worker_and_another_one_goes_on(self, tmp_path: Path) -> None:
        with cluster(tmp_path, JOB_WORKERS="1"):
            job = schedule_job("sample_short", timezone.now(), Sample(behave="swallow"))
            wait_until(lambda: ScheduledJob.objects.get(pk=job.pk).retry_count == 1, "the verdict", seconds=40)
            schedule_job("sample_one", timezone.now(), Sample(key="next"))
            wait_until(lambda: effects.keys() == ["next"], "another worker", seconds=20)
        job.refresh_from_db()
        assert job.status == "pending"
        assert "longer than 0.2 s" in str(job.error_message)


class TestStuckCluster:
    def test_ends_itself_for_its_supervisor(self, tmp_path: Path) -> None:
        with cluster(tmp_path, JOB_WATCHDOG_SECONDS="5", JOB_LEASE_SECONDS="5") as process:
            schedule_job("sample_one", timezone.now(), Sample(key="first"))
            wait_until(all_completed, "a worker", seconds=20)
            # As good as a queue whose lock nobody will give back: the workers take nothing any more.
            for pid in workers_of(process.pid):
                os.kill(pid, signal.SIGSTOP)
            schedule_job("sample_one", timezone.now(), Sample(key="second"))
            assert process.wait(timeout=60) == -signal.SIGKILL
        with cluster(tmp_path, name="next"):
            wait_until(all_completed, "the next cluster", seconds=20)
        assert effects.keys() == ["first", "second"]

    def test_is_left_alone_while_its_workers_are_busy(self, tmp_path: Path) -> None:
        gate = tmp_path / "pid"
        with cluster(tmp_path, JOB_WORKERS="1", JOB_WATCHDOG_SECONDS="5") as process:
            schedule_job("sample_one", timezone.now(), Sample(behave="hang", gate=str(gate)))
            wait_until(lambda: gate.exists() and gate.read_text() != "", "the worker to begin", seconds=20)
            schedule_job("sample_one", timezone.now(), Sample(key="waits"))
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(timeout=20)


def workers_of(master: int) -> list[int]:
    """The workers of a cluster: the sentinel's children that hold no LISTEN and no results, known by their leases."""
    names = JobExecution.objects.values_list("worker", flat=True)
    known = {int(name.rpartition(":")[2]) for name in names}
    sentinel = int(Path(f"/proc/{master}/task/{master}/children").read_text().split()[0])
    children = [int(pid) for pid in Path(f"/proc/{sentinel}/task/{sentinel}/children").read_text().split()]
    # Django-Q2 starts its workers first, then the monitor, then the pusher.
    assert known <= set(children[:2])
    return children[:2]


class TestWakeUp:
    def test_starts_a_new_job_long_before_the_next_poll(self, tmp_path: Path) -> None:
        with cluster(tmp_path, JOB_SCHEDULER_CHECK_INTERVAL_SECONDS="600"):
            schedule_job("sample_one", timezone.now(), Sample(key="now"))
            wait_until(lambda: effects.keys() == ["now"], "the job that is due now", seconds=10)
            schedule_job("sample_one", timezone.now() + timedelta(seconds=2), Sample(key="soon"))
            wait_until(lambda: effects.keys() == ["now", "soon"], "the job that is due soon", seconds=10)


class TestStop:
    def test_takes_the_heartbeat_back(self, tmp_path: Path) -> None:
        with cluster(tmp_path) as process:
            os.kill(process.pid, signal.SIGTERM)  # the master only: the whole group hangs Django-Q2
            process.wait(timeout=30)
            assert not ClusterHeartbeat.objects.exists()


class TestDjangoQ:
    def test_still_runs_its_own_tasks_and_schedules(self, tmp_path: Path) -> None:
        Schedule.objects.all().delete()
        Schedule.objects.create(
            name="s", func="tests.jobs.sample.effects.add", args="'from a schedule',", schedule_type=Schedule.ONCE
        )
        from django_q.tasks import async_task

        async_task("tests.jobs.sample.effects.add", "from a task")
        with cluster(tmp_path):
            wait_until(lambda: len(effects.keys()) == 2, "the task and the schedule", seconds=60)


class TestRecurringAfterDowntime:
    def test_makes_up_for_each_missed_day_in_order(self, tmp_path: Path) -> None:
        """From the schedule that code has made to the handler, with the planned time in its payload."""
        recurring.align_schedules()
        # The last of them a while ago: another one must not become due while the test runs.
        first = timezone.now().replace(microsecond=0) - timedelta(days=3, hours=1)
        Schedule.objects.exclude(name="sample-leap-day").delete()
        Schedule.objects.update(schedule_type=Schedule.DAILY, next_run=first)
        with cluster(tmp_path):
            expected = [(first + timedelta(days=day)).isoformat() for day in range(4)]
            wait_until(lambda: len(effects.keys()) == 4, "four runs", seconds=90)
            wait_until(all_completed, "the queue's end", seconds=20)
        assert effects.keys() == expected
        assert [report.status for report in runs.latest("sample-leap-day", 9)] == ["completed"] * 4
        assert Schedule.objects.get().next_run == first + timedelta(days=4)


class TestDatabaseConnectionLost:
    def test_goes_on_after_every_connection_was_cut(self, tmp_path: Path) -> None:
        with cluster(tmp_path):
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            schedule_job("sample_one", timezone.now(), Sample(key="after"))
            wait_until(lambda: effects.keys() == ["after"], "the job after the cut", seconds=60)
