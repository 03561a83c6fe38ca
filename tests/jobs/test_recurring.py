from datetime import timedelta

import pytest
from django_q.models import Schedule

from jobs import recurring
from jobs.models import ScheduledJob
from tests.jobs.sample.handlers import Sample

recurring.register("sample-recurring", job_type="sample_one", payload=Sample(key="r"), every=timedelta(minutes=7))


@pytest.mark.django_db
class TestCreateMissingSchedules:
    def test_creates_what_is_declared_and_leaves_what_an_operator_changed(self) -> None:
        Schedule.objects.filter(name="sample-recurring").delete()
        recurring.create_missing_schedules()
        schedule = Schedule.objects.get(name="sample-recurring")
        assert (schedule.schedule_type, schedule.minutes) == (Schedule.MINUTES, 7)
        Schedule.objects.filter(pk=schedule.pk).update(minutes=90, repeats=0)
        assert recurring.create_missing_schedules() == 0
        schedule.refresh_from_db()
        assert (schedule.minutes, schedule.repeats) == (90, 0)


@pytest.mark.django_db
class TestEnqueueRecurring:
    def test_never_lets_runs_pile_up(self) -> None:
        assert "Enqueued" in recurring.enqueue_recurring("sample-recurring")
        assert "still pending" in recurring.enqueue_recurring("sample-recurring")
        assert ScheduledJob.objects.count() == 1

    def test_says_which_name_nobody_declares(self) -> None:
        with pytest.raises(recurring.UnknownRecurring, match="no-such-work"):
            recurring.enqueue_recurring("no-such-work")
