from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from jobs import enqueue, registry
from jobs.enqueue import InvalidJob, UniqueKeyTaken, schedule_job, schedule_jobs
from jobs.models import ScheduledJob
from jobs.policies import Policy
from tests.concurrency import at_once
from tests.jobs.factories import NOW
from tests.jobs.sample.handlers import Sample


def deep(levels: int) -> object:
    """Lists in lists."""
    value: object = ""
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.django_db
class TestScheduleJob:
    def test_stores_a_pending_job_with_its_due_time(self) -> None:
        job = schedule_job("sample_one", NOW, Sample(key="a"), priority=3, max_lateness=timedelta(hours=2))
        stored = ScheduledJob.objects.get(pk=job.pk)
        assert (stored.status, stored.scheduled_time, stored.next_attempt_at) == ("pending", NOW, NOW)
        assert (stored.payload["key"], stored.priority) == ("a", 3)
        assert stored.expires_at == NOW + timedelta(hours=2)
        assert stored.created_at == job.created_at

    def test_leaves_nothing_when_the_callers_transaction_rolls_back(self) -> None:
        def plan_and_fail() -> None:
            with transaction.atomic():
                schedule_job("sample_one", NOW, Sample())
                raise RuntimeError("the caller changed its mind")

        with pytest.raises(RuntimeError, match="changed its mind"):
            plan_and_fail()
        assert not ScheduledJob.objects.exists()

    def test_refuses_a_second_live_job_with_the_same_key(self) -> None:
        first = schedule_job("sample_one", NOW, Sample(), unique_key="k")
        with pytest.raises(UniqueKeyTaken) as caught:
            schedule_job("sample_one", NOW, Sample(), unique_key="k")
        assert caught.value.existing.pk == first.pk
        assert ScheduledJob.objects.count() == 1  # and the transaction is still usable

    def test_takes_the_key_again_once_its_job_has_ended(self) -> None:
        schedule_job("sample_one", NOW, Sample(), unique_key="k")
        ScheduledJob.objects.update(status="completed", completed_at=NOW)
        schedule_job("sample_one", NOW, Sample(), unique_key="k")
        assert ScheduledJob.objects.count() == 2

    @pytest.mark.parametrize(
        ("field", "arguments"),
        [
            ("scheduled_time", {"scheduled_time": datetime(2026, 1, 1)}),
            ("job_type", {"job_type": "nobody_handles_this"}),
            ("payload", {"payload": {"key": object()}}),
            ("payload", {"payload": {"key": "nul \x00"}}),
            ("payload", {"payload": {"key": float("nan")}}),
            ("payload", {"payload": ["not", "an", "object"]}),
            ("priority", {"priority": 10}),
            ("priority", {"priority": -1}),
            ("max_retries", {"max_retries": -1}),
            ("max_lateness", {"max_lateness": timedelta(0)}),
            ("max_lateness", {"max_lateness": timedelta.max}),
            ("scheduled_time", {"scheduled_time": datetime.max.replace(tzinfo=UTC)}),
            ("scheduled_time", {"scheduled_time": datetime(1, 1, 1, tzinfo=timezone.get_fixed_timezone(120))}),
            ("payload", {"payload": {"key": "half \ud800"}}),
            ("payload", {"payload": Sample(key="half \ud800")}),
            ("payload", {"payload": {"key": deep(3000)}}),
            ("unique_key", {"unique_key": "half \ud800"}),
            ("unique_key", {"unique_key": ""}),
            ("unique_key", {"unique_key": "x" * 256}),
            ("job_id", {"job_id": "nul \x00"}),
        ],
    )
    def test_names_the_field_that_is_wrong_and_stores_nothing(self, field: str, arguments: dict[str, Any]) -> None:
        good: dict[str, Any] = {"job_type": "sample_one", "scheduled_time": NOW, "payload": {}}
        with pytest.raises(InvalidJob) as caught:
            schedule_job(**{**good, **arguments})
        assert caught.value.field == field
        assert not ScheduledJob.objects.exists()

    def test_takes_text_that_only_looks_like_a_nul(self) -> None:
        job = schedule_job("sample_one", NOW, Sample(key="back\\u0000slash, ä, 😀"))
        assert ScheduledJob.objects.get(pk=job.pk).payload["key"] == "back\\u0000slash, ä, 😀"

    def test_refuses_an_id_that_is_taken(self) -> None:
        schedule_job("sample_one", NOW, Sample(), job_id="mine")
        with pytest.raises(InvalidJob, match="taken"):
            schedule_job("sample_one", NOW, Sample(), job_id="mine")


