from datetime import UTC, datetime, timedelta

import pytest

from jobs import heads, leases, runner
from jobs.models import JobTypeUse, ScheduledJob
from tests.concurrency import at_once
from tests.jobs.factories import make_job
from tests.jobs.sample import effects

LEASE = timedelta(seconds=30)


@pytest.fixture(autouse=True)
def _effects(transactional_db: None) -> None:
    effects.create_table()


def claim(size: int = 10) -> leases.Batch:
    return leases.claim(size=size, worker="me", lease=LEASE)


class TestConcurrency:
    def test_keeps_a_second_worker_from_the_type(self) -> None:
        for _ in range(2):
            make_job(job_type="sample_one_at_a_time")
        assert len(claim(size=1).jobs) == 1
        assert claim().jobs == []

    def test_lets_others_pass(self) -> None:
        for _ in range(2):
            make_job(job_type="sample_one_at_a_time")
        claim(size=1)
        other = make_job()
        assert [job.job_id for job in claim().jobs] == [other.pk]

    def test_frees_the_place_when_the_job_has_ended(self) -> None:
        for number in range(3):
            make_job(job_type="sample_one_at_a_time", payload={"key": str(number)})
        while runner.run_once(size=1):
            pass
        assert sorted(effects.keys()) == ["0", "1", "2"]

    def test_is_no_reason_for_a_broker_to_send_workers(self) -> None:
        for _ in range(2):
            make_job(job_type="sample_one_at_a_time")
        batch = claim(size=1)
        assert heads.ready() == []
        leases.release(batch.token, [job.job_id for job in batch.jobs])
        assert [head.job_type for head in heads.ready()] == ["sample_one_at_a_time"]

    def test_takes_its_turn_by_due_time(self) -> None:
        now = datetime.now(UTC)
        make_job(scheduled_time=now - timedelta(minutes=1))
        limited = make_job(job_type="sample_one_at_a_time", scheduled_time=now - timedelta(minutes=2))
        assert [job.job_id for job in claim().jobs] == [limited.pk]


class TestConcurrencyUnderConcurrency:
    def test_lets_one_of_eight_workers_through(self) -> None:
        for _ in range(8):
            make_job(job_type="sample_one_at_a_time")
        taken = at_once(8, lambda _: len(claim(size=1).jobs))
        assert sum(taken) == 1
        assert ScheduledJob.objects.filter(status="running").count() == 1


class TestRate:
    def test_starts_as_many_as_it_allows_and_no_more(self) -> None:
        for number in range(5):
            make_job(job_type="sample_three_a_minute", payload={"key": str(number)})
        while runner.run_once():
            pass
        assert len(effects.keys()) == 3
        assert ScheduledJob.objects.filter(status="pending").count() == 2

    def test_tells_the_broker_when_the_next_may_start(self) -> None:
        for _ in range(5):
            make_job(job_type="sample_three_a_minute")
        while runner.run_once():
            pass
        (head,) = heads.ready()
        assert 0 < head.seconds <= 60

    def test_allows_more_when_the_first_starts_are_old_enough(self) -> None:
        for _ in range(5):
            make_job(job_type="sample_three_a_minute")
        while runner.run_once():
            pass
        use = JobTypeUse.objects.get()
        # A little more than a minute passes for two of the three.
        old = use.recent_starts[0] - timedelta(seconds=61)
        JobTypeUse.objects.update(recent_starts=[old, old, use.recent_starts[2]], free_at=old)
        while runner.run_once():
            pass
        assert len(effects.keys()) == 5

    def test_is_counted_over_all_workers(self) -> None:
        for _ in range(5):
            make_job(job_type="sample_three_a_minute")
        taken = [len(claim().jobs) for _ in range(5)]
        assert sum(taken) == 3


class TestRateUnderConcurrency:
    def test_lets_three_of_twelve_through(self) -> None:
        for _ in range(12):
            make_job(job_type="sample_three_a_minute")

        def work(_: int) -> int:
            return sum(len(claim(size=2).jobs) for _ in range(5))

        assert sum(at_once(6, work)) == 3
