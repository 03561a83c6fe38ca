from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.db import IntegrityError, connection, transaction
from django.utils import timezone
from django_q.brokers import get_broker
from django_q.models import OrmQ, Schedule
from django_q.scheduler import scheduler

from jobs import backfill, outcomes, recurring, runs
from jobs.backfill import Waiting
from jobs.errors import Snooze
from jobs.models import JobExecution, JobStatus, Origin, RecurringRun, ScheduledJob
from jobs.recurring import CatchUp, State
from jobs.registry import Attempt
from tests.concurrency import at_once
from tests.jobs.factories import NOW, make_job
from tests.jobs.sample.handlers import Planned, Sample
from tests.support import wait_until

HOUR = timedelta(hours=1)


def declare(name: str, **options: Any) -> None:
    options = {"job_type": "sample_planned", "payload": Planned(), "every": HOUR, **options}
    recurring._declared.pop(name, None)
    recurring.register(name, describe="Does what the tests want.", **options)


@pytest.fixture(autouse=True)
def _declared_again() -> Iterator[None]:
    kept = dict(recurring._declared)
    declare("hourly")
    yield
    recurring._declared.clear()
    recurring._declared.update(kept)


def schedule(name: str = "hourly", *, next_run: datetime | None = NOW, **fields: Any) -> Schedule:
    """The Django-Q schedule, as migrate makes it, with some next time."""
    recurring.align_schedules()
    Schedule.objects.filter(name=name).update(next_run=next_run, **fields)
    return Schedule.objects.get(name=name)


def fire(name: str = "hourly", *, planned: datetime = NOW, now: datetime | None = None) -> str:
    """What Django-Q's worker calls, at some time."""
    with time_machine.travel(now or planned + timedelta(seconds=20), tick=False):
        return recurring.enqueue_recurring(name, planned.isoformat())


def finish(*jobs: str) -> None:
    ScheduledJob.objects.filter(pk__in=jobs).update(status=JobStatus.COMPLETED, started_at=NOW, completed_at=NOW)


def planned_times() -> list[str]:
    """The planned time in each job's payload, in order."""
    payloads = ScheduledJob.objects.order_by("scheduled_time", "payload").values_list("payload", flat=True)
    return sorted(payload["planned_at"] for payload in payloads if "planned_at" in payload)


class TestRegister:
    @pytest.mark.parametrize(
        ("name", "options", "told"),
        [
            ("", {}, "a name has 1 to 100"),
            ("x" * 101, {}, "a name has 1 to 100"),
            ("a\x00b", {}, "a name has 1 to 100"),
            ("x", {"every": None}, "either `every` or `cron`"),
            ("x", {"cron": "* * * * *"}, "either `every` or `cron`"),
            ("x", {"every": timedelta(seconds=30)}, "whole number of minutes"),
            ("x", {"every": None, "cron": "whenever"}, "is no cron text"),
            ("x", {"every": None, "cron": "0 0 31 4 *"}, "never comes"),
            ("x", {"catch_up": "sometimes"}, "is not a valid CatchUp"),
        ],
    )
    def test_refuses_what_cannot_be(self, name: str, options: dict[str, Any], told: str) -> None:
        with pytest.raises(ValueError, match=told):
            declare(name, **options)

    def test_refuses_a_name_that_is_taken_unless_it_is_the_same(self) -> None:
        same: dict[str, Any] = {"job_type": "sample_planned", "every": HOUR, "describe": "Does what the tests want."}
        recurring.register("hourly", payload=Planned(), **same)
        with pytest.raises(ValueError, match="hourly: recurring work of that name is declared already, and otherwise"):
            recurring.register("hourly", payload=Planned(key="other"), **same)
        assert recurring.find("hourly").payload == Planned()