@pytest.mark.django_db(transaction=True)
class TestUniqueKeyUnderConcurrency:
    def test_lets_exactly_one_of_eight_callers_win(self) -> None:
        def call(_: int) -> bool:
            try:
                schedule_job("sample_one", NOW, Sample(), unique_key="k")
            except UniqueKeyTaken:
                return False
            return True

        won = at_once(8, call)
        assert sorted(won) == [False] * 7 + [True]
        assert ScheduledJob.objects.count() == 1


@pytest.mark.django_db
class TestScheduleJobs:
    def test_enqueues_many_at_once(self) -> None:
        due = timezone.now()
        count = schedule_jobs("sample_many", ((due, Sample(key=str(n))) for n in range(1000)), priority=1)
        assert count == ScheduledJob.objects.filter(status="pending", next_attempt_at=due, priority=1).count() == 1000

    def test_enqueues_none_when_one_is_invalid(self) -> None:
        def jobs() -> Any:
            yield NOW, Sample(key="fine")
            yield datetime(2026, 1, 1), Sample(key="naive")

        with pytest.raises(InvalidJob), transaction.atomic():
            enqueue.schedule_jobs("sample_many", jobs())
        assert not ScheduledJob.objects.exists()


@pytest.mark.django_db
class TestPayloads:
    def test_of_another_type_are_refused(self) -> None:
        with pytest.raises(enqueue.InvalidJob, match="take a Sample, not a Unfit"):
            enqueue.schedule_job("sample_one", timezone.now(), Unfit())

    def test_end_at_a_megabyte(self) -> None:
        room = enqueue.LARGEST_PAYLOAD - len('{"key": ""}')
        assert enqueue.schedule_job("sample_one", timezone.now(), {"key": "x" * room}).payload["key"] == "x" * room
        for much in ("x" * (room + 1), "é" * (room // 2 + 1), "x" * 10_000_000):
            with pytest.raises(enqueue.InvalidJob, match=r"bytes as JSON; at most 1,048,576 are allowed") as raised:
                enqueue.schedule_job("sample_one", timezone.now(), {"key": much})
            assert raised.value.field == "payload"
        assert ScheduledJob.objects.count() == 1

    @pytest.mark.parametrize("years", [-100, 100])
    def test_a_century_away_are_refused(self, years: int) -> None:
        with pytest.raises(enqueue.InvalidJob, match="more than ten years away"):
            enqueue.schedule_job("sample_one", timezone.now() + timedelta(days=365 * years), {})
        with pytest.raises(enqueue.InvalidJob, match="more than ten years away"):
            enqueue.schedule_jobs("sample_one", [(timezone.now() + timedelta(days=365 * years), {})])
        assert not ScheduledJob.objects.exists()

    def test_may_come_from_a_query_that_is_read_meanwhile(self) -> None:
        for _ in range(3):
            enqueue.schedule_job("sample_one", timezone.now(), {})
        ids = ScheduledJob.objects.values_list("job_id", flat=True)
        assert enqueue.schedule_jobs("sample_one", ((timezone.now(), {"key": key}) for key in ids.iterator())) == 3
        first = (ScheduledJob.objects.order_by("job_id")[number] for number in range(2))
        assert enqueue.schedule_jobs("sample_one", ((timezone.now(), {"key": job.pk}) for job in first)) == 2

    @pytest.mark.parametrize("make", [lambda payload: {}[payload.key], lambda payload: 7, lambda payload: "x" * 300])
    def test_of_which_no_unique_key_can_be_made_are_refused(self, make: Any) -> None:
        known = registry.find("sample_one")
        registry._handlers["sample_one"] = replace(known, policy=Policy(unique_key=make))
        try:
            with pytest.raises(enqueue.InvalidJob) as raised:
                enqueue.schedule_job("sample_one", timezone.now(), {"key": "a"})
        finally:
            registry._handlers["sample_one"] = known
        assert raised.value.field == "unique_key"


@dataclass(frozen=True)
class Unfit:
    other: str = "x"
