"""The engine's own job types, run as a worker runs them."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from jobs import cleanup, custom, enqueue, pruning, recurring, registry, runner, stats
from jobs.enqueue import InvalidJob
from jobs.errors import PermanentFailure, Snooze
from jobs.models import DailyFigure, ScheduledJob
from tests.jobs.factories import make_job

called: list[dict[str, Any]] = []


@custom.register("sample.note")
def note(arguments: dict[str, Any]) -> None:
    called.append(arguments)


@custom.register("sample.fail")
def fail(arguments: dict[str, Any]) -> None:
    if arguments.get("how") == "for good":
        raise PermanentFailure("it can never work")
    if arguments.get("how") == "later":
        raise Snooze("not now", until=timezone.now() + timedelta(hours=1))
    raise RuntimeError("it broke")


def run(job_type: str, payload: object) -> stats.JobReport:
    """Enqueue one job, run it and return its story."""
    job = enqueue.schedule_job(job_type, timezone.now(), payload)
    assert runner.run_once(size=1) == 1
    story = stats.job_status(job.job_id)
    assert story is not None
    return story


@pytest.mark.django_db(transaction=True)
class TestDataCleanup:
    def test_deletes_and_reports_what_went(self) -> None:
        old = timezone.now() - timedelta(days=40)
        make_job(status="failed", scheduled_time=old, completed_at=old)
        story = run("data_cleanup", {"type": "failed_jobs"})
        assert story.job.status == "completed"
        (kept,) = story.reports
        assert (kept.report["removed"], kept.report["removed_bytes"], kept.report["left"]) == ({"jobs": 1}, 0, 0)
        assert kept.report["older_than"]["jobs"].startswith(f"{timezone.now() - timedelta(days=30):%Y-%m-%dT}")
        assert kept.report["seconds"]["jobs"] >= 0
        assert ScheduledJob.objects.get() == story.job

    def test_reports_what_went_and_fails_when_a_kind_failed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def broken(before: datetime) -> Any:
            raise OSError("no such thing")

        monkeypatch.setitem(cleanup._types, "broken", [pruning.Rows("broken", timedelta, broken, by="at")])
        make_job(status="failed", scheduled_time=(old := timezone.now() - timedelta(days=40)), completed_at=old)
        story = run("data_cleanup", {"type": "everything"})
        assert (story.job.status, story.job.retry_count) == ("pending", 1)
        assert "broken (OSError: no such thing)" in (story.job.error_message or "")
        (kept,) = story.reports
        assert (kept.report["removed"]["jobs"], list(kept.report["errors"])) == (1, ["broken"])

    def test_cleans_everything_each_day_one_run_at_a_time(self) -> None:
        recurring.enqueue_recurring("cleanup")
        assert ScheduledJob.objects.get().payload == {"type": "everything", "days_to_keep": 30}
        assert registry.find("data_cleanup").policy.concurrency == 1
        assert runner.run_once(size=1) == 1
        assert ScheduledJob.objects.get().status == "completed"


@pytest.mark.django_db(transaction=True)
class TestAnalytics:
    def test_fills_the_table_and_reports_the_figures(self) -> None:
        yesterday = (timezone.now() - timedelta(days=1)).date()
        story = run("analytics", {"day": f"{yesterday}"})
        assert story.job.status == "completed"
        assert set(story.reports[0].report["days"]) == {f"{yesterday}"}
        assert set(DailyFigure.objects.values_list("day", flat=True)) == {yesterday}
        assert "followups.sent" in story.reports[0].report["days"][f"{yesterday}"]

    def test_fails_for_good_for_a_day_that_is_not_over(self) -> None:
        story = run("analytics", {"day": "2999-01-01"})
        assert (story.job.status, story.job.retry_count) == ("failed", 0)
        assert story.job.error_message == "2999-01-01 is not over yet (days end at midnight UTC)."

    def test_runs_each_day(self) -> None:
        recurring.enqueue_recurring("analytics")
        assert runner.run_once(size=1) == 1
        assert ScheduledJob.objects.get().status == "completed"
        assert DailyFigure.objects.filter(name="messages.messages_in").count() == 29


@pytest.mark.django_db(transaction=True)
class TestCustom:
    def test_calls_what_is_registered(self) -> None:
        called.clear()
        assert run("custom", {"callable": "sample.note", "arguments": {"a": 1}}).job.status == "completed"
        assert called == [{"a": 1}]

    @pytest.mark.parametrize(
        ("how", "status", "retries"), [("for good", "failed", 0), ("later", "pending", 0), ("otherwise", "pending", 1)]
    )
    def test_fails_as_a_handler_does(self, how: str, status: str, retries: int) -> None:
        job = run("custom", {"callable": "sample.fail", "arguments": {"how": how}}).job
        assert (job.status, job.retry_count) == (status, retries)

    @pytest.mark.parametrize(
        ("payload", "sentence"),
        [
            ({"callable": "os.system"}, "No custom callable is registered as 'os.system' (known: "),
            ({}, "No custom callable is registered as '' (known: "),
            ({"callable": ["sample.note"]}, "No custom callable is registered as ['sample.note']"),
            ({"callable": "sample.note", "arguments": "a"}, "arguments is an object, like {}, not 'a'."),
        ],
    )
    def test_is_refused_when_it_is_enqueued(self, payload: dict[str, Any], sentence: str) -> None:
        with pytest.raises(InvalidJob) as raised:
            enqueue.schedule_job("custom", timezone.now(), payload)
        assert sentence in str(raised.value)
        assert "sample.fail, sample.note" in str(raised.value) or "known" not in sentence

    def test_refuses_two_of_one_name(self) -> None:
        with pytest.raises(ValueError, match=r"The custom callable 'sample.note' exists already"):
            custom.register("sample.note")(fail)


@pytest.mark.django_db
class TestBackup:
    @pytest.mark.parametrize("label", ["../elsewhere", "a b", "x" * 41, 5, None, ["a"]])
    def test_is_refused_when_it_is_enqueued(self, label: object) -> None:
        with pytest.raises(InvalidJob, match=r"The label .* cannot be part of a file's name: up to 40 letters"):
            enqueue.schedule_job("backup", timezone.now(), {"label": label})
        assert not ScheduledJob.objects.exists()