@pytest.mark.django_db
class TestAlignSchedules:
    def test_makes_what_is_declared_and_leaves_what_an_operator_changed(self) -> None:
        declare("seven", every=timedelta(minutes=7))
        assert recurring.align_schedules() >= 1
        made = Schedule.objects.get(name="seven")
        assert (made.schedule_type, made.minutes, made.repeats) == (Schedule.MINUTES, 7, -1)
        recurring.retime("seven", cron="5 4 * * *", now=NOW)
        recurring.disable("seven")
        assert recurring.align_schedules() == 0
        made.refresh_from_db()
        assert (made.schedule_type, made.cron, made.repeats) == (Schedule.CRON, "5 4 * * *", 0)

    def test_lets_cron_come_at_its_time_and_not_at_once(self) -> None:
        declare("daily", every=None, cron="17 3 * * *")
        with time_machine.travel(NOW, tick=False):
            recurring.align_schedules()
        assert Schedule.objects.get(name="daily").next_run == datetime(2026, 5, 5, 3, 17, tzinfo=UTC)

    def test_asks_for_the_planned_time_also_of_older_schedules(self) -> None:
        row = schedule(intended_date_kwarg=None)
        recurring.align_schedules()
        row.refresh_from_db()
        assert row.intended_date_kwarg == "planned"

    def test_retires_what_no_app_declares_any_more_and_takes_it_back(self) -> None:
        row = schedule()
        work = recurring._declared.pop("hourly")
        recurring.align_schedules()
        row.refresh_from_db()
        assert row.next_run is None  # Django-Q passes it over
        assert recurring.find_entry("hourly").state == State.UNDECLARED
        recurring._declared["hourly"] = work
        recurring.align_schedules()
        row.refresh_from_db()
        assert row.next_run is not None
        assert row.next_run > timezone.now()

    def test_leaves_the_schedules_of_others_alone(self) -> None:
        other = Schedule.objects.create(name="theirs", func="math.sqrt", args="4,", next_run=NOW)
        recurring.align_schedules()
        other.refresh_from_db()
        assert (other.next_run, other.intended_date_kwarg) == (NOW, None)


@pytest.mark.django_db
class TestEnqueueRecurring:
    def test_enqueues_one_job_with_its_planned_time(self) -> None:
        schedule(next_run=NOW + HOUR)
        assert "Enqueued job" in fire()
        run = RecurringRun.objects.get()
        job = ScheduledJob.objects.get(pk=run.job_id)
        assert job.payload == {"key": "", "planned_at": "2026-05-04T12:00:00+00:00"}
        assert (run.planned_at, run.origin, job.unique_key) == (NOW, Origin.SCHEDULE, "recurring:hourly")

    def test_gives_the_time_only_to_a_payload_that_wants_it(self) -> None:
        declare("plain", job_type="sample_one", payload=Sample(key="r"))
        schedule("plain")
        fire("plain")
        assert "planned_at" not in ScheduledJob.objects.get().payload

    def test_enqueues_a_time_once_however_often_it_is_given_out(self) -> None:
        schedule(next_run=NOW + HOUR)
        fire()
        finish(*ScheduledJob.objects.values_list("pk", flat=True))
        assert "that time was given out before" in fire(now=NOW + timedelta(minutes=4))
        assert ScheduledJob.objects.count() == 1

    def test_skips_a_run_that_meets_a_live_one_and_says_so(self) -> None:
        schedule(next_run=NOW + 2 * HOUR)
        fire()
        first = ScheduledJob.objects.get()
        assert f"still pending: job {first.pk}" in fire(planned=NOW + HOUR)
        newest, _ = runs.latest("hourly", 10)
        assert (newest.status, newest.run.job_id) == ("skipped", None)
        assert ScheduledJob.objects.count() == 1

    def test_meets_also_a_job_from_before_the_table_of_runs(self) -> None:
        schedule()
        make_job(unique_key="recurring:hourly")
        assert "still pending" in fire()

    def test_works_without_a_planned_time_and_without_a_schedule(self) -> None:
        Schedule.objects.all().delete()
        assert "Enqueued" in recurring.enqueue_recurring("hourly")

    def test_says_which_name_nobody_declares(self) -> None:
        with pytest.raises(recurring.UnknownRecurring, match="no-such-work"):
            recurring.enqueue_recurring("no-such-work")


