import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from jobs import outcomes, runner
from jobs.models import JobExecution, ScheduledJob
from tests.concurrency import at_once
from tests.jobs.factories import make_job
from tests.jobs.sample import effects
from tests.support import wait_until


@pytest.fixture(autouse=True)
def _effects(transactional_db: None) -> None:
    effects.create_table()


def attempts_of(job: ScheduledJob) -> list[JobExecution]:
    return list(JobExecution.objects.filter(job_id=job.pk).order_by("execution_id"))


def make_due_again(job: ScheduledJob) -> None:
    ScheduledJob.objects.filter(pk=job.pk).update(next_attempt_at=datetime.now(UTC) - timedelta(seconds=1))


class TestRunOnce:
    @pytest.mark.parametrize("job_type", ["sample_one", "sample_many", "sample_own_transaction", "sample_once_only"])
    def test_runs_a_due_job_once_and_keeps_its_history(self, job_type: str) -> None:
        job = make_job(job_type=job_type, payload={"key": "a"})
        assert runner.run_once() == 1
        assert runner.run_once() == 0
        job.refresh_from_db()
        assert (job.status, job.retry_count, job.error_message) == ("completed", 0, None)
        assert job.completed_at is not None
        assert effects.keys() == ["a"]
        [attempt] = attempts_of(job)
        assert (attempt.status, attempt.attempt, attempt.worker) == ("completed", 1, runner.worker_name())
        assert attempt.duration_ms is not None

    def test_leaves_jobs_that_are_due_later(self) -> None:
        make_job(scheduled_time=datetime.now(UTC) + timedelta(minutes=5))
        assert runner.run_once() == 0

    def test_takes_higher_priorities_first_then_the_oldest(self) -> None:
        now = datetime.now(UTC)
        for key, priority, age in [("old", 0, 60), ("new", 0, 10), ("urgent", 9, 5)]:
            make_job(payload={"key": key}, priority=priority, scheduled_time=now - timedelta(seconds=age))
        for _ in range(3):
            runner.run_once(size=1)
        assert effects.keys() == ["urgent", "old", "new"]

    def test_runs_nothing_while_the_engine_is_switched_off(self, settings: Any) -> None:
        settings.JOB_SCHEDULER_ENABLED = False
        make_job()
        assert runner.run_due() == 0
        assert ScheduledJob.objects.get().status == "pending"


