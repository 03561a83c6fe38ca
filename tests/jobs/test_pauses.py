from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from django.db import transaction
from django.test import override_settings

from jobs import heads, pauses, registry, runner
from jobs.models import JobPause, ScheduledJob
from tests.concurrency import at_once
from tests.jobs.factories import make_job
from tests.jobs.sample import effects
from tests.support import wait_until

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _effects(transactional_db: None) -> None:
    effects.create_table()


class TestPause:
    def test_keeps_the_type_from_being_claimed_and_nothing_else(self) -> None:
        waits = make_job(payload={"key": "waits"})
        make_job(job_type="sample_many", payload={"key": "runs"})
        pauses.pause("sample_one", by="ann", now=NOW)
        while runner.run_once():
            pass
        waits.refresh_from_db()
        assert (waits.status, waits.started_at, effects.keys()) == ("pending", None, ["runs"])

    def test_of_everything_keeps_every_type(self) -> None:
        make_job()
        make_job(job_type="nobody_handles_this")
        pauses.pause(pauses.EVERYTHING, by="ann", now=NOW)
        assert runner.run_once() == 0
        assert set(ScheduledJob.objects.values_list("status", flat=True)) == {"pending"}

    def test_is_no_reason_for_a_broker_to_send_workers(self) -> None:
        make_job()
        assert [head.job_type for head in heads.ready()] == ["sample_one"]
        pauses.pause("sample_one", by="ann", now=NOW)
        assert heads.ready() == []

    def test_tells_who_since_when_and_why(self) -> None:
        assert pauses.pause("sample_one", by="ann", reason="the provider is down", now=NOW)
        pause = pauses.paused()[0]
        assert (pause.job_type, pause.paused_by, pause.paused_at) == ("sample_one", "ann", NOW)
        assert pause.reason == "the provider is down"

    def test_stays_as_it_is_when_asked_again(self) -> None:
        pauses.pause("sample_one", by="ann", now=NOW)
        assert pauses.pause("sample_one", by="bob", now=NOW + timedelta(hours=1)) is False
        assert [pause.paused_by for pause in pauses.paused()] == ["ann"]

    def test_refuses_a_type_that_nobody_handles(self) -> None:
        with pytest.raises(registry.UnknownJobType, match="nobody_handles_this"):
            pauses.pause("nobody_handles_this", by="ann", now=NOW)
        assert pauses.paused() == []


class TestResume:
    def test_lets_what_is_due_run(self) -> None:
        make_job(payload={"key": "waits"})
        pauses.pause("sample_one", by="ann", now=NOW)
        assert pauses.resume("sample_one", by="bob")
        assert runner.run_once() == 1
        assert effects.keys() == ["waits"]

    def test_says_when_nothing_was_paused(self) -> None:
        assert pauses.resume("sample_one", by="bob") is False

    def test_of_everything_leaves_the_pause_of_a_type(self) -> None:
        pauses.pause(pauses.EVERYTHING, by="ann", now=NOW)
        pauses.pause("sample_one", by="ann", now=NOW)
        pauses.resume(pauses.EVERYTHING, by="ann")
        assert [pause.job_type for pause in pauses.paused()] == ["sample_one"]

    def test_lets_jobs_expire_whose_time_ran_out_meanwhile(self) -> None:
        job = make_job(expires_at=datetime.now(UTC) - timedelta(seconds=1))
        pauses.pause("sample_one", by="ann", now=NOW)
        runner.run_once()
        job.refresh_from_db()
        assert job.status == "pending"
        pauses.resume("sample_one", by="ann")
        runner.run_once()
        job.refresh_from_db()
        assert (job.status, effects.keys()) == ("expired", [])


class TestPauseOfWhatIsClaimed:
    def test_gives_back_the_jobs_of_the_batch_that_were_not_begun(self) -> None:
        # The first job of the batch pauses its own type; a moment later the second would begin.
        first = make_job(job_type="sample_pauses_itself", payload={"key": "first"})
        second = make_job(job_type="sample_pauses_itself", payload={"key": "second"})
        assert runner.run_once() == 2
        first.refresh_from_db()
        second.refresh_from_db()
        assert (first.status, second.status, second.retry_count) == ("completed", "pending", 0)
        assert (second.lease_token, effects.keys()) == (None, ["first"])

    def test_by_the_setting_does_the_same(self) -> None:
        make_job(job_type="sample_switches_off", payload={"key": "first"})
        second = make_job(job_type="sample_switches_off", payload={"key": "second"})
        with override_settings(JOB_SCHEDULER_ENABLED=True):
            assert runner.run_once() == 2
        second.refresh_from_db()
        assert (second.status, effects.keys()) == ("pending", ["first"])


class TestPauseByMany:
    def test_is_one_pause(self) -> None:
        done = at_once(4, lambda number: pauses.pause("sample_one", by=f"person {number}", now=NOW))
        assert sorted(done) == [False, False, False, True]
        assert JobPause.objects.count() == 1

    def test_is_undone_with_its_callers_transaction(self) -> None:
        with transaction.atomic():
            pauses.pause("sample_one", by="ann", now=NOW)
            transaction.set_rollback(True)
        assert pauses.paused() == []


class TestLookout:
    def test_asks_again_after_a_moment_only(self, django_assert_num_queries: Any) -> None:
        lookout = pauses.Lookout()
        make_pause = partial(JobPause.objects.create, paused_at=NOW, paused_by="ann")
        make_pause(job_type="sample_one")
        with django_assert_num_queries(0):
            assert not lookout.is_paused("sample_one")
        wait_until(lambda: lookout.is_paused("sample_one"), "the next look", seconds=5)
        assert not lookout.is_paused("sample_many")
