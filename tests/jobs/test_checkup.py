"""The check-up: running the checks, keeping what they found, and showing it."""

import json
import math
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from structlog.testing import capture_logs

from jobs import checkup, runner
from jobs.checkup import Finding, Report, degraded, failed, ok
from jobs.enqueue import schedule_job
from jobs.models import HealthResult, ScheduledJob
from tests.concurrency import at_once
from tests.config.factories import make_health_result, make_staff
from tests.jobs.factories import make_job
from tests.processes import cluster, environment
from tests.support import CHECKOUT, wait_until

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
Register = Callable[..., None]


@pytest.fixture
def register() -> Iterator[Register]:
    """Register checks in the place of the project's, until the test ends."""
    known = dict(checkup._registered)
    checkup._registered.clear()
    yield checkup.register
    checkup._registered.clear()
    checkup._registered.update(known)


def report(status: str = "ok", *, at: datetime = NOW, detail: str = "So it is.", name: str = "disk") -> Report:
    return Report(name, Finding(status, detail, {"free": 1}), at, 5)  # type: ignore[arg-type]


def record(*reports: Report, now: datetime = NOW) -> list[str]:
    """The checks whose state has changed."""
    return [change.check_name for change in checkup.record(reports, worker="host:1", now=now)]


@pytest.mark.django_db(transaction=True)
class TestRunAll:
    def test_tells_what_each_check_found(self, register: Register) -> None:
        register("a", lambda *, now: ok("Fine.", free=7))
        register("b", lambda *, now: failed(f"Broken at {now:%H:%M}."))
        first, second = checkup.run_all(now=NOW)
        assert (first.check_name, first.finding, first.checked_at) == ("a", ok("Fine.", free=7), NOW)
        assert (second.finding.status, second.finding.detail) == ("failed", "Broken at 12:00.")

    def test_is_not_stopped_by_a_check_that_raises(self, register: Register) -> None:
        def broken(*, now: datetime) -> Finding:
            raise RuntimeError("no such file\nand more")

        register("a", broken)
        register("b", lambda *, now: ok("Fine."))
        first, second = checkup.run_all(now=NOW)
        assert first.finding == failed("The check itself failed. RuntimeError: no such file")
        assert second.finding.status == "ok"

    @pytest.mark.parametrize(
        ("found", "sentence"),
        [
            (None, "TypeError: It returned NoneType in place of a finding."),
            (ok("Fine.", free=math.nan), "ValueError: Its number 'free' cannot be stored: nan."),
            (ok("Fine.", at=NOW), f"ValueError: Its number 'at' cannot be stored: {NOW!r}."),  # type: ignore[arg-type]
            (Finding("fine", "Fine."), "ValueError: 'fine' is not a valid HealthStatus"),  # type: ignore[arg-type]
        ],
        ids=["nothing", "nan", "time", "state"],
    )
    def test_keeps_the_findings_of_the_others_when_one_is_none(
        self, found: Finding, sentence: str, register: Register
    ) -> None:
        register("a", lambda *, now: found)
        register("b", lambda *, now: ok("Fine."))
        assert record(*checkup.run_all(now=NOW)) == ["a", "b"]
        first, second = checkup.latest()
        assert (first.status, first.detail) == ("failed", f"The check itself failed. {sentence}")
        assert second.status == "ok"

    def test_makes_a_text_storable(self, register: Register) -> None:
        register("a", lambda *, now: ok("Fine\x00.", who="half \ud800"))
        record(*checkup.run_all(now=NOW))
        (row,) = checkup.latest()
        assert (row.status, row.detail, row.numbers) == ("ok", "Fine\ufffd.", {"who": "half ?"})

    def test_does_not_wait_for_a_check_that_hangs(self, register: Register) -> None:
        release, entered = threading.Event(), []

        def hanging(*, now: datetime) -> Finding:
            entered.append(now)
            release.wait(60)
            return ok("At last.")

        register("a", hanging, time_limit=timedelta(seconds=0.2))
        register("b", lambda *, now: ok("Fine."))
        try:
            first, second = checkup.run_all(now=NOW)
            assert first.finding == failed("There was no answer within 0.2 seconds.")
            assert second.finding.status == "ok"
            again = checkup.run_all(now=NOW)[0]
            assert again.finding == failed("An earlier run of this check still hangs in this process.")
            assert len(entered) == 1, "no second thread joins the first"
        finally:
            release.set()
        checkup._hanging["a"].join(10)
        assert checkup.run_all(now=NOW)[0].finding == ok("At last.")

    def test_lets_the_server_end_a_statement_that_takes_too_long(self, register: Register) -> None:
        def slow(*, now: datetime) -> Finding:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_sleep(60)")
            return ok("Awake.")

        register("a", slow, time_limit=timedelta(seconds=0.3))
        checkup.run_all(now=NOW)
        checkup._hanging.pop("a").join(10)  # also when the answer was a moment too late
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%%pg_sleep(60)%%' AND state = 'active'"
                " AND pid <> pg_backend_pid()"
            )
            assert cursor.fetchone()[0] == 0


