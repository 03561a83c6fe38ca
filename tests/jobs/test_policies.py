from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from jobs import enqueue
from jobs.models import ScheduledJob
from jobs.policies import Policy, Rate


class TestPolicy:
    @pytest.mark.parametrize(
        ("make", "words"),
        [
            (lambda: Policy(timeout=timedelta(0)), "time-out is longer than nothing"),
            (lambda: Policy(max_retries=-1), "from 0 to 100, not -1"),
            (lambda: Policy(max_lateness=timedelta(days=-1)), "longer than nothing"),
            (lambda: Policy(priority=10), "0 to 9, not 10"),
            (lambda: Policy(concurrency=0), "one worker or more, not 0"),
            (lambda: Policy(rate=Rate(0, timedelta(minutes=1))), "1 to 1,000 jobs"),
            (lambda: Policy(rate=Rate(5, timedelta(0))), "in a span of time"),
        ],
    )
    def test_refuses_rules_that_nobody_can_mean(self, make: Callable[[], Policy], words: str) -> None:
        with pytest.raises(ValueError, match=words):
            make()


@pytest.mark.django_db
class TestDefaults:
    def test_fill_in_what_the_caller_did_not_say(self) -> None:
        due = datetime.now(UTC)
        job = enqueue.schedule_job("sample_with_defaults", due, {"key": "k"})
        assert (job.max_retries, job.priority, job.unique_key) == (1, 4, "k")
        assert job.expires_at == due + timedelta(hours=2)

    def test_give_way_to_what_the_caller_says(self) -> None:
        due = datetime.now(UTC)
        job = enqueue.schedule_job(
            "sample_with_defaults",
            due,
            {"key": "k"},
            max_retries=0,
            priority=0,
            max_lateness=timedelta(minutes=1),
            unique_key="mine",
        )
        assert (job.max_retries, job.priority, job.unique_key) == (0, 0, "mine")
        assert job.expires_at == due + timedelta(minutes=1)

    def test_refuse_a_second_live_job_with_the_same_key(self) -> None:
        enqueue.schedule_job("sample_with_defaults", datetime.now(UTC), {"key": "k"})
        with pytest.raises(enqueue.UniqueKeyTaken):
            enqueue.schedule_job("sample_with_defaults", datetime.now(UTC), {"key": "k"})

    def test_leave_jobs_without_a_key_alone(self) -> None:
        for _ in range(2):
            enqueue.schedule_job("sample_with_defaults", datetime.now(UTC), {})
        assert ScheduledJob.objects.filter(unique_key=None).count() == 2

    def test_keep_types_with_keys_out_of_bulk(self) -> None:
        with pytest.raises(enqueue.InvalidJob, match="one by one"):
            enqueue.schedule_jobs("sample_with_defaults", [(datetime.now(UTC), {})])
