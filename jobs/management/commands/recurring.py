"""`manage.py recurring list|show|enable|disable|run|backfill`: recurring work, in words, from a shell."""

import sys
from argparse import ArgumentTypeError
from collections.abc import Callable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.core.management.base import CommandError, CommandParser
from rich.text import Text

from jobs import backfill, conf, recurring, runs, terminal, timing
from jobs.models import JobStatus
from jobs.recurring import Entry, State
from jobs.runs import Overlap, Report

SHOWN_RUNS = 20
DECISION = ("planned_at", "job_id", "backfill_id", "skipped_because")
STATE_COLORS = {State.ON: "green", State.DISABLED: "yellow", State.UNDECLARED: "red", State.MISSING: "red"}


class Command(terminal.ActionCommand):
    help = (
        "Look at recurring work and change when it runs. Schedules run in UTC; times are shown in a zone. Results go "
        "to standard output, problems to standard error. Exit codes: 0, all done; 1, a name is unknown or its state "
        "does not allow it; 2, wrong usage."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        actions = self.begin(parser, "list", "show", "enable", "disable", "run", "backfill")
        _add(actions, "list", "List recurring work with its last result and next run. --json: one object per line.")
        one = _add(
            actions, "show", "Show one: its next ten run times and its latest runs. --json: one object for all of it."
        )
        one.add_argument("name", metavar="NAME", type=terminal.text, help="The recurring work.")
        for name, sentence in {
            "enable": "Plan runs again, from the next planned time on; those of the pause do not count as missed.",
            "disable": "Plan no more runs, until it is enabled. What is enqueued already still runs.",
            "run": "Enqueue a run now, beside the plan, unless one is pending or running.",
        }.items():
            several = terminal.action(actions, name, f"{sentence} --json: one object per line, for each name.")
            several.add_argument("names", nargs="+", metavar="NAME", type=terminal.text, help="The recurring work.")
        _add_backfill(actions)

    def act(self, action: str, options: dict[str, Any]) -> None:
        """Do one action. A zone that does not exist is wrong usage, wherever its name comes from."""
        try:
            self.zone: ZoneInfo = options.get("zone") or timing.find_zone(conf.current().timezone)
            if action in CHANGES:
                self._change(CHANGES[action], list(dict.fromkeys(options["names"])))
            else:
                getattr(self, f"_{action}")(options)
        except timing.UnknownZone as error:
            raise CommandError(str(error), returncode=terminal.USAGE) from None
        except recurring.UnknownRecurring as error:
            raise CommandError(str(error)) from None

    def _list(self, options: dict[str, Any]) -> None:
        found = recurring.entries()
        if self.is_json:
            self.write_objects(self._as_json(entry) for entry in found)
            return
        table = terminal.table("Name", "State", "Runs", "Last result", "Next run")
        for entry in found:
            table.add_row(
                Text(terminal.printable(entry.name)),
                Text(entry.state, style=STATE_COLORS[entry.state]),
                Text(terminal.printable(entry.words)),
                self._result(entry.last),
                Text(self._time(entry.next_run)),
            )
        self.draw(table)

    def _show(self, options: dict[str, Any]) -> None:
        entry = recurring.find_entry(options["name"])
        latest = runs.latest(entry.name, SHOWN_RUNS)
        following = entry.following(now=self.now)
        if self.is_json:
            times = [moment.astimezone(self.zone) for moment in following]
            reports = [runs.as_json(report) for report in latest]
            self.write_objects([{**self._as_json(entry), "next_runs": times, "runs": reports}])
            return
        self._fields(entry)
        self.stdout.write(f"\nNext runs, in {self.zone.key}" if following else "\nNo run is planned.")
        for moment in following:
            self.stdout.write(f"  {timing.in_zone(moment, self.zone)}")
        if not latest:
            self.stdout.write("\nNo run yet.")
            return
        table = terminal.table("Planned", "Origin", "Status", "Took", "Job", "Remark")
        for report in latest:
            table.add_row(
                Text(self._time(report.run.planned_at)),
                Text(report.run.origin),
                _status(report.status),
                Text(_took(report)),
                Text(terminal.printable(report.run.job_id or terminal.NOTHING)),
                Text(terminal.printable(report.error or terminal.NOTHING)),
            )
        self.stdout.write("\nLatest runs")
        self.draw(table)

    def _fields(self, entry: Entry) -> None:
        table = terminal.pairs()
        table.add_row("name", Text(terminal.printable(entry.name)))
        table.add_row("does", Text(entry.describe or terminal.NOTHING))
        table.add_row("state", Text(entry.state, style=STATE_COLORS[entry.state]))
        table.add_row("runs", Text(terminal.printable(entry.words)))
        if entry.work is not None:
            table.add_row("job type", Text(entry.work.job_type))
            table.add_row("missed times", Text(f"catch-up: {entry.work.catch_up}"))
        table.add_row("last result", self._result(entry.last))
        filling = runs.progress(entry.name)
        if filling is not None:
            words = f"{filling.enqueued} enqueued, {filling.waiting} waiting: job {filling.backfill_id}"
            table.add_row("backfill", Text(words))
        self.draw(table)

    def _change(self, change: Callable[["Command", str], str], names: list[str]) -> None:
        problems = []
        for name in names:
            done, problem = None, None
            try:
                done = change(self, name)
            except (recurring.UnknownRecurring, recurring.StillLive, CommandError) as error:
                problem = str(error)
                problems.append(problem)
            if self.is_json:
                self.write_objects([{"name": name, "done": problem is None, "problem": problem, "told": done}])
            elif done:
                self.stdout.write(done)
        if len(names) > 1:
            for problem in problems:
                self.stderr.write(problem)
        if problems:
            raise CommandError(
                problems[0] if len(names) == 1 else f"{len(problems)} of {len(names)} could not be changed."
            )

    def _enable(self, name: str) -> str:
        if not recurring.enable(name, now=self.now):
            raise CommandError(f"{name} is enabled already.")
        return f"Enabled: {name}, next run {self._time(recurring.find_entry(name).next_run)}"

    def _disable(self, name: str) -> str:
        if not recurring.disable(name):
            raise CommandError(f"{name} is disabled already.")
        return f"Disabled: {name}"

    def _run(self, name: str) -> str:
        return f"Enqueued: {name}, job {recurring.run_now(name, now=self.now).job_id}"

    def _backfill(self, options: dict[str, Any]) -> None:
        name, overlap = options["name"], Overlap(options["overlap"])
        span = {"start": options["start"], "end": options["end"] or self.now}
        try:
            plan = backfill.plan(name, now=self.now, **span)
            if options["dry_run"] or not plan.times:
                self._tell_plan(name, plan)
                return
            self._confirm(name, plan, overlap, is_sure=options["yes"])
            taken = backfill.backfill(name, overlap=overlap, now=self.now, **span)
        except backfill.InvalidBackfill as error:
            raise CommandError(str(error), returncode=terminal.USAGE) from None
        if self.is_json:
            self.write_objects({field: getattr(run, field) for field in DECISION} for run in taken)
            return
        enqueued = [run for run in taken if run.job_id]
        waiting = [run for run in taken if run.job_id is None and run.backfill_id]
        self.stdout.write(f"Enqueued: {len(enqueued)}, skipped: {len(taken) - len(enqueued) - len(waiting)}")
        if waiting:
            queue = waiting[0].backfill_id
            self.stdout.write(f"Waiting: {len(waiting)}, for job {queue}; `manage.py jobs cancel {queue}` stops it")

    def _tell_plan(self, name: str, plan: backfill.Plan) -> None:
        if self.is_json:
            times = [moment.astimezone(self.zone) for moment in plan.times]
            self.write_objects([{"name": name, "times": times, "present": plan.present}])
            return
        for moment in plan.times:
            self.stdout.write(timing.in_zone(moment, self.zone))
        self.remark(f"Planned times without a run: {len(plan.times)}; with their run: {plan.present}.")

    def _confirm(self, name: str, plan: backfill.Plan, overlap: Overlap, *, is_sure: bool) -> None:
        if is_sure:
            return
        count = "1 run" if len(plan.times) == 1 else f"{len(plan.times):,} runs"
        first, last = (timing.in_zone(moment, self.zone) for moment in (plan.times[0], plan.times[-1]))
        sentence = f"This makes up for {count} of {name}, {first} to {last}, overlap: {overlap}."
        if not sys.stdin.isatty():
            raise CommandError(f"{sentence} Add --yes if that is meant.", returncode=terminal.USAGE)
        self.stderr.write(f"{sentence} Go on? [y/N] ", ending="")
        self.stderr.flush()
        if sys.stdin.readline().strip().lower() not in {"y", "yes"}:
            raise CommandError("Nothing was enqueued.")

    def _as_json(self, entry: Entry) -> dict[str, Any]:
        last, next_run = entry.last, entry.next_run
        return {
            "name": entry.name,
            "describe": entry.describe,
            "state": str(entry.state),
            "runs": entry.words,
            "job_type": entry.work.job_type if entry.work else None,
            "catch_up": str(entry.work.catch_up) if entry.work else None,
            "next_run": next_run.astimezone(self.zone) if next_run else None,
            "last": runs.as_json(last) if last else None,
        }

    def _result(self, report: Report | None) -> Text:
        if report is None:
            return Text(terminal.NOTHING)
        words = _status(report.status)
        if report.ended_at:
            words.append(f" {terminal.relative(report.ended_at, self.now)}", style="default")
        return words

    def _time(self, moment: datetime | None) -> str:
        return timing.in_zone(moment, self.zone) if moment else terminal.NOTHING


CHANGES: dict[str, Callable[[Command, str], str]] = {
    "enable": Command._enable,  # noqa: SLF001 - its own
    "disable": Command._disable,  # noqa: SLF001
    "run": Command._run,  # noqa: SLF001
}


def _status(status: str) -> Text:
    return terminal.status(status) if status in JobStatus.values else Text(status, style="yellow")


def _took(report: Report) -> str:
    return terminal.NOTHING if report.duration is None else terminal.milliseconds(report.duration.total_seconds() * 1e3)


def _add(actions: Any, name: str, sentence: str) -> CommandParser:
    parser = terminal.action(actions, name, sentence)
    parser.add_argument(
        "--zone", type=_zone, help="Show times in this zone, like Europe/Berlin (default SCHEDULER_TIMEZONE, or UTC)."
    )
    return parser


def _add_backfill(actions: Any) -> None:
    parser = _add(
        actions,
        "backfill",
        "Enqueue runs for planned times, by the schedule as it is now, that have none or whose run was skipped. "
        f"At most {backfill.MOST:,} at once. --json: one object per run.",
    )
    parser.add_argument("name", metavar="NAME", type=terminal.text, help="The recurring work.")
    parser.add_argument(
        "--start",
        type=terminal.moment,
        required=True,
        metavar="TIME",
        help="The first, like 2027-03-01T09:00:00+01:00.",
    )
    parser.add_argument("--end", type=terminal.moment, metavar="TIME", help="The last (default now).")
    parser.add_argument(
        "--overlap",
        choices=[str(overlap) for overlap in Overlap],
        default=str(Overlap.QUEUE),
        help="While another run is live: queue (default) enqueues one after the other, allow all at once, skip none.",
    )
    parser.add_argument("--dry-run", action="store_true", help="Only show the planned times that need a run.")
    parser.add_argument("--yes", action="store_true", help="Do not ask.")


def _zone(value: str) -> ZoneInfo:
    try:
        return timing.find_zone(value)
    except timing.UnknownZone as error:
        raise ArgumentTypeError(str(error)) from None
