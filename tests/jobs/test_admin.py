"""The console's pages of jobs."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from jobs.console import MOST_AT_ONCE
from jobs.models import ClusterHeartbeat, JobPause, JobStatus, ScheduledJob
from tests.config.factories import make_attempt, make_job, make_staff

pytestmark = pytest.mark.django_db

LIST = reverse("admin:jobs_scheduledjob_changelist")


def page_of(job: ScheduledJob, action: str = "change") -> str:
    """The address of a job's page, or of one of its actions."""
    return f"{LIST}{job.job_id.replace('_', '_5F')}/{action}/"


def act(client: Client, action: str, *jobs: ScheduledJob) -> Any:
    """Choose an action for rows of the list."""
    return client.post(LIST, {"action": action, "_selected_action": [job.pk for job in jobs]}, follow=True)


class TestBulkActions:
    @pytest.mark.parametrize(
        ("action", "legal", "after", "said"),
        [
            ("cancel_selected", "pending", "cancelled", "1 job cancelled. 1 could not be"),
            ("retry_selected", "failed", "pending", "1 job put back into the queue. 1 could not be"),
            ("run_selected", "pending", "pending", "1 job made due now. 1 could not be"),
        ],
    )
    def test_say_how_many_changed_and_how_many_could_not(
        self, boss: Client, action: str, legal: str, after: str, said: str
    ) -> None:
        now = timezone.now()
        good, bad = make_job(legal, now=now), make_job(JobStatus.COMPLETED, now=now)
        page = act(boss, action, good, bad)
        assert said in page.content.decode()
        good.refresh_from_db()
        bad.refresh_from_db()
        assert (good.status, bad.status) == (after, "completed")
        assert [entry.object_id for entry in LogEntry.objects.all()] == [good.pk]

    def test_refuse_more_than_one_request_can_do(self, boss: Client) -> None:
        now = timezone.now()
        for _ in range(2):
            make_job(now=now)
        ScheduledJob.objects.bulk_create(
            ScheduledJob(job_type="custom", scheduled_time=now, next_attempt_at=now) for _ in range(MOST_AT_ONCE)
        )
        body = {"action": "cancel_selected", "_selected_action": ["x"], "select_across": "1", "index": "0"}
        page = boss.post(LIST, body, follow=True)
        assert "Nothing was changed: choose at most 5,000" in page.content.decode()
        assert not ScheduledJob.objects.filter(status=JobStatus.CANCELLED).exists()

    def test_are_not_offered_to_those_who_may_only_look(self, client: Client) -> None:
        client.force_login(make_staff("jobs.view_scheduledjob"))
        job = make_job(now=timezone.now())
        page = client.get(LIST)
        assert page.status_code == 200
        assert "cancel_selected" not in page.content.decode()
        act(client, "cancel_selected", job)
        job.refresh_from_db()
        assert job.status == JobStatus.PENDING


class TestPageActions:
    @pytest.mark.parametrize(
        ("status", "offered"),
        [
            ("pending", {"run-now", "cancel"}),
            ("running", set()),
            ("completed", set()),
            ("failed", {"retry"}),
            ("cancelled", set()),
            ("expired", {"retry"}),
            ("unknown", {"retry"}),
        ],
    )
    def test_are_offered_where_the_state_allows_them(self, boss: Client, status: str, offered: set[str]) -> None:
        job = make_job(status, now=timezone.now())
        page = boss.get(page_of(job)).content.decode()
        assert {action for action in ("run-now", "cancel", "retry") if page_of(job, action) in page} == offered

    def test_a_link_alone_changes_nothing(self, boss: Client) -> None:
        job = make_job(now=timezone.now())
        for action in ("cancel", "run-now", "retry"):
            assert boss.get(page_of(job, action)).status_code == 200
        before = job.next_attempt_at
        job.refresh_from_db()
        assert (job.status, job.next_attempt_at) == (JobStatus.PENDING, before)

    def test_cancel(self, boss: Client) -> None:
        job = make_job(now=timezone.now())
        page = boss.post(page_of(job, "cancel"), follow=True)
        job.refresh_from_db()
        assert job.status == JobStatus.CANCELLED
        assert "The job is cancelled." in page.content.decode()

    def test_say_so_when_the_job_was_faster(self, boss: Client) -> None:
        job = make_job(JobStatus.COMPLETED, now=timezone.now())
        page = boss.post(page_of(job, "cancel"), follow=True)
        assert "Nothing was changed: the job is completed." in page.content.decode()

    def test_are_forbidden_to_those_who_may_only_look(self, client: Client) -> None:
        client.force_login(make_staff("jobs.view_scheduledjob"))
        job = make_job(now=timezone.now())
        page = client.get(page_of(job))
        assert page.status_code == 200
        assert page_of(job, "cancel") not in page.content.decode()
        assert client.post(page_of(job, "cancel")).status_code == 403
        job.refresh_from_db()
        assert job.status == JobStatus.PENDING

    def test_need_a_job(self, boss: Client) -> None:
        assert boss.post(f"{LIST}nobody/cancel/").status_code == 404
        assert boss.post(f"{LIST}a%00b/cancel/").status_code == 404


