"""The console's pages of recurring work."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse
from django_q.models import Schedule

from jobs import recurring, runs
from jobs.models import RecurringRun, RecurringSchedule, ScheduledJob
from tests.config.factories import make_staff
from tests.jobs.factories import NOW
from tests.jobs.sample.handlers import Planned

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)
LIST = reverse("admin:jobs_recurringschedule_changelist")


@pytest.fixture(autouse=True)
def _one_declared(db: None) -> Iterator[None]:
    kept = dict(recurring._declared)
    recurring._declared.clear()
    recurring.register(
        "hourly", job_type="sample_planned", payload=Planned(), every=HOUR, describe="Notes the <planned> time."
    )
    Schedule.objects.all().delete()
    with time_machine.travel(NOW):
        recurring.align_schedules()
        Schedule.objects.filter(name="hourly").update(next_run=NOW + HOUR)
        yield
    recurring._declared.clear()
    recurring._declared.update(kept)


def address(action: str = "change") -> str:
    """The work's page, or one of its actions."""
    return f"{LIST}{Schedule.objects.get(func=recurring.FUNCTION).pk}/{action}/"


def post(client: Client, action: str, **answers: str) -> str:
    """Answer an action's question; what the page after it says."""
    return str(client.post(address(action), answers, follow=True).content.decode())


def noted() -> list[str]:
    return [entry.change_message for entry in LogEntry.objects.order_by("pk")]


class TestRecurringPages:
    def test_list_it_in_words_with_its_last_result(self, boss: Client) -> None:
        recurring.run_now("hourly", now=NOW)
        Schedule.objects.create(name="of another", func="math.sqrt")
        page = boss.get(LIST).content.decode()
        for part in ("hourly", "Every hour", "On", "Pending"):
            assert part in page
        assert "of another" not in page

    def test_show_the_next_ten_in_the_chosen_zone(self, boss: Client) -> None:
        Schedule.objects.update(next_run=NOW.replace(month=10, day=25, hour=0))
        page = boss.get(address(), {"zone": "Europe/Berlin"}).content.decode()
        assert "Next ten times in Europe/Berlin" in page
        assert page.index("Sun 2026-10-25 02:00 CEST (+02:00)") < page.index("Sun 2026-10-25 02:00 CET (+01:00)")
        assert "Notes the &lt;planned&gt; time." in page
        assert "Next ten times in UTC" in boss.get(address(), {"zone": "a\x00b"}).content.decode()

    def test_show_runs_with_links_to_their_jobs(self, boss: Client) -> None:
        run = recurring.run_now("hourly", now=NOW)
        runs.skip("hourly", NOW - HOUR, because="it met <another>", now=NOW)
        page = boss.get(address()).content.decode()
        assert reverse("admin:jobs_scheduledjob_change", args=[str(run.job_id).replace("_", "_5F")]) in page
        assert "it met &lt;another&gt;" in page
        ScheduledJob.objects.update(status="failed", started_at=NOW, completed_at=NOW + HOUR, error_message="it broke")
        page = boss.get(address()).content.decode()
        assert "took 3,600,000 ms" in page
        assert "By hand. it broke" in page
        ScheduledJob.objects.all().delete()
        assert "Deleted" in boss.get(address()).content.decode()

    def test_are_there_for_those_who_may_look(self, client: Client) -> None:
        client.force_login(make_staff("jobs.view_recurringschedule"))
        page = client.get(address()).content.decode()
        assert "Every hour" in page
        for action in ("run-now", "enable", "disable", "times", "backfill", "remove"):
            assert address(action) not in page
            assert client.post(address(action)).status_code == 403
        client.force_login(make_staff(username="nobody"))
        assert client.get(address()).status_code == 403

    def test_are_shown_whatever_kind_somebody_wrote_into_the_table(self, boss: Client) -> None:
        Schedule.objects.filter(name="hourly").update(schedule_type="X")
        for page in (LIST, address()):
            assert "In a way of its own (X)" in boss.get(page).content.decode()

    def test_know_only_our_schedules(self, boss: Client) -> None:
        other = Schedule.objects.create(name="of another", func="math.sqrt")
        assert boss.get(f"{LIST}{other.pk}/disable/").status_code == 404
        assert boss.get(f"{LIST}a%00b/change/").status_code == 404