class TestFailure:
    def test_waits_five_ten_and_twenty_minutes_then_gives_up_with_every_attempt_on_record(self) -> None:
        job = make_job(payload={"behave": "fail"})
        for retry_count, minutes in [(1, 5), (2, 10), (3, 20)]:
            before = datetime.now(UTC)
            runner.run_once()
            job.refresh_from_db()
            wait = job.next_attempt_at - before
            assert (job.status, job.retry_count) == ("pending", retry_count)
            assert timedelta(minutes=minutes) <= wait <= timedelta(minutes=minutes) * 1.1 + timedelta(seconds=5)
            make_due_again(job)
        runner.run_once()
        job.refresh_from_db()
        assert (job.status, job.retry_count, job.error_message) == ("failed", 3, "RuntimeError: it broke")
        history = attempts_of(job)
        assert [(entry.attempt, entry.status) for entry in history] == [(n, "failed") for n in (1, 2, 3, 4)]
        assert all(entry.error_message == "RuntimeError: it broke" for entry in history)

    def test_keeps_the_original_due_time_over_retries(self) -> None:
        job = make_job(payload={"behave": "fail"})
        runner.run_once()
        assert ScheduledJob.objects.get().scheduled_time == job.scheduled_time

    @pytest.mark.parametrize(("behave", "status"), [("permanent", "failed"), ("unknown", "unknown")])
    def test_does_not_retry_what_cannot_or_must_not_be_retried(self, behave: str, status: str) -> None:
        job = make_job(payload={"behave": behave})
        runner.run_once()
        job.refresh_from_db()
        assert (job.status, job.retry_count) == (status, 0)
        assert [entry.status for entry in attempts_of(job)] == [status]

    def test_obeys_the_wait_that_the_other_side_asked_for(self) -> None:
        job = make_job(payload={"behave": "limited"})
        before = datetime.now(UTC)
        runner.run_once()
        job.refresh_from_db()
        assert timedelta(seconds=90) <= job.next_attempt_at - before < timedelta(seconds=100)

    def test_snoozes_without_counting_an_attempt(self) -> None:
        job = make_job(payload={"behave": "snooze"})
        runner.run_once()
        job.refresh_from_db()
        assert (job.status, job.retry_count, job.error_message) == ("pending", 0, "not now")
        assert job.next_attempt_at > datetime.now(UTC) + timedelta(hours=1)
        assert attempts_of(job) == []

    @pytest.mark.parametrize(
        ("fields", "words"),
        [
            ({"job_type": "nobody_handles_this"}, "No handler is registered"),
            ({"job_type": "sample_picky", "payload": {"key": 5}}, "does not fit"),
        ],
    )
    def test_fails_only_the_job_with_an_unknown_type_or_broken_payload(
        self, fields: dict[str, Any], words: str
    ) -> None:
        bad = make_job(**fields)
        good = make_job(payload={"key": "good"})
        runner.run_once()
        bad.refresh_from_db()
        good.refresh_from_db()
        assert (bad.status, good.status) == ("failed", "completed")
        assert words in str(bad.error_message)
        assert effects.keys() == ["good"]

    @pytest.mark.parametrize(
        "payload",
        ['{"key": 1e5000}', '{"key": ' + "[" * 3000 + "]" * 3000 + "}"],
        ids=["a number of 5,000 digits", "3,000 levels"],
    )
    def test_fails_only_the_job_whose_payload_python_cannot_read(self, payload: str) -> None:
        bad = make_job(scheduled_time=datetime.now(UTC) - timedelta(hours=1))
        with connection.cursor() as cursor:
            cursor.execute("UPDATE scheduled_jobs SET payload = %s::jsonb", [payload])
        make_job(payload={"key": "good"})
        runner.run_once()
        bad.refresh_from_db(fields=["status", "error_message"])
        assert bad.status == "failed"
        assert "cannot be read" in str(bad.error_message)
        assert effects.keys() == ["good"]

    @pytest.mark.parametrize(
        "behave",
        ["half a character", "no words", "limited for ever", "snooze in odd words", "snooze for ever"],
    )
    def test_records_whatever_a_handler_raises_and_runs_the_others(self, behave: str) -> None:
        odd = make_job(payload={"behave": behave}, scheduled_time=datetime.now(UTC) - timedelta(hours=1))
        good = make_job(payload={"key": "good"})
        runner.run_once()
        odd.refresh_from_db()
        good.refresh_from_db()
        assert (odd.status, good.status) == ("pending", "completed")
        assert odd.next_attempt_at > datetime.now(UTC)
        assert 0 < len(odd.error_message or "") <= outcomes.LONGEST_ERROR

    @pytest.mark.parametrize("job_type", ["sample_one", "sample_own_transaction", "sample_many"])
    def test_records_a_lost_connection_and_runs_the_others(self, job_type: str) -> None:
        cut = make_job(
            job_type=job_type,
            payload={"key": "cut", "behave": "lose the database"},
            scheduled_time=datetime.now(UTC) - timedelta(hours=1),
        )
        make_job(job_type=job_type, payload={"key": "good"})
        runner.run_once()
        cut.refresh_from_db()
        assert (cut.status, cut.retry_count, len(attempts_of(cut))) == ("pending", 1, 1)
        assert effects.keys() == ["good"]

    def test_leaves_a_lost_connection_of_an_unrepeatable_job_to_a_person(self) -> None:
        job = make_job(job_type="sample_once_only", payload={"key": "cut", "behave": "lose the database"})
        runner.run_once()
        job.refresh_from_db()
        assert (job.status, job.retry_count) == ("unknown", 0)
        assert [entry.status for entry in attempts_of(job)] == ["unknown"]

    def test_rolls_back_the_effects_of_a_handler_that_fails_after_completing_itself(self) -> None:
        job = make_job(job_type="sample_own_transaction", payload={"key": "a", "behave": "fail"})
        runner.run_once()
        job.refresh_from_db()
        assert job.status == "pending"
        assert effects.keys() == []


class TestHandlerThatEndsItsProgram:
    @pytest.mark.parametrize("behave", ["exit", "cancelled", "limited in seconds"])
    def test_fails_alone(self, behave: str) -> None:
        bad = make_job(payload={"behave": behave}, scheduled_time=datetime.now(UTC) - timedelta(hours=1))
        make_job(payload={"key": "good"})
        runner.run_once()
        bad.refresh_from_db()
        assert (bad.status, bad.retry_count, effects.keys()) == ("pending", 1, ["good"])


class TestSets:
    def test_fails_the_poisonous_job_alone(self) -> None:
        good = [make_job(job_type="sample_many", payload={"key": f"good {n}"}) for n in range(3)]
        poison = make_job(job_type="sample_many", payload={"key": "poison", "behave": "fail"})
        runner.run_once()
        poison.refresh_from_db()
        assert poison.status == "pending"
        assert poison.retry_count == 1
        assert ScheduledJob.objects.filter(pk__in=[job.pk for job in good], status="completed").count() == 3
        assert effects.keys() == ["good 0", "good 1", "good 2"]