@pytest.mark.django_db
class TestThreeDaysWithoutACluster:
    """The first missed time is planned for NOW, hourly: 72 times and the one of the end."""

    end = NOW + timedelta(days=3, minutes=10)

    def lived_through(self, catch_up: CatchUp, *, end: datetime | None = None) -> str:
        declare("hourly", catch_up=catch_up)
        schedule(next_run=NOW + timedelta(days=3, hours=1))
        return fire(now=end or self.end)

    def test_once_makes_up_by_the_latest(self) -> None:
        self.lived_through(CatchUp.ONCE)
        assert planned_times() == ["2026-05-07T12:00:00+00:00"]
        (missed,) = RecurringRun.objects.filter(job_id=None)
        assert "72 planned times, 2026-05-04 12:00 to 2026-05-07 11:00 UTC" in str(missed.skipped_because)

    def test_skip_lets_all_pass(self) -> None:
        assert "Nothing was enqueued" in self.lived_through(CatchUp.SKIP)
        assert not ScheduledJob.objects.exists()
        last, first = RecurringRun.objects.all()  # a second delivery is known by one, the next goes on from the other
        assert "73 planned times" in str(first.skipped_because)
        assert (last.skipped_because, last.planned_at - first.planned_at) == (first.skipped_because, timedelta(days=3))

    def test_skip_still_runs_what_is_on_time(self) -> None:
        self.lived_through(CatchUp.SKIP, end=NOW + timedelta(days=3, minutes=4))
        assert planned_times() == ["2026-05-07T12:00:00+00:00"]

    def test_all_makes_up_for_each_one_after_the_other(self) -> None:
        self.lived_through(CatchUp.ALL)
        assert RecurringRun.objects.count() == 73
        assert planned_times() == []
        queue = ScheduledJob.objects.get(job_type=runs.BACKFILL)
        assert runs.progress("hourly") == runs.Progress(queue.pk, 0, 73)

    def test_all_is_bounded_and_says_what_it_left_out(self) -> None:
        declare("hourly", catch_up=CatchUp.ALL)
        schedule(next_run=NOW)
        fire(planned=NOW - 2000 * HOUR, now=NOW)
        assert RecurringRun.objects.filter(job_id=None, skipped_because=None).count() == 1000
        (missed,) = RecurringRun.objects.exclude(skipped_because=None)
        assert missed.planned_at == NOW - 2000 * HOUR
        # Nobody has counted them, so no number is told.
        assert "time: planned times, 2026-02-10 04:00 to 2026-03-23 20:00 UTC (catch-up: all)." in str(
            missed.skipped_because
        )

    def test_comes_again_only_once_when_the_package_is_given_out_again(self) -> None:
        for catch_up in CatchUp:
            self.lived_through(catch_up)
            before = (ScheduledJob.objects.count(), RecurringRun.objects.count())
            fire(now=self.end + timedelta(minutes=3))
            assert (ScheduledJob.objects.count(), RecurringRun.objects.count()) == before