class TestRegister:
    def test_refuses_a_name_that_is_taken(self, register: Register) -> None:
        register("a", lambda *, now: ok("Fine."))
        with pytest.raises(ValueError, match="There is already a check called 'a'"):
            register("a", lambda *, now: ok("Fine."))

    @pytest.mark.parametrize("name", ["", "x" * 51, "a\x00b"])
    def test_refuses_a_name_that_cannot_be_stored(self, name: str, register: Register) -> None:
        with pytest.raises(ValueError, match="A check's name has 1 to 50 characters, unlike "):
            register(name, lambda *, now: ok("Fine."))


@pytest.mark.django_db
class TestRecord:
    def test_renews_the_row_while_the_state_is_the_same(self) -> None:
        assert record(report()) == ["disk"]
        assert record(report(at=NOW + MINUTE, detail="Still.")) == []
        row = HealthResult.objects.get()
        assert (row.began_at, row.checked_at, row.detail, row.numbers) == (NOW, NOW + MINUTE, "Still.", {"free": 1})

    def test_adds_a_row_when_the_state_changes(self) -> None:
        record(report())
        assert record(report("failed", at=NOW + MINUTE)) == ["disk"]
        rows = HealthResult.objects.order_by("began_at").values_list("status", "is_current", "began_at")
        assert list(rows) == [("ok", False, NOW), ("failed", True, NOW + MINUTE)]

    def test_leaves_what_a_newer_run_has_found(self) -> None:
        record(report("failed", at=NOW))
        assert record(report("ok", at=NOW - MINUTE)) == []
        assert HealthResult.objects.get().status == "failed"

    @pytest.mark.parametrize("status", ["ok", "failed"])
    def test_goes_on_after_a_host_whose_clock_was_ahead(self, status: str) -> None:
        record(report(at=NOW + 60 * MINUTE), now=NOW + 60 * MINUTE)
        assert not checkup.is_fresh(HealthResult.objects.get(), now=NOW)
        record(report(status, at=NOW))
        row = HealthResult.objects.get(is_current=True)
        assert (row.status, row.began_at, row.checked_at) == (status, NOW, NOW)
        assert checkup.is_fresh(row, now=NOW)

    def test_forgets_what_is_a_month_old(self) -> None:
        old = make_health_result(now=NOW - timedelta(days=31), is_current=False)
        kept = make_health_result(now=NOW - timedelta(days=29), is_current=False)
        record(now=NOW)
        assert not HealthResult.objects.filter(pk=old.pk).exists()
        assert HealthResult.objects.filter(pk=kept.pk).exists()

    def test_logs_a_change_once(self) -> None:
        with capture_logs() as logs:
            record(report())
            for minute in range(1, 4):
                record(report("degraded", at=NOW + minute * MINUTE, detail="It is full."))
            record(report(at=NOW + 9 * MINUTE))
        told = [(line["log_level"], line["was"], line["status"]) for line in logs if line["event"] == "health.changed"]
        assert told == [("warning", "ok", "degraded"), ("info", "degraded", "ok")]

    def test_logs_a_first_finding_only_when_it_is_bad(self) -> None:
        with capture_logs() as logs:
            record(report(name="a"), report("failed", name="b"))
        assert [(line["check"], line["was"]) for line in logs if line["event"] == "health.changed"] == [("b", None)]

    def test_is_held_by_the_database(self) -> None:
        make_health_result(now=NOW, check_name="disk")
        with pytest.raises(IntegrityError, match="health_results_one_current"), transaction.atomic():
            make_health_result(now=NOW, check_name="disk")
        with pytest.raises(IntegrityError, match="health_results_status_known"), transaction.atomic():
            make_health_result("fine", now=NOW)


@pytest.mark.django_db(transaction=True)
class TestRecordTogether:
    def test_leaves_one_current_row(self) -> None:
        at_once(4, lambda number: record(report("failed" if number % 2 else "ok")))
        assert HealthResult.objects.filter(is_current=True).count() == 1


@pytest.mark.django_db(transaction=True)
class TestHandler:
    def test_keeps_what_every_registered_check_found(self) -> None:
        job = make_job(job_type="health_check")
        runner.run_once()
        job.refresh_from_db()
        assert (job.status, job.error_message) == ("completed", None)
        found = {row.check_name: row for row in checkup.latest()}
        assert set(found) == {
            "backup",
            "bot",
            "clusters",
            "database",
            "disk",
            "language model",
            "staff channel",
            "lateness",
            "messages",
            "overdue jobs",
            "provider",
            "unknown jobs",
        }
        assert found["clusters"].status == "failed"
        assert found["database"].status == "ok"
        assert all(row.duration_ms < 10_000 for row in found.values())

    @pytest.mark.slow
    def test_finds_the_cluster_that_runs_it(self, tmp_path: Path) -> None:
        with cluster(tmp_path):
            job = schedule_job("health_check", timezone.now(), {})
            wait_until(lambda: ScheduledJob.objects.get(pk=job.pk).completed_at, "the check-up", seconds=30)
        found = HealthResult.objects.get(check_name="clusters")
        assert (found.status, found.detail) == ("ok", "1 cluster is alive.")