class TestPage:
    def test_shows_attempts_and_payload(self, boss: Client) -> None:
        job = make_job(JobStatus.FAILED, now=timezone.now(), payload={"user_id": "<b>7</b>"})
        make_attempt(job, now=timezone.now(), error="Time-out after 10 s.")
        page = boss.get(page_of(job)).content.decode()
        assert "Time-out after 10 s." in page
        assert "&quot;user_id&quot;: &quot;&lt;b&gt;7&lt;/b&gt;&quot;" in page


class TestFilters:
    def test_overdue(self, boss: Client) -> None:
        now = timezone.now()
        late = make_job(now=now, due=now - timedelta(hours=1))
        make_job(now=now)
        assert [job.pk for job in boss.get(LIST, {"due": "late"}).context["cl"].result_list] == [late.pk]


class TestPauses:
    LIST = reverse("admin:jobs_jobpause_changelist")
    ADD = reverse("admin:jobs_jobpause_add")

    def test_are_made_by_those_who_may_operate(self, boss: Client) -> None:
        page = boss.post(self.ADD, {"job_type": "sample_one", "reason": "the provider is down"}, follow=True)
        assert "Paused: sample_one. Nothing of it is started" in page.content.decode()
        pause = JobPause.objects.get()
        assert (pause.job_type, pause.paused_by, pause.reason) == ("sample_one", "boss", "the provider is down")
        assert LogEntry.objects.get().object_id == "sample_one"

    def test_show_on_the_overview(self, boss: Client) -> None:
        ClusterHeartbeat.objects.create(cluster="c", beat_at=timezone.now())
        boss.post(self.ADD, {"job_type": "*"})
        assert "but not started: everything" in boss.get(reverse("admin:index")).content.decode()

    @pytest.mark.parametrize(
        ("body", "words"),
        [({"job_type": "sample_one"}, "paused already"), ({"job_type": "nobody"}, "Select a valid choice")],
    )
    def test_refuse_what_makes_no_sense(self, boss: Client, body: dict[str, str], words: str) -> None:
        boss.post(self.ADD, {"job_type": "sample_one"})
        page = boss.post(self.ADD, body)
        assert words in page.content.decode()
        assert JobPause.objects.count() == 1

    def test_end_by_resuming(self, boss: Client) -> None:
        boss.post(self.ADD, {"job_type": "sample_one"})
        page = boss.post(self.LIST, {"action": "resume_selected", "_selected_action": ["sample_one"]}, follow=True)
        assert "Resumed: sample_one" in page.content.decode()
        assert not JobPause.objects.exists()

    def test_are_not_for_those_who_may_only_look(self, client: Client) -> None:
        client.force_login(make_staff("jobs.view_jobpause"))
        assert client.get(self.LIST).status_code == 200
        assert client.get(self.ADD).status_code == 403
        assert client.post(self.ADD, {"job_type": "sample_one"}).status_code == 403
        assert not JobPause.objects.exists()