class TestLongJob:
    @pytest.mark.parametrize("first", ["sample_one", "sample_many"])
    def test_does_not_keep_those_claimed_with_it_waiting(self, first: str, tmp_path: Path) -> None:
        gate = tmp_path / "gate"
        os.mkfifo(gate)
        long = make_job(
            job_type=first,
            payload={"key": "long", "behave": "wait", "gate": str(gate)},
            scheduled_time=datetime.now(UTC) - timedelta(hours=1),
        )
        make_job(job_type="sample_own_transaction", payload={"key": "short"})

        def work(number: int) -> None:
            if number == 0:
                runner.run_once(size=2)
                return
            wait_until(lambda: ScheduledJob.objects.get(pk=long.pk).status == "running", "the claim")
            try:
                wait_until(lambda: runner.run_once(size=2), "somebody else may take the short one")
                assert effects.keys() == ["short"]
            finally:
                gate.write_text("go on")

        at_once(2, work)
        assert sorted(effects.keys()) == ["long", "short"]
        assert set(ScheduledJob.objects.values_list("status", "retry_count")) == {("completed", 0)}

    @pytest.mark.parametrize(("job_type", "retry_count"), [("sample_one", 0), ("sample_many", 1)])
    def test_gives_the_others_back_when_the_worker_itself_fails(self, job_type: str, retry_count: int) -> None:
        age = timedelta(hours=1)
        fields: dict[str, Any] = {"job_type": job_type, "retry_count": retry_count}
        make_job(payload={"behave": "interrupt"}, scheduled_time=datetime.now(UTC) - age, **fields)
        other = make_job(payload={"key": "other"}, **fields)
        with pytest.raises(KeyboardInterrupt):
            runner.run_once(size=2)
        other.refresh_from_db()
        assert (other.status, other.retry_count) == ("pending", retry_count)


class TestExpiry:
    def test_does_not_run_a_job_that_came_too_late(self) -> None:
        late = make_job(payload={"key": "late"}, expires_at=datetime.now(UTC) - timedelta(seconds=1))
        runner.run_once()
        late.refresh_from_db()
        assert late.status == "expired"
        assert [entry.status for entry in attempts_of(late)] == ["expired"]
        assert effects.keys() == []

    def test_does_not_stop_the_retry_of_a_job_that_began_in_time(self) -> None:
        job = make_job(payload={"key": "again"}, retry_count=1, expires_at=datetime.now(UTC) - timedelta(minutes=1))
        runner.run_once()
        job.refresh_from_db()
        assert (job.status, effects.keys()) == ("completed", ["again"])


class TestFencing:
    def test_rolls_back_the_effects_of_a_set_whose_lease_was_lost(self) -> None:
        from jobs import leases, registry
        from jobs.registry import Attempt
        from tests.jobs.sample.handlers import Sample

        make_job(job_type="sample_many", payload={"key": "a"})
        batch = leases.claim(size=10, worker="slow", lease=timedelta(seconds=30))
        job = batch.jobs[0]
        attempt = Attempt(job.job_id, job.job_type, Sample(key="a"), job.scheduled_time, 1, batch.token)
        # The worker hangs; the rescue gives the job away; then the worker wakes up.
        ScheduledJob.objects.update(status="pending", lease_token=None, lease_expires_at=None)
        keepalive = leases.Keepalive(batch.token, [job.job_id], timedelta(seconds=30))
        assert runner._run_set(registry.find("sample_many"), [(job, attempt)] * 2, keepalive) is False
        assert effects.keys() == []
        with pytest.raises(outcomes.LeaseLost):
            outcomes.complete([attempt], now=datetime.now(UTC))
        assert ScheduledJob.objects.get().status == "pending"


class TestJobThatCompletesItself:
    def test_is_recorded_once(self) -> None:
        make_job(job_type="sample_own_transaction", payload={"key": "a"})
        with CaptureQueriesContext(connection) as queries:
            runner.run_once()
        assert sum("WITH settled AS" in query["sql"] for query in queries.captured_queries) == 1
        assert effects.keys() == ["a"]

    def test_is_recorded_by_the_engine_when_its_own_transaction_was_rolled_back(self) -> None:
        job = make_job(job_type="sample_own_transaction", payload={"key": "a", "behave": "change its mind"})
        runner.run_once()
        job.refresh_from_db()
        assert (job.status, effects.keys()) == ("completed", [])
        assert [attempt.status for attempt in attempts_of(job)] == ["completed"]


class TestPace:
    def test_grows_by_doubling_and_shrinks_at_once(self) -> None:
        pace = runner.Pace()
        for _ in range(10):
            pace.learn(pace.size, 0.001)
        assert pace.size == runner.LARGEST_BATCH
        pace.learn(10, 10.0)
        assert pace.size == 1
