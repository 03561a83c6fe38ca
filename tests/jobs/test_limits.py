from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, transaction

from jobs import heads, leases, limits, registry, runner
from jobs.models import JobTypeUse, ScheduledJob
from jobs.policies import Policy, Rate
from tests.concurrency import at_once
from tests.jobs.factories import make_job
from tests.jobs.sample import effects

LEASE = timedelta(seconds=30)


@pytest.fixture(autouse=True)
def _effects(transactional_db: None) -> None:
    effects.create_table()


@contextmanager
def policy(job_type: str, changed: Policy) -> Iterator[None]:
    """Another policy for a type while the block runs."""
    known = registry.find(job_type)
    registry._handlers[job_type] = replace(known, policy=changed)
    try:
        yield
    finally:
        registry._handlers[job_type] = known


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
        JobTypeUse.objects.update(recent_starts=[old, old, use.recent_starts[2]])
        while runner.run_once():
            pass
        assert len(effects.keys()) == 5

    def test_is_counted_over_all_workers(self) -> None:
        for _ in range(5):
            make_job(job_type="sample_three_a_minute")
        taken = [len(claim().jobs) for _ in range(5)]
        assert sum(taken) == 3

    def test_is_not_used_up_by_jobs_that_expire(self) -> None:
        now = datetime.now(UTC)
        for number in range(6):
            at = now - timedelta(minutes=10 - number)
            make_job(job_type="sample_three_a_minute", scheduled_time=at, expires_at=now - timedelta(minutes=1))
        make_job(job_type="sample_three_a_minute", payload={"key": "fresh"})
        while runner.run_once():
            pass
        assert effects.keys() == ["fresh"]
        assert ScheduledJob.objects.filter(status="expired").count() == 6

    def test_forgets_starts_that_a_clock_has_put_into_the_future(self) -> None:
        for number in range(2):
            make_job(job_type="sample_three_a_minute", payload={"key": str(number)})
        ahead = datetime.now(UTC) + timedelta(days=365)
        JobTypeUse.objects.create(name="sample_three_a_minute", recent_starts=[ahead] * 3)
        (head,) = heads.ready()
        assert 0 < head.seconds <= 60
        JobTypeUse.objects.update(recent_starts=[ahead] * 2)
        while runner.run_once():
            pass
        assert sorted(effects.keys()) == ["0", "1"]

    def test_that_was_raised_counts_at_once(self) -> None:
        for _ in range(4):
            make_job(job_type="sample_three_a_minute")
        while runner.run_once():
            pass
        assert heads.ready()[0].seconds > 0
        with policy("sample_three_a_minute", Policy(rate=Rate(4, timedelta(minutes=1)))):
            assert heads.ready()[0].seconds <= 0
            assert runner.run_once() == 1


class TestSharedLimit:
    def test_lets_one_of_all_its_types_run(self) -> None:
        shared = Policy(concurrency=1, limit="together")
        with policy("sample_one", shared), policy("sample_many", shared):
            first, second = make_job(), make_job(job_type="sample_many")
            batch = claim()
            assert [job.job_id for job in batch.jobs] == [first.pk]
            assert claim().jobs == []
            assert heads.ready() == []
            ScheduledJob.objects.filter(pk=first.pk).update(
                status="completed", completed_at=datetime.now(UTC), lease_token=None, lease_expires_at=None
            )
            assert [job.job_id for job in claim().jobs] == [second.pk]


class TestRateUnderConcurrency:
    def test_lets_three_of_twelve_through(self) -> None:
        for _ in range(12):
            make_job(job_type="sample_three_a_minute")

        def work(_: int) -> int:
            return sum(len(claim(size=2).jobs) for _ in range(5))

        assert sum(at_once(6, work)) == 3

    def test_counts_what_started_after_the_transaction_of_a_claim_began(self) -> None:
        for _ in range(6):
            make_job(job_type="sample_three_a_minute")
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT")  # from now on this is the transaction's time
            assert at_once(1, lambda _: sum(len(claim().jobs) for _ in range(3))) == [3]
            policy, allowed = registry.limited()["sample_three_a_minute"], list[int]()
            limits.within("sample_three_a_minute", policy, size=3, claim=lambda size: allowed.append(size) or 0)
        assert allowed == []