@pytest.mark.django_db
class TestALostPackage:
    """NOW ran; those of the two hours after it failed three times, and Django-Q dropped them."""

    def lived_through(self, catch_up: CatchUp, *, hours: int = 3, minutes: int = 1) -> None:
        declare("hourly", catch_up=catch_up)
        schedule(next_run=NOW + (hours + 1) * HOUR)
        fire()
        finish(*ScheduledJob.objects.values_list("pk", flat=True))
        fire(planned=NOW + hours * HOUR, now=NOW + hours * HOUR + timedelta(minutes=minutes))

    def missed(self) -> list[str]:
        return [str(run.skipped_because) for run in RecurringRun.objects.filter(skipped_because__isnull=False)]

    def test_once_runs_the_latest_and_says_what_was_left_out(self) -> None:
        self.lived_through(CatchUp.ONCE)
        assert planned_times() == ["2026-05-04T12:00:00+00:00", "2026-05-04T15:00:00+00:00"]
        (told,) = self.missed()
        assert "2 planned times, 2026-05-04 13:00 to 2026-05-04 14:00 UTC" in told

    def test_all_runs_each(self) -> None:
        self.lived_through(CatchUp.ALL)
        assert [run.planned_at for run in RecurringRun.objects.order_by("planned_at")] == [
            NOW + hour * HOUR for hour in range(4)
        ]
        assert self.missed() == []

    def test_is_told_once(self) -> None:
        for minutes in (1, 30):
            RecurringRun.objects.all().delete()
            self.lived_through(CatchUp.SKIP, minutes=minutes)
            told = self.missed()
            assert len(told) == 1
            finish(*ScheduledJob.objects.values_list("pk", flat=True))
            fire(planned=NOW + 3 * HOUR, now=NOW + 3 * HOUR + timedelta(minutes=40))
            fire(planned=NOW + 4 * HOUR)
            assert self.missed() == told
            finish(*ScheduledJob.objects.values_list("pk", flat=True))

    def test_of_very_many_the_earliest_and_the_latest_are_told(self) -> None:
        self.lived_through(CatchUp.ALL, hours=3000)
        assert RecurringRun.objects.filter(job_id=None, skipped_because=None).count() == 1000
        (told,) = self.missed()
        assert "time: planned times, 2026-05-04 13:00 to 2026-07-26 20:00 UTC (catch-up: all)." in told

    def test_is_not_what_a_pause_passed_over(self) -> None:
        schedule(next_run=NOW + HOUR)
        fire()
        finish(*ScheduledJob.objects.values_list("pk", flat=True))
        recurring.disable("hourly")
        recurring.enable("hourly", now=NOW + 5.5 * HOUR)
        fire(planned=NOW + 6 * HOUR)
        assert self.missed() == ["Enabled: the times of the pause do not count as missed."]

    def test_is_not_what_other_times_would_have_planned(self) -> None:
        schedule(next_run=NOW + HOUR)
        fire()
        finish(*ScheduledJob.objects.values_list("pk", flat=True))
        recurring.retime("hourly", every=timedelta(minutes=10), now=NOW + HOUR / 2)
        fire(planned=NOW + HOUR / 2 + timedelta(minutes=10))
        (told,) = self.missed()
        assert told.startswith("It runs at other times from now on")

    def test_is_not_what_was_planned_while_no_app_declared_it(self) -> None:
        schedule(next_run=NOW + HOUR)
        fire()
        work = recurring._declared.pop("hourly")
        recurring.align_schedules()
        recurring._declared["hourly"] = work
        with time_machine.travel(NOW + 3.5 * HOUR, tick=False):
            recurring.align_schedules()
        fire(planned=NOW + 4.5 * HOUR)
        assert "No app declared it: those times do not count as missed." in self.missed()
        assert not any(told.startswith("Missed") for told in self.missed())


@pytest.mark.django_db
class TestDisable:
    def test_outlives_migrate(self) -> None:
        schedule()
        assert recurring.disable("hourly")
        assert not recurring.disable("hourly")
        recurring.align_schedules()
        assert recurring.find_entry("hourly").state == State.DISABLED
        assert recurring.find_entry("hourly").next_run is None

    def test_is_over_with_the_next_planned_time_and_nothing_missed(self) -> None:
        row = schedule()
        recurring.disable("hourly")
        back = NOW + timedelta(days=3, minutes=10)
        assert recurring.enable("hourly", now=back)
        assert not recurring.enable("hourly", now=back)
        row.refresh_from_db()
        assert (row.repeats, row.next_run) == (-1, NOW + timedelta(days=3, hours=1))

    def test_needs_work_that_there_is(self) -> None:
        for change in (recurring.disable, lambda name: recurring.enable(name, now=NOW)):
            with pytest.raises(recurring.UnknownRecurring, match=r"'nothing' \(known: .*hourly"):
                change("nothing")


