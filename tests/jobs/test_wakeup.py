"""Who waits for due jobs hears of what may start sooner than they knew."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from jobs import leases, pauses, rescue, runner
from jobs.models import ScheduledJob
from jobs.wakeup import Listener
from tests.jobs.factories import make_job
from tests.jobs.sample import effects

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


class TestRescue:
    def test_leaves_a_type_that_this_program_does_not_know_to_a_person(self, listener: Listener) -> None:
        job = make_job(job_type="of_a_newer_version")
        batch = leases.claim(size=1, worker="newer", lease=LEASE)
        leases.begin(batch.token, [job.pk])
        end_lease()
        rescue.rescue()
        job.refresh_from_db()
        assert job.status == "unknown"
