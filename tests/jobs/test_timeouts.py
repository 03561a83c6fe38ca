"""Handlers that take too long, in worker processes of their own: such a process ends."""

import subprocess
import sys
from datetime import timedelta

import pytest

from jobs import leases
from jobs.models import JobExecution, ScheduledJob
from tests.jobs.factories import make_job
from tests.jobs.sample import effects
from tests.processes import environment
from tests.support import CHECKOUT

pytestmark = pytest.mark.django_db(transaction=True)

WORK = """
import django
django.setup()
from jobs import runner
while runner.run_once():
    pass
"""


@pytest.fixture(autouse=True)
def _effects(transactional_db: None) -> None:
    effects.create_table()


def work(**extra: str) -> int:
    """Let a process do what is due. Returns its exit code."""
    command = [sys.executable, "-c", WORK]
    return subprocess.run(command, cwd=CHECKOUT, env=environment(**extra), timeout=60, check=False).returncode


class TestTimeout:
    @pytest.mark.parametrize("how", ["compute", "swallow", "query", "transaction"])
    def test_ends_the_worker_and_fails_the_attempt(self, how: str) -> None:
        job = make_job(job_type="sample_short", payload={"behave": how, "key": "undone"})
        assert work() == leases.OVERDUE_EXIT
        job.refresh_from_db()
        assert (job.status, job.retry_count, job.lease_token) == ("pending", 1, None)
        assert "longer than 0.2 s" in str(job.error_message)
        attempt = JobExecution.objects.get(job_id=job.pk)
        assert (attempt.status, attempt.error_message) == ("failed", job.error_message)
        assert effects.keys() == []

    def test_is_noticed_long_before_the_next_renewal(self) -> None:
        job = make_job(job_type="sample_short", payload={"behave": "query"})
        work(JOB_LEASE_SECONDS="3600")
        attempt = JobExecution.objects.get(job_id=job.pk)
        assert timedelta(milliseconds=attempt.duration_ms or 0) < timedelta(seconds=20)

    def test_leaves_an_unrepeatable_job_to_a_person(self) -> None:
        job = make_job(job_type="sample_short_once_only", payload={"behave": "compute"})
        assert work() == leases.OVERDUE_EXIT
        job.refresh_from_db()
        assert job.status == "unknown"
        assert "longer than 0.2 s" in str(job.error_message)

    def test_gives_the_others_of_the_batch_back(self) -> None:
        first = make_job(job_type="sample_short", payload={"behave": "compute"})
        ScheduledJob.objects.filter(pk=first.pk).update(next_attempt_at=first.next_attempt_at - timedelta(hours=1))
        other = make_job(job_type="sample_short")
        assert work() == leases.OVERDUE_EXIT
        other.refresh_from_db()
        assert (other.status, other.retry_count, other.lease_token) == ("pending", 0, None)
        assert work() == 0
        other.refresh_from_db()
        assert other.status == "completed"

    def test_of_a_set_undoes_it_all_and_lets_each_run_alone(self) -> None:
        bad = make_job(job_type="sample_short_many", payload={"behave": "query", "key": "bad"})
        good = make_job(job_type="sample_short_many", payload={"key": "good"})
        assert work() == leases.OVERDUE_EXIT
        assert effects.keys() == []
        ScheduledJob.objects.update(next_attempt_at=good.next_attempt_at)
        ScheduledJob.objects.filter(pk=bad.pk).update(priority=0)
        ScheduledJob.objects.filter(pk=good.pk).update(priority=9)
        assert work() == leases.OVERDUE_EXIT
        good.refresh_from_db()
        bad.refresh_from_db()
        assert (good.status, bad.status, effects.keys()) == ("completed", "pending", ["good"])

    def test_leaves_what_is_done_in_time_alone(self) -> None:
        make_job(job_type="sample_short", payload={"key": "fast"})
        assert work() == 0
        assert ScheduledJob.objects.get().status == "completed"
