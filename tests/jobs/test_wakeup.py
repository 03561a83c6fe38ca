"""Who waits for due jobs hears of what may start sooner than they knew."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.utils import timezone

from jobs import leases, pauses, rescue, runner
from jobs.enqueue import schedule_job
from jobs.models import ScheduledJob
from jobs.wakeup import Listener
from tests.jobs.factories import make_job
from tests.jobs.sample import effects
from tests.jobs.sample.handlers import Sample
from tests.processes import cluster
from tests.support import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

LEASE = timedelta(seconds=30)


@pytest.fixture
def listener(transactional_db: None) -> Iterator[Listener]:
    effects.create_table()
    made = Listener()
    made.wait(0)  # connects
    yield made
    made.close()


def hush(listener: Listener) -> None:
    """Hear out what was said so far, of the jobs' making."""
    while listener.wait(0.2):
        pass


def end_lease() -> None:
    ScheduledJob.objects.filter(status="running").update(lease_expires_at=datetime.now(UTC) - timedelta(seconds=1))


class TestListener:
    @pytest.mark.parametrize("behave", ["fail", "limited", "snooze"])
    def test_hears_of_a_job_that_waits_for_another_attempt(self, listener: Listener, behave: str) -> None:
        make_job(payload={"behave": behave})
        hush(listener)
        runner.run_once()
        assert listener.wait(5)

    def test_hears_nothing_of_a_job_that_ended(self, listener: Listener) -> None:
        make_job()
        hush(listener)
        runner.run_once()
        assert not listener.wait(0.2)

    def test_hears_that_a_limited_type_has_a_free_place(self, listener: Listener) -> None:
        make_job(job_type="sample_one_at_a_time")
        hush(listener)
        runner.run_once()
        assert listener.wait(5)

    @pytest.mark.parametrize("max_retries", [0, 3])
    def test_hears_of_a_rescue_whatever_became_of_the_job(self, listener: Listener, max_retries: int) -> None:
        job = make_job(job_type="sample_one_at_a_time", max_retries=max_retries)
        batch = leases.claim(size=1, worker="me", lease=LEASE)
        leases.begin(batch.token, [job.pk])
        end_lease()
        hush(listener)
        assert rescue.rescue() == 1
        assert listener.wait(5)

    def test_hears_of_a_resumed_type(self, listener: Listener) -> None:
        pauses.pause("sample_one", by="ann", now=datetime.now(UTC))
        hush(listener)
        pauses.resume("sample_one", by="ann")
        assert listener.wait(5)


def cut_listeners() -> int:
    """Let the server end every session that listens, as a network or a pooler may. Returns how many."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
            "WHERE datname = current_database() AND query LIKE 'LISTEN %%'"
        )
        return int(cursor.fetchone()[0])


class TestListenerThatLostItsConnection:
    def test_has_its_owner_look_at_once_and_then_every_so_often(self, listener: Listener) -> None:
        assert cut_listeners() == 1
        assert listener.wait(5)  # what happened meanwhile is unknown
        assert listener.wait(0.05)  # nobody listens: time passed is all that it can tell

    def test_costs_a_cluster_no_more_than_the_time_between_two_looks(self, tmp_path: Path) -> None:
        effects.create_table()
        with cluster(tmp_path, JOB_SCHEDULER_CHECK_INTERVAL_SECONDS="1"):
            wait_until(cut_listeners, "the cluster listens")
            for number in range(3):
                schedule_job("sample_one", timezone.now(), Sample(key=str(number)))
                wait_until(lambda: len(effects.keys()) == number + 1, f"job {number}", seconds=10)  # noqa: B023
                cut_listeners()  # should it listen again by now
        assert effects.keys() == ["0", "1", "2"]


class TestRescue:
    def test_leaves_a_type_that_this_program_does_not_know_to_a_person(self, listener: Listener) -> None:
        job = make_job(job_type="of_a_newer_version")
        batch = leases.claim(size=1, worker="newer", lease=LEASE)
        leases.begin(batch.token, [job.pk])
        end_lease()
        rescue.rescue()
        job.refresh_from_db()
        assert job.status == "unknown"