class TestRecurringActions:
    def test_are_offered_where_the_state_allows_them(self, boss: Client) -> None:
        def offered() -> set[str]:
            page = boss.get(address()).content.decode()
            actions = ("run-now", "enable", "disable", "times", "backfill", "remove")
            return {action for action in actions if address(action) in page}

        assert offered() == {"run-now", "disable", "times", "backfill"}
        recurring.disable("hourly")
        assert offered() == {"run-now", "enable", "times", "backfill"}
        recurring._declared.clear()
        recurring.align_schedules()
        assert offered() == {"remove"}

    def test_a_link_alone_changes_nothing(self, boss: Client) -> None:
        before = Schedule.objects.values().get()
        for action in ("run-now", "enable", "disable", "times", "backfill", "remove"):
            assert boss.get(address(action)).status_code == 200
        assert Schedule.objects.values().get() == before
        assert not RecurringRun.objects.exists()

    def test_disable_and_enable_and_note_who_did(self, boss: Client) -> None:
        assert "Disabled." in post(boss, "disable")
        assert RecurringSchedule.objects.get().repeats == 0
        assert "Enabled." in post(boss, "enable")
        assert RecurringSchedule.objects.get().repeats == -1
        assert "Nothing was changed: it is so already." in post(boss, "enable")
        assert noted() == ["Disabled.", "Enabled."]
        assert {entry.object_repr for entry in LogEntry.objects.all()} == {"hourly"}

    def test_run_now_unless_a_run_is_live(self, boss: Client) -> None:
        assert "Enqueued job" in post(boss, "run-now")
        assert "another run is still pending" in post(boss, "run-now")
        assert ScheduledJob.objects.count() == len(noted()) == 1

    def test_remove_only_what_no_app_declares(self, boss: Client) -> None:
        assert "an app declares it" in post(boss, "remove")
        recurring._declared.clear()
        assert "hourly is removed." in post(boss, "remove")
        assert not Schedule.objects.exists()


class TestChangeTimes:
    def test_changes_the_times_and_notes_both(self, boss: Client) -> None:
        assert "It runs daily at 03:17 UTC now; it was every hour." in post(boss, "times", cron="17 3 * * *")
        row = Schedule.objects.get()
        assert (row.schedule_type, row.cron, row.minutes) == (Schedule.CRON, "17 3 * * *", None)
        post(boss, "times", minutes="90")
        assert noted() == [
            "It runs daily at 03:17 UTC now; it was every hour.",
            "It runs every 90 minutes now; it was daily at 03:17 UTC.",
        ]

    @pytest.mark.parametrize(
        ("answers", "told"),
        [
            ({"minutes": ""}, "Give either a number of minutes or a cron text."),
            ({"minutes": "5", "cron": "* * * * *"}, "Give either a number of minutes or a cron text."),
            ({"minutes": "0"}, "greater than or equal to 1"),
            ({"minutes": "40000"}, "less than or equal to 32767"),
            ({"cron": "every day"}, "is no cron text: write five fields"),
            ({"cron": "0 0 30 2 *"}, "never comes: there is no such date."),
            ({"cron": "1\x00 * * * *"}, "Null characters are not allowed."),
        ],
    )
    def test_refuses_in_one_sentence(self, boss: Client, answers: dict[str, str], told: str) -> None:
        before = Schedule.objects.values().get()
        assert told in post(boss, "times", **answers)
        assert Schedule.objects.values().get() == before


class TestBackfillForm:
    span = {"start": "2026-05-04T09:00", "end": "2026-05-04T11:00", "overlap": "allow"}

    def test_tells_how_many_before_anything_happens(self, boss: Client) -> None:
        runs.take(
            recurring.find("hourly"), [NOW - HOUR], origin=recurring.Origin.SCHEDULE, overlap=runs.Overlap.SKIP, now=NOW
        )
        page = post(boss, "backfill", **self.span)
        assert "makes up for 2 runs, planned from 2026-05-04 09:00 UTC to 2026-05-04 10:00 UTC. All at once." in page
        assert "One planned time had a run" in page
        for name, value in {**self.span, "confirmed": "1"}.items():
            assert f'<input type="hidden" name="{name}" value="{value}"' in page
        assert RecurringRun.objects.count() == 1

    def test_enqueues_once_it_is_confirmed(self, boss: Client) -> None:
        assert "3 runs enqueued." in post(boss, "backfill", **self.span, confirmed="1")
        assert ScheduledJob.objects.count() == 3
        assert noted() == ["3 runs enqueued. From 2026-05-04 09:00 to 2026-05-04 11:00 UTC."]
        assert "Nothing is missing there: 3 planned times with a run." in post(
            boss, "backfill", **self.span, confirmed="1"
        )

    def test_shows_how_far_a_queue_is(self, boss: Client) -> None:
        page = post(boss, "backfill", **{**self.span, "overlap": "queue"}, confirmed="1")
        assert "0 runs enqueued, 3 waiting for their turn." in page
        assert "A backfill is at work: 0 enqueued, 3 waiting." in page

    @pytest.mark.parametrize(
        ("answers", "told"),
        [
            ({"start": ""}, "This field is required."),
            ({"start": "soon"}, "Enter a valid date/time."),
            ({"start": "2026-05-04T12:00"}, "must not lie after the end"),
            ({"end": "2030-01-01T00:00"}, "lies in the future"),
            ({"start": "2026-01-01T00:00"}, "more than 1,000 planned times"),
            ({"start": "2020-01-01T00:00"}, "lies more than 365 days back"),
            ({"overlap": "maybe"}, "Select a valid choice."),
        ],
    )
    def test_refuses_in_one_sentence(self, boss: Client, answers: dict[str, Any], told: str) -> None:
        assert told in post(boss, "backfill", **{**self.span, **answers}, confirmed="1")
        assert not RecurringRun.objects.exists()