@pytest.mark.django_db
class TestRunNow:
    def test_enqueues_beside_the_plan_also_when_disabled(self) -> None:
        row = schedule()
        recurring.disable("hourly")
        run = recurring.run_now("hourly", now=NOW + timedelta(minutes=1))
        row.refresh_from_db()
        assert (run.origin, row.next_run) == (Origin.MANUAL, NOW)
        assert ScheduledJob.objects.get().pk == run.job_id

    def test_refuses_while_a_run_is_live_and_records_nothing(self) -> None:
        run = recurring.run_now("hourly", now=NOW)
        with pytest.raises(recurring.StillLive, match=f"still pending, job {run.job_id}"):
            recurring.run_now("hourly", now=NOW + HOUR)
        assert RecurringRun.objects.count() == 1


@pytest.mark.django_db
class TestRetime:
    def test_counts_the_new_rhythm_from_now(self) -> None:
        row = schedule()
        recurring.retime("hourly", every=timedelta(minutes=90), now=NOW + timedelta(minutes=5))
        row.refresh_from_db()
        assert (row.schedule_type, row.minutes, row.cron) == (Schedule.MINUTES, 90, None)
        assert row.next_run == NOW + timedelta(minutes=95)

    @pytest.mark.parametrize(
        "times", [{}, {"cron": "never"}, {"cron": "0 0 30 2 *"}, {"every": timedelta(0)}, {"every": HOUR, "cron": "*"}]
    )
    def test_refuses_what_cannot_be_and_changes_nothing(self, times: dict[str, Any]) -> None:
        row = schedule()
        with pytest.raises(recurring.timing.BadTiming):
            recurring.retime("hourly", now=NOW, **times)
        row.refresh_from_db()
        assert (row.minutes, row.next_run) == (60, NOW)


@pytest.mark.django_db
class TestEntry:
    def test_lists_the_next_ten_with_an_overdue_one_first(self) -> None:
        schedule()
        times = recurring.find_entry("hourly").following(now=NOW + timedelta(minutes=10))
        assert times == [NOW + count * HOUR for count in range(10)]

    def test_of_a_deleted_schedule_says_what_mends_it(self) -> None:
        schedule().delete()
        found = recurring.find_entry("hourly")
        assert (found.state, found.following(now=NOW)) == (State.MISSING, [])
        assert "migrate" in found.words

    def test_survives_a_cron_text_that_somebody_wrote_into_the_table(self) -> None:
        schedule(schedule_type=Schedule.CRON, cron="what")
        found = recurring.find_entry("hourly")
        assert found.following(now=NOW) == [NOW]
        assert found.words == "by cron what (UTC)"


@pytest.mark.django_db
class TestLastResult:
    def test_joins_the_job(self) -> None:
        recurring.run_now("hourly", now=NOW)
        assert [report.status for report in runs.latest("hourly", 10)] == ["pending"]
        ScheduledJob.objects.update(
            status="failed", started_at=NOW, completed_at=NOW + timedelta(seconds=3), error_message="it broke"
        )
        found = runs.last_result("hourly")
        assert found
        assert (found.status, found.duration, found.error) == ("failed", timedelta(seconds=3), "it broke")

    def test_asks_the_history_once_the_job_is_pruned(self) -> None:
        run = recurring.run_now("hourly", now=NOW)
        ScheduledJob.objects.all().delete()
        assert runs.latest("hourly", 1)[0].status == "deleted"
        JobExecution.objects.create(
            job_id=run.job_id, job_type="x", execution_time=NOW, duration_ms=1500, status="completed"
        )
        found = runs.latest("hourly", 1)[0]
        assert (found.status, found.ended_at) == ("completed", NOW + timedelta(seconds=1.5))


