import signal
import threading
import time
from datetime import timedelta

import pytest

from jobs import runner, timeouts
from jobs.models import JobExecution, ScheduledJob
from tests.jobs.factories import make_job
from tests.jobs.sample import effects

BRIEF = timedelta(milliseconds=50)


class TestLimit:
    def test_stops_what_takes_too_long(self) -> None:
        with pytest.raises(timeouts.TimedOut, match=r"longer than 0\.05 s"), timeouts.limit(BRIEF):
            threading.Event().wait(60)

    def test_leaves_the_callers_alarm_as_it_was(self) -> None:
        # The test runner has an alarm of its own, by which it ends a test that hangs.
        handler, (delay, interval) = signal.getsignal(signal.SIGALRM), signal.getitimer(signal.ITIMER_REAL)
        assert delay
        with timeouts.limit(timedelta(seconds=5)):
            assert signal.getitimer(signal.ITIMER_REAL)[0] <= 5
        assert signal.getsignal(signal.SIGALRM) is handler
        left, again = signal.getitimer(signal.ITIMER_REAL)
        assert (delay - 1 < left <= delay, again) == (True, interval)

    def test_does_nothing_in_another_thread(self) -> None:
        finished: list[float] = []

        def work() -> None:
            with timeouts.limit(BRIEF):
                began = time.monotonic()
                threading.Event().wait(2 * BRIEF.total_seconds())
                finished.append(time.monotonic() - began)

        thread = threading.Thread(target=work)
        thread.start()
        thread.join(timeout=10)
        assert finished[0] >= 2 * BRIEF.total_seconds()


class TestTimeout:
    @pytest.fixture(autouse=True)
    def _effects(self, transactional_db: None) -> None:
        effects.create_table()

    @pytest.mark.parametrize("how", ["compute", "swallow", "query"])
    def test_fails_the_attempt_and_tries_again_later(self, how: str) -> None:
        job = make_job(job_type="sample_short", payload={"behave": how})
        other = make_job(job_type="sample_short", payload={})
        runner.run_once()
        job.refresh_from_db()
        other.refresh_from_db()
        assert (job.status, job.retry_count) == ("pending", 1)
        assert "longer than 0.2 s" in str(job.error_message)
        assert other.status == "completed"
        attempt = JobExecution.objects.get(job_id=job.pk)
        assert (attempt.status, attempt.error_message) == ("failed", job.error_message)

    def test_leaves_an_unrepeatable_job_to_a_person(self) -> None:
        job = make_job(job_type="sample_short_once_only", payload={"behave": "compute"})
        runner.run_once()
        job.refresh_from_db()
        assert job.status == "unknown"
        assert "longer than 0.2 s" in str(job.error_message)

    def test_of_a_set_fails_the_one_that_takes_long_alone(self) -> None:
        bad = make_job(job_type="sample_short_many", payload={"behave": "query", "key": "bad"})
        make_job(job_type="sample_short_many", payload={"key": "good"})
        runner.run_once()
        bad.refresh_from_db()
        assert (bad.status, effects.keys()) == ("pending", ["good"])
        assert set(ScheduledJob.objects.exclude(pk=bad.pk).values_list("status", flat=True)) == {"completed"}
