"""`manage.py recurring`."""

import json
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from importlib import import_module
from io import StringIO
from typing import Any

import pytest
import time_machine
from django.core.management import call_command
from django.core.management.base import CommandError
from django_q.models import Schedule

from jobs import recurring, runs
from jobs.models import RecurringRun, ScheduledJob
from tests.jobs.factories import NOW
from tests.jobs.sample.handlers import Planned

HOUR = timedelta(hours=1)


class Person(StringIO):
    """Somebody at a terminal, who types this."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _one_declared(db: None) -> Iterator[None]:
    kept = dict(recurring._declared)
    recurring._declared.clear()
    recurring.register(
        "hourly", job_type="sample_planned", payload=Planned(), every=HOUR, describe="Notes the planned time."
    )
    Schedule.objects.all().delete()
    with time_machine.travel(NOW, tick=False):
        recurring.align_schedules()
        Schedule.objects.filter(name="hourly").update(next_run=NOW + HOUR)
        yield
    recurring._declared.clear()
    recurring._declared.update(kept)


def command(*arguments: str) -> tuple[str, str]:
    """What the command writes as results and as problems."""
    out, err = StringIO(), StringIO()
    call_command("recurring", *arguments, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def refused(*arguments: str) -> tuple[int, str]:
    """The exit code and the sentence of a command that did not do it all."""
    with pytest.raises(CommandError) as raised:
        command(*arguments)
    return raised.value.returncode, str(raised.value)


def objects(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


class TestRecurringList:
    def test_says_it_in_words(self) -> None:
        recurring.run_now("hourly", now=NOW)
        heading, line = command("list", "--zone", "Europe/Berlin")[0].splitlines()
        assert heading.split() == ["Name", "State", "Runs", "Last", "result", "Next", "run"]
        assert line.split("  ")[:2] == ["hourly", "on"]
        for part in ("every hour", "pending", "Mon 2026-05-04 15:00 CEST (+02:00)"):
            assert part in line

    def test_prints_one_object_a_line_with_times_in_the_zone(self) -> None:
        (found,) = objects(command("list", "--json", "--zone", "Europe/Berlin")[0])
        assert (found["name"], found["state"], found["last"]) == ("hourly", "on", None)
        assert found["next_run"] == "2026-05-04T15:00:00+02:00"

    def test_shows_what_no_app_declares_any_more(self) -> None:
        recurring._declared.clear()
        recurring.align_schedules()
        (found,) = objects(command("list", "--json")[0])
        assert (found["state"], found["next_run"]) == ("undeclared", None)

    def test_takes_the_communitys_zone_unless_told(self, settings: Any) -> None:
        settings.SCHEDULER_TIMEZONE = "Asia/Tokyo"
        assert "22:00 JST (+09:00)" in command("list")[0]

    def test_refuses_an_unknown_zone_as_wrong_usage(self, settings: Any) -> None:
        code, sentence = refused("list", "--zone", "Mars/Base")
        assert code == 2
        assert "'Mars/Base' is not a known time zone" in sentence
        settings.SCHEDULER_TIMEZONE = "Mars/Base"
        assert refused("list")[0] == 2


class TestRecurringShow:
    def test_shows_the_next_ten_over_the_change_of_clocks(self) -> None:
        autumn = datetime.fromisoformat("2026-10-24T22:00:00+00:00")
        Schedule.objects.update(next_run=autumn)
        out, _ = command("show", "hourly", "--zone", "Europe/Berlin")
        times = [line.strip() for line in out.split("Next runs, in Europe/Berlin\n")[1].splitlines() if "2026" in line]
        assert len(times) == 10
        assert times[2:4] == ["Sun 2026-10-25 02:00 CEST (+02:00)", "Sun 2026-10-25 02:00 CET (+01:00)"]
        for part in ("Notes the planned time.", "every hour", "catch-up: once", "No run yet."):
            assert part in out

    def test_shows_the_latest_runs_and_their_ends(self) -> None:
        run = recurring.run_now("hourly", now=NOW)
        ScheduledJob.objects.update(
            status="failed", started_at=NOW, completed_at=NOW + timedelta(seconds=2), error_message="it\x1bbroke"
        )
        runs.skip("hourly", NOW - HOUR, because="for the test", now=NOW - HOUR)
        out, _ = command("show", "hourly")
        for part in (str(run.job_id), "2,000 ms", "it\\x1bbroke", "skipped", "for the test", "manual"):
            assert part in out
        (found,) = objects(command("show", "hourly", "--json")[0])
        assert [one["status"] for one in found["runs"]] == ["failed", "skipped"]
        assert (len(found["next_runs"]), found["last"]["duration_ms"]) == (10, 2000)

    def test_knows_no_other_names(self) -> None:
        assert refused("show", "nothing") == (1, "No recurring work is called 'nothing' (known: hourly).")
        assert refused("show", "a\x00b")[0] == 2


class TestUsage:
    @pytest.mark.parametrize("arguments", [["recurring"], ["recurring", "dance"], ["cleanup", "--days", "x"]])
    def test_is_told_in_one_sentence(self, arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
        module = import_module(f"jobs.management.commands.{arguments[0]}")
        with pytest.raises(SystemExit) as ended:
            module.Command().run_from_argv(["manage.py", *arguments])
        told = capsys.readouterr().err
        assert ended.value.code == 2
        assert told.startswith(f"manage.py {arguments[0]}: ")
        assert told.count("\n") == 1


class TestRecurringChanges:
    def test_disable_and_enable(self) -> None:
        assert command("disable", "hourly")[0] == "Disabled: hourly\n"
        assert "No run is planned." in command("show", "hourly")[0]
        assert refused("disable", "hourly") == (1, "hourly is disabled already.")
        assert command("enable", "hourly")[0] == "Enabled: hourly, next run Mon 2026-05-04 13:00 UTC (+00:00)\n"
        assert refused("enable", "hourly") == (1, "hourly is enabled already.")

    def test_say_what_makes_a_missing_schedule(self) -> None:
        Schedule.objects.all().delete()
        for action in ("disable", "enable"):
            assert refused(action, "hourly") == (1, "hourly has no schedule; `manage.py migrate` makes it.")

    def test_run_once_until_it_ended(self) -> None:
        assert command("run", "hourly")[0].startswith("Enqueued: hourly, job ")
        code, sentence = refused("run", "hourly")
        assert code == 1
        assert "another run is still pending" in sentence

    def test_do_the_others_when_one_cannot_be_done(self) -> None:
        out, err = StringIO(), StringIO()
        with pytest.raises(CommandError, match="1 of 2 could not be changed"):
            call_command("recurring", "disable", "nothing", "hourly", "--json", stdout=out, stderr=err)
        assert [one["done"] for one in objects(out.getvalue())] == [False, True]
        assert "'nothing'" in err.getvalue()


class TestRecurringBackfill:
    span = ("--start", "2026-05-04T09:00:00Z", "--end", "2026-05-04T13:00:00+02:00")

    def test_shows_what_it_would_do(self) -> None:
        out, err = command("backfill", "hourly", *self.span, "--dry-run")
        assert [line[:20] for line in out.splitlines()] == [f"Mon 2026-05-04 {hour:02}:00" for hour in (9, 10, 11)]
        assert err == "Planned times without a run: 3; with their run: 0.\n"
        (found,) = objects(command("backfill", "hourly", *self.span, "--dry-run", "--json")[0])
        assert found["times"][0] == "2026-05-04T09:00:00+00:00"
        assert not RecurringRun.objects.exists()

    def test_does_nothing_unless_somebody_says_yes(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sys, "stdin", StringIO("y\n"))
        code, sentence = refused("backfill", "hourly", *self.span)
        assert code == 2
        assert "3 runs of hourly" in sentence
        assert "Add --yes" in sentence
        monkeypatch.setattr(sys, "stdin", Person("\n"))
        assert refused("backfill", "hourly", *self.span) == (1, "Nothing was enqueued.")
        assert not RecurringRun.objects.exists()
        monkeypatch.setattr(sys, "stdin", Person("y\n"))
        assert command("backfill", "hourly", *self.span)[0].startswith("Enqueued: 0, skipped: 0\nWaiting: 3, for job ")

    def test_says_what_it_did_by_overlap(self) -> None:
        out, _ = command("backfill", "hourly", *self.span, "--overlap", "skip", "--yes")
        assert out == "Enqueued: 1, skipped: 2\n"
        ScheduledJob.objects.update(status="completed", completed_at=NOW)
        found = objects(command("backfill", "hourly", *self.span, "--overlap", "allow", "--yes", "--json")[0])
        assert [bool(one["job_id"]) for one in found] == [True, True]
        assert command("backfill", "hourly", *self.span, "--yes")[1].startswith("Planned times without a run: 0; with")

    @pytest.mark.parametrize(
        ("arguments", "code", "told"),
        [
            (["nothing", "--start", "2026-05-04T09:00:00Z"], 1, "No recurring work is called 'nothing'"),
            (["hourly"], 2, "--start"),
            (["hourly", "--start", "2026-05-04T09:00:00"], 2, "say which time zone is meant"),
            (["hourly", "--start", "soon"], 2, "is not a time"),
            (["hourly", "--start", "2026-05-04T13:00:00Z"], 2, "must not lie after the end"),
            (["hourly", "--start", "2026-05-04T09:00:00Z", "--end", "2026-05-05T09:00:00Z"], 2, "in the future"),
            (["hourly", "--start", "2026-01-04T09:00:00Z"], 2, "more than 1,000 planned times"),
            (["hourly", "--start", "2020-05-04T09:00:00Z"], 2, "lies more than 365 days back"),
            (["hourly", "--start", "2026-05-04T09:00:00Z", "--overlap", "maybe"], 2, "invalid choice"),
        ],
    )
    def test_refuses_in_one_sentence(self, arguments: list[str], code: int, told: str) -> None:
        found = refused("backfill", *arguments, "--yes")
        assert found[0] == code
        assert told in found[1]
        assert "\n" not in found[1]
