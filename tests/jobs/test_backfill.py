from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django_q.models import Schedule

from jobs import backfill, enqueue, lifecycle, outcomes, pauses, recurring, runs
from jobs.backfill import InvalidBackfill, Waiting
from jobs.enqueue import InvalidJob
from jobs.errors import PermanentFailure, Snooze
from jobs.models import JobStatus, Origin, RecurringRun, ScheduledJob
from jobs.registry import Attempt
from jobs.runs import Overlap
from tests.concurrency import at_once
from tests.jobs.factories import NOW
from tests.jobs.sample.handlers import Planned

HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def _declared(request: pytest.FixtureRequest) -> Iterator[None]:
    kept = dict(recurring._declared)
    recurring.register("hourly", job_type="sample_planned", payload=Planned(), every=HOUR)
    if request.node.get_closest_marker("django_db"):
        request.getfixturevalue("db")
        recurring.align_schedules()
        Schedule.objects.filter(name="hourly").update(next_run=NOW + HOUR)
    yield
    recurring._declared.clear()
    recurring._declared.update(kept)


def fill(overlap: Overlap, *, hours: int = 4, now: datetime = NOW) -> list[RecurringRun]:
    """Make up for the hours before NOW, and NOW's."""
    return backfill.backfill("hourly", start=NOW - (hours - 1) * HOUR, end=NOW, overlap=overlap, now=now)


def statuses() -> list[str]:
    """What became of the runs, by planned time."""
    return [report.status for report in sorted(runs.latest("hourly", 100), key=lambda one: one.run.planned_at)]


def end_jobs() -> None:
    """Complete every job of the work itself."""
    ScheduledJob.objects.live().filter(job_type="sample_planned").update(
        status=JobStatus.COMPLETED, started_at=NOW, completed_at=NOW
    )


def turn(now: datetime = NOW) -> str:
    """One claim of the queue's job, and what it says."""
    token = uuid4()
    queue = ScheduledJob.objects.get(job_type=runs.BACKFILL, status=JobStatus.PENDING)
    ScheduledJob.objects.filter(pk=queue.pk).update(
        status=JobStatus.RUNNING, lease_token=token, lease_expires_at=now + HOUR, started_at=now, worker="w"
    )
    attempt = Attempt(queue.pk, runs.BACKFILL, Waiting("hourly"), now, 1, token)
    try:
        backfill.go_on(attempt, now=now)
    except Snooze as snooze:
        outcomes.snooze(attempt, until=snooze.until, reason=str(snooze), now=now)
        return str(snooze)
    return "done"


@pytest.mark.django_db
class TestPlan:
    def test_finds_what_has_no_run_and_changes_nothing(self) -> None:
        runs.take(recurring.find("hourly"), [NOW - HOUR], origin=Origin.SCHEDULE, overlap=Overlap.SKIP, now=NOW)
        runs.skip("hourly", NOW - 2 * HOUR, because="for the test", now=NOW)
        found = backfill.plan("hourly", start=NOW - 3 * HOUR, end=NOW, now=NOW)
        assert found == backfill.Plan([NOW - 3 * HOUR, NOW - 2 * HOUR, NOW], 1)
        assert RecurringRun.objects.count() == 2

    @pytest.mark.parametrize(
        ("span", "field", "told"),
        [
            ({"start": NOW.replace(tzinfo=None)}, "start", "needs a time zone"),
            ({"end": NOW.replace(tzinfo=None)}, "end", "needs a time zone"),
            ({"end": NOW + timedelta(seconds=1)}, "end", "lies in the future"),
            ({"start": NOW, "end": NOW - HOUR}, "start", "must not lie after the end"),
            ({"start": NOW - runs.KEEP - HOUR}, "start", "lies more than 365 days back: nobody knows"),
            ({"start": NOW.replace(year=1)}, "start", "lies more than 365 days back"),
            ({"start": NOW - 1000 * HOUR}, "start", "more than 1,000 planned times in that span; the latest 1,000 beg"),
        ],
    )
    def test_refuses_in_one_sentence(self, span: dict[str, Any], field: str, told: str) -> None:
        with pytest.raises(InvalidBackfill, match=told) as raised:
            backfill.plan("hourly", **{"start": NOW - HOUR, "end": NOW, "now": NOW, **span})
        assert raised.value.field == field

    def test_takes_a_thousand(self) -> None:
        assert len(backfill.plan("hourly", start=NOW - 999 * HOUR, end=NOW, now=NOW).times) == 1000

    def test_needs_work_that_is_declared_and_scheduled(self) -> None:
        for name in ("nothing", "hourly"):
            Schedule.objects.filter(name="hourly").delete()
            with pytest.raises(recurring.UnknownRecurring):
                backfill.plan(name, start=NOW, end=NOW, now=NOW)


class TestPayload:
    @pytest.mark.parametrize("name", [5, "", None])
    def test_without_a_name_is_refused_when_it_is_enqueued(self, name: object) -> None:
        with pytest.raises(InvalidJob, match="The name of recurring work is a text, not"):
            enqueue.schedule_job(runs.BACKFILL, NOW, {"name": name})