@pytest.mark.django_db
class TestPruneRuns:
    def test_keeps_last_results_and_what_waits(self) -> None:
        declare("hourly", catch_up=CatchUp.ALL)
        schedule(next_run=NOW + 4 * HOUR)
        for hour in range(2):
            recurring.run_now("hourly", now=NOW - timedelta(days=1) + hour * HOUR)
            finish(*ScheduledJob.objects.values_list("pk", flat=True))
        runs.skip("hourly", NOW - HOUR, because="for the test", now=NOW)
        RecurringRun.objects.create(
            name="hourly", planned_at=NOW - 5 * HOUR, origin="backfill", decided_at=NOW, backfill_id="ended"
        )
        fire(now=NOW + 3 * HOUR)  # a queue
        assert runs.decided_before(NOW + timedelta(days=1)).delete()[0] == 3  # what an ended backfill left, too
        assert RecurringRun.objects.filter(job_id=None, skipped_because=None).count() == 4
        assert runs.last_result("hourly") is not None


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
class TestClustersAtOnce:
    def test_give_out_a_planned_time_once(self) -> None:
        schedule(next_run=timezone.now() - timedelta(seconds=5))
        Schedule.objects.exclude(name="hourly").delete()
        OrmQ.objects.all().delete()
        at_once(4, lambda _: scheduler(get_broker()))
        (package,) = [row.task for row in OrmQ.objects.all()]
        assert package["kwargs"].keys() >= {"planned"}
        at_once(4, lambda _: recurring.enqueue_recurring(*package["args"], planned=package["kwargs"]["planned"]))
        assert ScheduledJob.objects.count() == RecurringRun.objects.count() == 1

    def test_are_told_nothing_of_disabled_and_retired_work(self) -> None:
        declare("renamed")
        schedule("renamed")
        del recurring._declared["renamed"]
        schedule()
        recurring.disable("hourly")
        Schedule.objects.exclude(name__in=["hourly", "renamed"]).delete()
        OrmQ.objects.all().delete()
        at_once(1, lambda _: scheduler(get_broker()))
        assert not OrmQ.objects.exists()

    def test_and_a_migrate_beside_them_do_not_wait_for_each_other(self) -> None:
        schedule(intended_date_kwarg=None)
        has_rows = Event()

        def is_waiting() -> bool:
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
                )
                return cursor.fetchone() is not None

        def act(number: int) -> None:
            if number:
                has_rows.wait(20)
                recurring.align_schedules()
                return
            with transaction.atomic():  # as Django-Q's scheduler does
                rows = list(Schedule.objects.select_for_update())
                has_rows.set()
                wait_until(is_waiting, "migrate for the cluster")
                for row in rows:
                    row.save()

        at_once(2, act)
        assert Schedule.objects.get(name="hourly").intended_date_kwarg is not None

    def test_the_table_refuses_a_second_run_of_a_time_even_without_the_lock(self) -> None:
        run = recurring.run_now("hourly", now=NOW)
        with pytest.raises(IntegrityError, match="recurring_runs_once_per_time"), transaction.atomic():
            RecurringRun.objects.create(
                name="hourly", planned_at=run.planned_at, origin="manual", decided_at=NOW, job_id="another"
            )

    def test_hands_the_queue_over_without_losing_a_run(self) -> None:
        """One transaction adds a run to the queue while the queue's own job finds that nothing waits."""
        declare("hourly", catch_up=CatchUp.ALL)
        for round_ in range(5):
            RecurringRun.objects.all().delete()
            ScheduledJob.objects.all().delete()
            live = make_job(unique_key="recurring:hourly")
            token = uuid4()
            queue = make_job(
                job_type=runs.BACKFILL,
                unique_key="recurring-backfill:hourly",
                status="running",
                lease_token=token,
                lease_expires_at=timezone.now() + HOUR,
                worker="w",
            )
            attempt = Attempt(queue.pk, runs.BACKFILL, Waiting("hourly"), NOW, 1, token)

            def act(number: int, attempt: Attempt[Waiting] = attempt, planned: datetime = NOW + round_ * HOUR) -> None:
                if number:
                    recurring.enqueue_recurring("hourly", planned.isoformat())
                    return
                try:
                    backfill.go_on(attempt, now=timezone.now())
                except Snooze as snooze:
                    outcomes.snooze(attempt, until=snooze.until, reason=str(snooze), now=timezone.now())

            at_once(2, act)
            (newest,) = [report for report in runs.latest("hourly", 1) if report.run.skipped_because is None]
            assert newest.status == "waiting"
            live.delete()