def health(*arguments: str) -> tuple[int, str]:
    out = StringIO()
    try:
        call_command("health", *arguments, stdout=out, no_color=True)
    except SystemExit as ended:
        return int(ended.code or 0), out.getvalue()
    return 0, out.getvalue()


@pytest.mark.django_db(transaction=True)
class TestCommand:
    def test_ends_with_0_when_all_is_well(self, register: Register) -> None:
        register("disk", lambda *, now: ok("7 GB are free."))
        assert health() == (0, "disk  ok        7 GB are free.\n")

    @pytest.mark.parametrize("finding", [degraded("Nearly full."), failed("Full.")])
    def test_ends_with_1_otherwise_and_keeps_nothing(self, register: Register, finding: Finding) -> None:
        register("disk", lambda *, now: finding)
        register("bot", lambda *, now: ok("It runs."))
        code, text = health()
        assert code == 1
        assert text.splitlines() == ["bot   ok        It runs.", f"disk  {finding.status:<8}  {finding.detail}"]
        assert not HealthResult.objects.exists()

    def test_prints_json(self, register: Register) -> None:
        register("disk", lambda *, now: degraded("Nearly full.", free=7))
        code, text = health("--json")
        told = json.loads(text)
        assert (code, told["status"]) == (1, "degraded")
        check = told["checks"]["disk"]
        assert (check["status"], check["detail"], check["numbers"]) == ("degraded", "Nearly full.", {"free": 7})
        assert datetime.fromisoformat(check["checked_at"]).tzinfo is not None


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
class TestRealCommand:
    """`health` and `backup`, as a shell runs them."""

    def run(self, *arguments: str, stdout: int = subprocess.PIPE, **extra: str) -> tuple[int, str]:
        command = [sys.executable, "manage.py", *arguments]
        done = subprocess.run(
            command,
            cwd=CHECKOUT,
            env=environment(**extra),
            stdout=stdout,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
        return done.returncode, done.stderr

    @pytest.mark.parametrize("arguments", [["health"], ["health", "--json"], ["backup", "--json"]])
    def test_ends_quietly_when_nobody_reads_on(self, arguments: list[str], tmp_path: Path, settings: Any) -> None:
        reader, writer = os.pipe()
        os.close(reader)
        where = {"BACKUP_DIR": str(tmp_path), "PG_BIN_DIR": str(settings.PG_BIN_DIR), "LOG_LEVEL": "ERROR"}
        try:
            assert self.run(*arguments, stdout=writer, **where) == (141, "")
        finally:
            os.close(writer)

    @pytest.mark.parametrize("name", ["health", "backup", "cleanup"])
    def test_says_in_one_sentence_what_is_wrong_usage(self, name: str) -> None:
        assert self.run(name, "--bogus") == (2, f"manage.py {name}: unrecognized arguments: --bogus\n")


@pytest.mark.django_db
class TestConsole:
    def test_shows_what_is_wrong_first(self, boss: Client) -> None:
        now = timezone.now()
        make_health_result(now=now, check_name="bot", detail="It runs.")
        bad = make_health_result("failed", now=now, check_name="disk", detail="It is <full>.")
        page = boss.get(reverse("admin:index"))
        assert [(check.name, check.words, check.color) for check in page.context["checks"]] == [
            ("Disk", "Failed", "danger"),
            ("Bot", "Ok", "success"),
        ]
        assert "It is &lt;full&gt;." in page.content.decode()
        assert reverse("admin:jobs_healthresult_change", args=[bad.pk]) in page.content.decode()

    def test_does_not_take_an_old_result_for_the_present(self, boss: Client) -> None:
        make_health_result("failed", now=timezone.now() - timedelta(minutes=16), check_name="disk")
        check = boss.get(reverse("admin:index")).context["checks"][0]
        assert (check.words, check.color) == ("Not checked lately", "")
        listed = boss.get(reverse("admin:jobs_healthresult_changelist")).content.decode()
        assert "Was failed, not checked lately" in listed

    def test_hides_it_from_those_who_may_not_see_it(self, client: Client) -> None:
        make_health_result("failed", now=timezone.now(), detail="It is full.")
        client.force_login(make_staff("jobs.view_scheduledjob"))
        assert "It is full." not in client.get(reverse("admin:index")).content.decode()

    def test_says_that_nothing_was_checked_yet(self, boss: Client) -> None:
        assert "Nothing has been checked yet" in boss.get(reverse("admin:index")).content.decode()