@pytest.mark.django_db
class TestBackfill:
    def test_allow_enqueues_all_at_once_each_with_its_time(self) -> None:
        assert len(fill(Overlap.ALLOW)) == 4
        assert statuses() == ["pending"] * 4
        times = sorted(job.payload["planned_at"] for job in ScheduledJob.objects.all())
        assert times == [f"2026-05-04T{hour:02}:00:00+00:00" for hour in (9, 10, 11, 12)]

    def test_skip_enqueues_what_meets_no_live_run(self) -> None:
        fill(Overlap.SKIP)
        assert statuses() == ["pending", "skipped", "skipped", "skipped"]
        end_jobs()
        fill(Overlap.SKIP)
        assert statuses() == ["completed", "pending", "skipped", "skipped"]

    def test_queue_enqueues_one_after_the_other(self) -> None:
        fill(Overlap.QUEUE)
        assert statuses() == ["waiting"] * 4
        for left in (3, 2, 1, 0):
            assert turn().startswith(str(left))
            assert ScheduledJob.objects.live().filter(job_type="sample_planned").count() == 1
            assert turn().startswith(str(left)) if left else turn() == "done"
            end_jobs()
        assert statuses() == ["completed"] * 4
        assert ScheduledJob.objects.get(job_type=runs.BACKFILL).status == JobStatus.COMPLETED

    def test_queue_joins_one_that_is_at_work(self) -> None:
        fill(Overlap.QUEUE, hours=2)
        turn()
        fill(Overlap.QUEUE, hours=4)
        assert ScheduledJob.objects.filter(job_type=runs.BACKFILL).count() == 1
        assert runs.progress("hourly") == runs.Progress(ScheduledJob.objects.get(job_type=runs.BACKFILL).pk, 1, 3)

    def test_queue_takes_longer_pauses_for_longer_runs(self) -> None:
        fill(Overlap.QUEUE)
        turn()
        ScheduledJob.objects.filter(job_type="sample_planned").update(
            status=JobStatus.RUNNING, started_at=NOW, lease_token=uuid4(), lease_expires_at=NOW + HOUR
        )
        for waited, pause in ((1, 1), (100, 10), (3600, 60)):
            now = NOW + timedelta(seconds=waited)
            turn(now)
            queue = ScheduledJob.objects.get(job_type=runs.BACKFILL)
            assert queue.next_attempt_at == now + timedelta(seconds=pause)

    def test_queue_takes_longer_pauses_for_a_run_that_does_not_start(self) -> None:
        fill(Overlap.QUEUE)
        turn()
        ScheduledJob.objects.filter(job_type="sample_planned").update(created_at=NOW)
        now = NOW + timedelta(seconds=100)
        turn(now)
        assert ScheduledJob.objects.get(job_type=runs.BACKFILL).next_attempt_at == now + timedelta(seconds=10)
        for paused in ("sample_planned", pauses.EVERYTHING):
            pauses.pause(paused, by="t", now=NOW)
            turn(now)
            queue = ScheduledJob.objects.get(job_type=runs.BACKFILL)
            assert queue.next_attempt_at == now + timedelta(minutes=5)
            pauses.resume(paused, by="t")

    @pytest.mark.parametrize("overlap", Overlap)
    def test_does_nothing_twice(self, overlap: Overlap) -> None:
        fill(overlap)
        before = sorted(ScheduledJob.objects.values_list("pk", flat=True)), statuses()
        fill(overlap)
        assert (sorted(ScheduledJob.objects.values_list("pk", flat=True)), statuses()) == before

    def test_leaves_its_waiting_runs_to_the_next_when_it_is_cancelled(self) -> None:
        fill(Overlap.QUEUE)
        turn()
        first = ScheduledJob.objects.get(job_type=runs.BACKFILL)
        assert lifecycle.cancel_job(first.pk, now=NOW)
        assert statuses() == ["pending", "left", "left", "left"]
        assert runs.progress("hourly") is None
        assert len(backfill.plan("hourly", start=NOW - 3 * HOUR, end=NOW, now=NOW).times) == 3
        fill(Overlap.QUEUE)
        assert statuses() == ["pending", "waiting", "waiting", "waiting"]

    def test_ends_for_good_when_no_app_declares_the_work_any_more(self) -> None:
        fill(Overlap.QUEUE)
        del recurring._declared["hourly"]
        with pytest.raises(PermanentFailure, match="No recurring work is called 'hourly'"):
            turn()

    def test_lets_the_schedule_find_its_time_taken(self) -> None:
        fill(Overlap.ALLOW)
        end_jobs()
        recurring.enqueue_recurring("hourly", NOW.isoformat())
        assert ScheduledJob.objects.filter(payload__planned_at=NOW.isoformat()).count() == 1


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
class TestBackfillAtOnce:
    @pytest.mark.parametrize("overlap", Overlap)
    def test_enqueues_each_time_once(self, overlap: Overlap) -> None:
        taken = at_once(4, lambda _: len(fill(overlap, hours=30)))
        # Skipped ones are asked about again by each; a job comes of each time once at most.
        assert overlap == Overlap.SKIP or sorted(taken) == [0, 0, 0, 30]
        assert RecurringRun.objects.count() == 30
        live = ScheduledJob.objects.live().filter(job_type="sample_planned").count()
        assert live == {Overlap.ALLOW: 30, Overlap.QUEUE: 0, Overlap.SKIP: 1}[overlap]
