"""`manage.py cleanup`, and what `manage.py jobs show` and the console show of reports."""

import json
from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from jobs import cleanup as jobs_cleanup
from jobs.models import Report, ScheduledJob
from jobs.pruning import Rows
from tests.jobs.factories import make_job


def cleanup(*arguments: str) -> tuple[str, str]:
    """What the command writes as results and as problems."""
    out, err = StringIO(), StringIO()
    call_command("cleanup", *arguments, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def make_old(days: int) -> ScheduledJob:
    at = timezone.now() - timedelta(days=days)
    return make_job(status="failed", scheduled_time=at, completed_at=at)


@pytest.mark.django_db
class TestDryRun:
    def test_shows_each_kind_and_deletes_nothing(self) -> None:
        make_old(40)
        make_old(20)
        out, err = cleanup("--dry-run")
        lines = {line.split()[0]: line.split() for line in out.splitlines()}
        assert set(lines) == {
            "Kind",
            "decisions",
            "jobs",
            "attempts",
            "reports",
            "django_q_tasks",
            "recurring_runs",
            "messages",
            "channel_texts",
            "drafts",
            "flags",
            "staff_replies",
            "action_words",
            "openings",
            "api_usage",
            "snapshot_payloads",
            "post_payloads",
            "comment_payloads",
            "search_payloads",
            "account_day_payloads",
            "temp_files",
        }
        assert lines["jobs"][1:3] == ["2", "1"]
        assert "a month ago" in out
        assert err == "Nothing was deleted.\n"
        assert ScheduledJob.objects.count() == 2

    def test_prints_one_object_a_kind(self) -> None:
        old = make_old(40)
        out, err = cleanup("--dry-run", "--json", "--type", "failed_jobs", "--days", "30")
        found = json.loads(out)
        assert (found["kind"], found["total"], found["is_estimate"], found["removable"]) == ("jobs", 1, False, 1)
        assert datetime.fromisoformat(found["oldest"]) == old.scheduled_time
        assert datetime.fromisoformat(found["before"]).utcoffset() == timedelta(0)
        assert err == ""


@pytest.mark.django_db
class TestCleaning:
    def test_deletes_by_the_settings_unless_told(self, settings: Any) -> None:
        settings.JOB_KEEP_DAYS = 100
        make_old(40)
        cleanup("--type", "failed_jobs")
        assert ScheduledJob.objects.count() == 1
        out, _ = cleanup("--type", "failed_jobs", "--days", "39")
        assert ScheduledJob.objects.count() == 0
        assert out.splitlines()[1].split()[:2] == ["jobs", "1"]

    def test_tells_its_progress_beside_the_results(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("jobs.management.commands.cleanup.SECONDS_BETWEEN_LINES", 0.0)
        monkeypatch.setattr("jobs.pruning.BATCH", 2)
        for _ in range(5):
            make_old(40)
        out, err = cleanup("--json", "--type", "failed_jobs")
        assert json.loads(out)["removed"] == 5
        assert err.splitlines() == ["jobs: 2 deleted", "jobs: 4 deleted", "jobs: 5 deleted"]

    def test_ends_with_1_when_a_file_could_not_be_deleted(
        self, tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        settings.TEMP_DIRS = [tmp_path]
        (tmp_path / "a").touch()

        def refuse(*_: object, **__: object) -> None:
            raise PermissionError(1, "Operation not permitted")  # root is refused nothing, so the system is played

        monkeypatch.setattr("os.unlink", refuse)
        monkeypatch.setattr("jobs.temp_files.KEEP", timedelta(seconds=-60))
        with pytest.raises(CommandError, match="1 old file could not be deleted") as raised:
            cleanup("--type", "temp_data")
        assert raised.value.returncode == 1

    def test_shows_what_went_and_ends_with_1_when_a_kind_failed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def broken(before: datetime) -> Any:
            raise OSError("no such thing")

        monkeypatch.setitem(jobs_cleanup._types, "broken", [Rows("broken", timedelta, broken, by="at")])
        make_old(40)
        out = StringIO()
        with pytest.raises(CommandError, match=r"broken \(OSError: no such thing\)") as raised:
            call_command("cleanup", "--json", stdout=out)
        assert raised.value.returncode == 1
        found = {one["kind"]: one for one in map(json.loads, out.getvalue().splitlines())}
        assert (found["jobs"]["removed"], found["broken"]["error"]) == (1, "OSError: no such thing")

    @pytest.mark.parametrize(
        ("arguments", "sentence"),
        [
            (["--days", "7"], "--days does not go with everything: name another --type."),
            (["--type", "temp_data", "--days", "7"], "--days does not go with temp_data: name another --type."),
            (["--type", "history", "--days", "0"], "write a whole number from 1 to 36500, not '0'."),
            (["--type", "history", "--days", "x"], "write a whole number from 1 to 36500, not 'x'."),
            (["--type", "x"], "choose from"),
        ],
    )
    def test_refuses_wrong_usage(self, arguments: list[str], sentence: str) -> None:
        with pytest.raises(CommandError) as raised:
            cleanup(*arguments)
        assert sentence in str(raised.value)


@pytest.mark.django_db
class TestReports:
    def test_are_shown_by_the_jobs_command(self) -> None:
        job = make_old(1)
        Report.objects.create(job_id=job.pk, job_type=job.job_type, report={"removed": {"jobs": 5}})
        out = StringIO()
        call_command("jobs", "show", job.pk, stdout=out)
        assert "Report of " in out.getvalue()
        assert '"jobs": 5' in out.getvalue()
        out = StringIO()
        call_command("jobs", "show", "--json", job.pk, stdout=out)
        (report,) = json.loads(out.getvalue())["reports"]
        assert report["report"] == {"removed": {"jobs": 5}}
        assert datetime.fromisoformat(report["created_at"]).tzinfo

    def test_are_shown_on_the_page_of_the_job_alone(self, boss: Client) -> None:
        job, other = make_old(1), make_old(1)
        Report.objects.create(job_id=job.pk, job_type=job.job_type, report={"removed": {"<b>": 54321}})
        pages = [
            boss.get(reverse("admin:jobs_scheduledjob_change", args=[row.pk])).content.decode() for row in (job, other)
        ]
        assert "54321" in pages[0]
        assert "<b>" not in pages[0]
        assert "Reports" not in pages[1]
