from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction

from jobs import leases, rescue
from jobs.models import JobExecution, ScheduledJob
from tests.concurrency import at_once
from tests.jobs.factories import make_job

LEASE = timedelta(seconds=30)


def strand(job_type: str = "sample_one", **fields: object) -> ScheduledJob:
    """A job whose worker claimed it and was never heard of again."""
    job = make_job(job_type=job_type, **fields)
    batch = leases.claim(size=10, worker="dead:1", lease=LEASE)
    leases.begin(batch.token, [job.pk])
    ScheduledJob.objects.filter(pk=job.pk).update(lease_expires_at=datetime.now(UTC) - timedelta(seconds=1))
    job.refresh_from_db()
    return job


@pytest.mark.django_db
class TestClaim:
    def test_marks_the_jobs_as_held(self) -> None:
        job = make_job()
        batch = leases.claim(size=10, worker="me", lease=LEASE)
        job.refresh_from_db()
        assert [claimed.job_id for claimed in batch.jobs] == [job.pk]
        assert (job.status, job.lease_token, job.worker) == ("running", batch.token, "me")
        assert job.lease_expires_at is not None
        assert job.lease_expires_at > datetime.now(UTC)

    def test_takes_no_more_than_asked(self) -> None:
        for _ in range(5):
            make_job()
        assert len(leases.claim(size=3, worker="me", lease=LEASE).jobs) == 3

    def test_is_served_by_the_index_of_the_queue(self) -> None:
        with connection.cursor() as cursor:
            # Few rows: sorting them would be as cheap.
            cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off")
            from jobs import sql

            cursor.execute(
                "EXPLAIN " + sql.read("claim_v1"),
                {
                    "priorities": [0],
                    "job_types": ["sample_one"],
                    "size": 10,
                    "token": "00000000-0000-0000-0000-000000000000",
                    "lease": 30,
                    "worker": "me",
                    "not_repeatable": [],
                },
            )
            plan = "\n".join(row[0] for row in cursor.fetchall())
        assert "idx_scheduled_jobs_queue" in plan


@pytest.mark.django_db(transaction=True)
class TestClaimUnderConcurrency:
    def test_gives_each_job_to_exactly_one_of_eight_workers(self) -> None:
        jobs = {make_job().pk for _ in range(200)}

        def work(_: int) -> list[str]:
            mine: list[str] = []
            while batch := leases.claim(size=7, worker="w", lease=LEASE).jobs:
                mine.extend(job.job_id for job in batch)
            return mine

        taken = [key for mine in at_once(8, work) for key in mine]
        assert len(taken) == 200
        assert set(taken) == jobs

    def test_passes_over_what_another_worker_is_claiming_at_this_moment(self) -> None:
        jobs = {make_job().pk for _ in range(2)}

        def work(_: int) -> list[str]:
            with connection.cursor() as cursor:
                cursor.execute("SET lock_timeout = '2s'")  # waiting is an error
            return [job.job_id for job in leases.claim(size=10, worker="second", lease=LEASE).jobs]

        with transaction.atomic():
            [first] = leases.claim(size=1, worker="first", lease=LEASE).jobs
            assert at_once(1, work) == [list(jobs - {first.job_id})]


@pytest.mark.django_db
class TestRelease:
    def test_gives_back_without_counting_an_attempt(self) -> None:
        job = make_job()
        batch = leases.claim(size=10, worker="me", lease=LEASE)
        assert leases.release(batch.token, [job.pk]) == 1
        job.refresh_from_db()
        assert (job.status, job.retry_count, job.lease_token) == ("pending", 0, None)


@pytest.mark.django_db
class TestRescue:
    def test_returns_a_dead_workers_job_and_counts_the_attempt(self) -> None:
        job = strand()
        assert rescue.rescue() == 1
        job.refresh_from_db()
        assert (job.status, job.retry_count, job.lease_token) == ("pending", 1, None)
        assert job.next_attempt_at <= datetime.now(UTC)
        attempt = JobExecution.objects.get(job_id=job.pk)
        assert (attempt.status, attempt.attempt, attempt.worker) == ("failed", 1, "dead:1")

    def test_ends_a_job_that_has_no_attempts_left(self) -> None:
        job = strand(max_retries=0)
        rescue.rescue()
        job.refresh_from_db()
        assert job.status == "failed"
        assert job.completed_at is not None

    def test_asks_a_person_about_a_job_that_must_not_run_twice(self) -> None:
        job = strand("sample_once_only")
        rescue.rescue()
        job.refresh_from_db()
        assert job.status == "unknown"
        assert JobExecution.objects.get().status == "unknown"

    @pytest.mark.parametrize(
        "fields",
        [{"job_type": "sample_once_only"}, {"max_retries": 0}, {"retry_count": 3}],
        ids=["must not run twice", "has one attempt only", "is at its last attempt"],
    )
    def test_gives_back_what_its_worker_never_began(self, fields: dict[str, Any]) -> None:
        job = make_job(**fields)
        leases.claim(size=10, worker="dead:1", lease=LEASE)
        ScheduledJob.objects.update(lease_expires_at=datetime.now(UTC) - timedelta(seconds=1))
        assert rescue.rescue() == 1
        job.refresh_from_db()
        assert (job.status, job.retry_count) == ("pending", fields.get("retry_count", 0))
        assert not JobExecution.objects.exists()

    def test_leaves_jobs_whose_lease_lives(self) -> None:
        make_job()
        leases.claim(size=10, worker="alive", lease=LEASE)
        assert rescue.rescue() == 0

    def test_leaves_a_renewed_lease(self) -> None:
        job = strand()
        assert job.lease_token is not None
        assert leases.renew(job.lease_token, [job.pk], lease=LEASE) == 1
        assert rescue.rescue() == 0
