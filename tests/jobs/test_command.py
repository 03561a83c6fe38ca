"""`manage.py jobs`."""

import json
import os
import subprocess
import sys
from datetime import datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from jobs.models import JobExecution, JobPause, ScheduledJob
from tests.jobs.factories import NOW, make_job
from tests.processes import environment
from tests.support import CHECKOUT


class Terminal(StringIO):
    """Says that it is one."""

    def isatty(self) -> bool:
        return True


def jobs(*arguments: str, stdout: StringIO | None = None) -> tuple[str, str]:
    """What the command writes as results and as problems."""
    out, err = stdout or StringIO(), StringIO()
    call_command("jobs", *arguments, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def refused(*arguments: str) -> tuple[int, str, str, str]:
    """The exit code, the last sentence, results and problems of a command that could not do it all."""
    out, err = StringIO(), StringIO()
    with pytest.raises(CommandError) as raised:
        call_command("jobs", *arguments, stdout=out, stderr=err)
    return raised.value.returncode, str(raised.value), out.getvalue(), err.getvalue()


def objects(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


@pytest.mark.django_db
class TestList:
    def test_ends_each_line_with_the_whole_id(self) -> None:
        wanted = {make_job().pk, make_job(job_id="x" * 255).pk}
        heading, *lines = jobs("list")[0].splitlines()
        assert heading.split() == ["Status", "Due", "Retries", "Type", "Id"]
        assert {line.split()[-1] for line in lines} == wanted
        assert all(line.startswith("pending") and "a minute ago" in line for line in lines)

    @pytest.mark.parametrize("columns", ["40", "80", "200"])
    def test_never_cuts_or_folds_our_ids(self, columns: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("COLUMNS", columns)
        ids = [make_job(job_type="a_rather_long_name_of_a_type", retry_count=3).pk for _ in range(3)]
        out = jobs("--no-color", "list", stdout=Terminal())[0]
        assert [job_id for job_id in ids if f" {job_id}\n" not in out] == []

    def test_folds_a_longer_id_without_losing_any_of_it(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("COLUMNS", "80")
        make_job(job_id="x" * 255)
        assert jobs("--no-color", "list", stdout=Terminal())[0].count("x") == 255

    def test_is_plain_in_a_pipe_and_colored_on_a_terminal(self, monkeypatch: pytest.MonkeyPatch) -> None:
        make_job(status="failed", completed_at=NOW)
        monkeypatch.setenv("TERM", "xterm-256color")
        monkeypatch.delenv("NO_COLOR", raising=False)
        piped = jobs("list")[0]
        assert piped.isascii()
        assert "\x1b" not in piped
        assert "\x1b[31mfailed" in jobs("list", stdout=Terminal())[0]
        assert "\x1b" not in jobs("--no-color", "list", stdout=Terminal())[0]

    def test_spells_out_what_would_steer_a_terminal(self) -> None:
        make_job(job_id="a\x1b[2Jb")
        out, err = jobs("list", "--limit", "1")
        assert "a\\x1b[2Jb" in out
        assert "\x1b" not in out + err

    def test_prints_one_object_a_line_with_times_that_name_their_zone(self) -> None:
        make_job(scheduled_time=NOW, payload={"key": "ß"})
        make_job(scheduled_time=NOW - timedelta(hours=1))
        first, second = objects(jobs("list", "--json")[0])
        assert first["scheduled_time"] == "2026-05-04T12:00:00+00:00"
        assert datetime.fromisoformat(second["next_attempt_at"]) == NOW - timedelta(hours=1)
        assert (first["payload"], first["status"], first["completed_at"]) == ({"key": "ß"}, "pending", None)

    def test_chooses_by_state_type_and_time(self) -> None:
        wanted = make_job(scheduled_time=NOW, job_type="sample_many")
        make_job(scheduled_time=NOW)
        make_job(scheduled_time=NOW + timedelta(hours=1), job_type="sample_many")
        make_job(scheduled_time=NOW, job_type="sample_many", status="failed", completed_at=NOW)
        options = ["--status", "pending", "--type", "sample_many", "--due-before", "2026-05-04T14:30:00+02:00"]
        assert [found["job_id"] for found in objects(jobs("list", "--json", *options)[0])] == [wanted.pk]

    def test_goes_on_where_the_page_before_ended(self) -> None:
        for _ in range(3):
            make_job(scheduled_time=NOW)
        out, err = jobs("list", "--limit", "2")
        last = out.split()[-1]
        assert err.strip() == f"There may be more: add --after {last}"
        rest = objects(jobs("list", "--json", "--after", last)[0])
        assert len(rest) == 1
        assert rest[0]["job_id"] not in out

    def test_shows_fifty_unless_told(self) -> None:
        for _ in range(51):
            make_job()
        assert len(objects(jobs("list", "--json")[0])) == 50

    def test_says_that_there_are_none(self) -> None:
        assert jobs("list") == ("", "There are no such jobs.\n")
        assert jobs("list", "--json") == ("", "")

    @pytest.mark.parametrize(
        ("options", "told"),
        [
            (["--status", "nope"], "invalid choice: 'nope'"),
            (["--due-before", "2026-05-04T12:00:00"], "say which time zone is meant"),
            (["--due-before", "2026-13-04T12:00:00Z"], "is not a time"),
            (["--due-before", "soon"], "is not a time"),
            (["--limit", "0"], "from 1 to 10,000"),
            (["--limit", "many"], "from 1 to 10,000"),
            (["--type", ""], "one or more characters"),
            (["--type", "a\x00"], "one or more characters"),
            (["--after", "\udcff"], "one or more characters"),
        ],
    )
    def test_refuses_wrong_options_as_wrong_usage(self, options: list[str], told: str) -> None:
        code, sentence, out, _ = refused("list", *options)
        assert (code, out) == (2, "")
        assert told in sentence

    def test_knows_that_the_job_to_go_on_from_is_gone(self) -> None:
        assert refused("list", "--after", "nothing")[:2] == (1, "No job has the id nothing.")


@pytest.mark.django_db
class TestShow:
    def test_shows_the_job_and_its_attempts(self) -> None:
        job = make_job(payload={"key": "ß"}, status="failed", completed_at=NOW, error_message="it broke")
        JobExecution.objects.create(
            job_id=job.pk, job_type="sample_one", execution_time=NOW, duration_ms=12, status="failed", worker="host:1"
        )
        out, _ = jobs("show", job.pk)
        for part in (job.pk, '"key": "ß"', "it broke", "2026-05-04 12:00:00 UTC", "12 ms", "host:1"):
            assert part in out
        (found,) = objects(jobs("show", job.pk, "--json")[0])
        assert (found["job_id"], found["attempts"][0]["execution_time"]) == (job.pk, "2026-05-04T12:00:00+00:00")

    def test_says_that_there_was_no_attempt(self) -> None:
        assert jobs("show", make_job().pk)[0].endswith("No attempt yet.\n")

    def test_knows_no_other_jobs(self) -> None:
        assert refused("show", "nothing")[:3] == (1, "No job has the id nothing.", "")


@pytest.mark.django_db
class TestChanges:
    @pytest.mark.parametrize(
        ("action", "before", "after"),
        [("cancel", "pending", "cancelled"), ("retry", "failed", "pending"), ("run", "pending", "pending")],
    )
    def test_change_every_job_once(self, action: str, before: str, after: str) -> None:
        ended = {"completed_at": NOW} if before == "failed" else {}
        later = datetime.now(NOW.tzinfo) + timedelta(days=1)
        ids = [make_job(status=before, scheduled_time=later, **ended).pk for _ in range(2)]
        out, err = jobs(action, *ids, ids[0])
        assert [line.split()[-1] for line in out.splitlines()] == ids
        assert err == ""
        rows = ScheduledJob.objects.filter(pk__in=ids, status=after)
        assert rows.count() == 2
        if action != "cancel":
            assert rows.filter(next_attempt_at__lt=later).count() == 2

    @pytest.mark.parametrize(
        ("action", "status", "needed"),
        [
            ("cancel", "completed", "only a pending job can be cancelled"),
            ("retry", "pending", "only a failed, expired or unknown job can be retried"),
            ("run", "failed", "only a pending job can be made due"),
        ],
    )
    def test_say_which_state_forbids_it(self, action: str, status: str, needed: str) -> None:
        job = make_job(status=status, completed_at=None if status == "pending" else NOW)
        assert refused(action, job.pk) == (1, f"Job {job.pk} is {status}; {needed}.", "", "")

    def test_do_the_others_when_one_cannot_be_done(self) -> None:
        ended, waiting = make_job(status="failed", completed_at=NOW), make_job()
        code, sentence, out, err = refused("cancel", ended.pk, "nothing", waiting.pk)
        assert (code, sentence) == (1, "2 of 3 jobs could not be cancelled.")
        assert out == f"Cancelled: {waiting.pk}\n"
        assert err.splitlines() == [
            f"Job {ended.pk} is failed; only a pending job can be cancelled.",
            "No job has the id nothing.",
        ]
        waiting.refresh_from_db()
        assert waiting.status == "cancelled"

    def test_print_an_object_for_each_job(self) -> None:
        waiting = make_job()
        _, _, out, _ = refused("cancel", waiting.pk, "nothing", "--json")
        assert objects(out) == [
            {"job_id": waiting.pk, "done": True, "problem": None},
            {"job_id": "nothing", "done": False, "problem": "No job has the id nothing."},
        ]


@pytest.mark.django_db
class TestStats:
    def test_shows_figures_that_people_read(self) -> None:
        make_job()
        out, _ = jobs("stats")
        shown = {tuple(line.split()) for line in out.splitlines()}
        assert {("state", "not", "running"), ("due", "now", "1"), ("pending", "1"), ("executions", "0")} <= shown

    def test_prints_one_object(self) -> None:
        JobExecution.objects.create(
            job_id="j", job_type="sample_one", execution_time=datetime.now(NOW.tzinfo), duration_ms=7, status="failed"
        )
        (figures,) = objects(jobs("stats", "--json")[0])
        assert (figures["day"]["failures"], figures["day"]["success_rate"]) == (1, 0.0)
        assert figures["jobs"]["pending"] == {"count": 0, "is_estimate": False}
        assert datetime.fromisoformat(figures["day"]["since"]).tzinfo is not None


def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "manage.py", "jobs", *arguments],
        cwd=CHECKOUT,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
class TestProcess:
    def test_ends_with_a_code_for_done_refused_and_misused(self) -> None:
        job = make_job()
        done = run("cancel", job.pk)
        assert (done.returncode, done.stdout, done.stderr) == (0, f"Cancelled: {job.pk}\n", "")
        again = run("cancel", job.pk)
        assert (again.returncode, again.stdout) == (1, "")
        assert again.stderr == f"CommandError: Job {job.pk} is cancelled; only a pending job can be cancelled.\n"
        misused = run("list", "--due-before", "2026-05-04T12:00:00")
        assert (misused.returncode, misused.stdout, misused.stderr.count("\n")) == (2, "", 1)
        ended = run("show", "--", "-nothing")
        assert (ended.returncode, ended.stderr) == (1, "CommandError: No job has the id -nothing.\n")
        assert run().returncode == run("explode").returncode == 2

    def test_ends_quietly_when_nobody_reads_on(self) -> None:
        make_job()
        reader, writer = os.pipe()
        os.close(reader)
        command = [sys.executable, "manage.py", "jobs", "list", "--json"]
        try:
            ended = subprocess.run(
                command,
                cwd=CHECKOUT,
                env=environment(),
                stdout=writer,
                stderr=subprocess.PIPE,
                text=True,
                timeout=60,
                check=False,
            )
        finally:
            os.close(writer)
        assert (ended.returncode, ended.stderr) == (141, "")


@pytest.mark.django_db
class TestPause:
    def test_pauses_and_resumes_types(self) -> None:
        out, _ = jobs("pause", "sample_one", "sample_many", "--reason", "the provider is down")
        assert out == "Paused: sample_one\nPaused: sample_many\n"
        assert {(pause.job_type, pause.reason) for pause in JobPause.objects.all()} == {
            ("sample_one", "the provider is down"),
            ("sample_many", "the provider is down"),
        }
        assert jobs("resume", "sample_one", "sample_many")[0] == "Resumed: sample_one\nResumed: sample_many\n"
        assert not JobPause.objects.exists()

    def test_of_everything_shows_in_the_figures(self) -> None:
        assert jobs("pause", "--all")[0] == "Paused: everything\n"
        assert "paused         everything" in jobs("stats")[0]
        assert "Everything is paused, by" in jobs("types")[1]

    @pytest.mark.parametrize(
        ("arguments", "code", "words"),
        [
            (["pause"], 2, "Name job types, or give --all."),
            (["pause", "sample_one", "--all"], 2, "Name job types, or give --all."),
            (["pause", "nobody_handles_this"], 1, "No handler is registered for job type 'nobody_handles_this'"),
            (["resume", "sample_one"], 1, "sample_one is not paused."),
            (["pause", "sample_one", "--reason", "x" * 256], 2, "at most 255 characters"),
        ],
    )
    def test_refuses_what_makes_no_sense(self, arguments: list[str], code: int, words: str) -> None:
        returned, said, _, _ = refused(*arguments)
        assert returned == code
        assert words in said
        assert not JobPause.objects.exists()

    def test_does_the_others_when_one_cannot_be(self) -> None:
        jobs("pause", "sample_one")
        code, said, out, _ = refused("pause", "sample_one", "sample_many", "--json")
        assert (code, said) == (1, "sample_one is paused already.")
        assert [found["done"] for found in objects(out)] == [False, True]


@pytest.mark.django_db
class TestTypes:
    def test_tells_the_rules_and_the_pauses(self) -> None:
        jobs("pause", "sample_short", "--reason", "why not")
        lines = {line.split()[0]: line for line in jobs("types")[0].splitlines()}
        assert "time-out 200 milliseconds" in lines["sample_short"]
        assert "why not" in lines["sample_short"]
        assert "1 at a time" in lines["sample_one_at_a_time"]
        assert "3 in 1 minute" in lines["sample_three_a_minute"]
        assert "never run twice" in lines["sample_once_only"]
        assert "1 retry; priority 4; expires after 2 hours" in lines["sample_with_defaults"]

    def test_has_them_in_json_for_programs(self) -> None:
        found = {entry["job_type"]: entry for entry in objects(jobs("types", "--json")[0])}
        assert found["sample_three_a_minute"]["rate_count"] == 3
        assert found["sample_three_a_minute"]["rate_seconds"] == 60
        assert found["sample_one"]["pause"] is None
