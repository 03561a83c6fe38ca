"""`manage.py jobs list|show|cancel|retry|run|stats`: look at the queue, and change jobs, from a shell."""

import json
import os
import sys
from argparse import ArgumentTypeError
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from io import StringIO
from shlex import quote
from shutil import get_terminal_size
from typing import Any, NoReturn

import humanize
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from jobs import lifecycle, stats
from jobs.models import JobExecution, JobStatus, ScheduledJob

NOTHING = "-"
USAGE = 2
READER_GONE = 141  # what a shell says of a program that SIGPIPE ended
UUID_WIDTH = 36
NARROWEST = 80
MOST_LISTED = 10_000
COLORS = {
    JobStatus.PENDING: "cyan",
    JobStatus.RUNNING: "blue",
    JobStatus.COMPLETED: "green",
    JobStatus.FAILED: "red",
    JobStatus.CANCELLED: "dim",
    JobStatus.EXPIRED: "yellow",
    JobStatus.UNKNOWN: "magenta",
}
SHOWN = (
    "job_id",
    "job_type",
    "status",
    "scheduled_time",
    "next_attempt_at",
    "expires_at",
    "created_at",
    "started_at",
    "completed_at",
    "error_message",
    "retry_count",
    "max_retries",
    "priority",
    "unique_key",
    "worker",
    "payload",
)
ATTEMPT = ("attempt", "status", "execution_time", "duration_ms", "worker", "error_message")


@dataclass(frozen=True)
class Change:
    """Something done to jobs: the call, what it needs, and what it did, in words."""

    apply: Callable[..., bool]
    needed: str
    participle: str
    done: str


CHANGES = {
    "cancel": Change(lifecycle.cancel_job, "pending", "cancelled", "Cancelled"),
    "retry": Change(lifecycle.retry_job, "failed, expired or unknown", "retried", "Pending again"),
    "run": Change(lifecycle.run_now, "pending", "made due", "Due now"),
}


class Parser(CommandParser):
    """Says what is wrong with the arguments in one sentence, without the usage before it."""

    def error(self, message: str) -> NoReturn:
        """End with the code for wrong usage."""
        if self.called_from_command_line:
            self.exit(USAGE, f"{self.prog}: {message}\n")
        raise CommandError(message, returncode=USAGE)


class Command(BaseCommand):
    help = (
        "Look at the queue and change jobs. Results go to standard output, problems to standard error. Exit codes: "
        "0, all done; 1, a job could not be found or changed; 2, wrong usage."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.usage = "%(prog)s [--help] list|show|cancel|retry|run|stats ..."
        actions = parser.add_subparsers(
            dest="action",
            prog=parser.prog,
            required=True,
            metavar="list|show|cancel|retry|run|stats",
            parser_class=Parser,
        )
        _add_list(actions)
        one = _add(actions, "show", "Show one job: every field, its payload and its attempts. --json: one object.")
        one.add_argument("job_id", metavar="ID", type=_text, help="The job's id.")
        for name, sentence in {
            "cancel": "Cancel pending jobs: they will not run. A running job is not stopped.",
            "retry": "Make failed, expired or unknown jobs pending again, due now, with all their retries. An unknown "
            "job may have done its work: look first, this may do it twice.",
            "run": "Make pending jobs due now. They run when a cluster takes them, as always; this command runs none.",
        }.items():
            several = _add(actions, name, f"{sentence} --json: one object per line, for each job.")
            several.add_argument("job_ids", nargs="+", metavar="ID", type=_text, help="The jobs' ids.")
        _add(
            actions,
            "stats",
            "Show the scheduler's health and figures: jobs by state, the last 24 hours' attempts, how late they "
            "started. --json: one object.",
        )

    def handle(self, *, action: str, **options: Any) -> None:
        self._json: bool = options["json"]
        self._has_color = options["force_color"] or (self.stdout.isatty() and not options["no_color"])
        self._now = timezone.now()
        try:
            if action in CHANGES:
                self._change(CHANGES[action], list(dict.fromkeys(options["job_ids"])))
            else:
                getattr(self, f"_{action}")(**options)
            self.stdout.flush()
        except BrokenPipeError:
            # Whoever read the results has gone, as `head` does. Python would complain once more at its end.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(READER_GONE)

    def _list(self, *, after: str | None, limit: int, **options: Any) -> None:
        jobs = stats.list_jobs(
            status=JobStatus(options["status"]) if options["status"] else None,
            job_type=options["type"],
            due_before=options["due_before"],
            after=_find(after).job if after else None,
            limit=limit,
        )
        if self._json:
            self._write_objects(_fields(job, SHOWN) for job in jobs)
            return
        if not jobs:
            self._note("There are no such jobs.")
            return
        table = _table("Status", "Due", "Retries", "Type", "Id")
        for column in table.columns[:3]:
            column.no_wrap = True
        # On a narrow terminal the type is folded, not the id, unless that is longer than ours are.
        table.columns[-1].no_wrap = all(len(_printable(job.job_id)) <= UUID_WIDTH for job in jobs)
        for job in jobs:
            table.add_row(
                _status(job.status),
                Text(_relative(job.next_attempt_at, self._now)),
                Text(f"{job.retry_count}/{job.max_retries}"),
                Text(_printable(job.job_type)),
                Text(_printable(job.job_id)),
            )
        self._draw(table)
        if len(jobs) == limit:
            self._note(f"There may be more: add --after {quote(_printable(jobs[-1].job_id))}")

    def _show(self, *, job_id: str, **options: Any) -> None:
        report = _find(job_id)
        if self._json:
            attempts = [_fields(attempt, ATTEMPT) for attempt in report.attempts]
            self._write_objects([{**_fields(report.job, SHOWN), "attempts": attempts}])
            return
        fields = _pairs()
        for name in SHOWN:
            fields.add_row(name.replace("_", " "), self._cell(name, getattr(report.job, name)))
        self._draw(fields)
        if not report.attempts:
            self.stdout.write("\nNo attempt yet.")
            return
        attempts_table = _table("Attempt", "Status", "Started", "Took", "Worker", "Error")
        for attempt in report.attempts:
            attempts_table.add_row(
                str(attempt.attempt),
                _status(attempt.status),
                self._cell("", attempt.execution_time),
                Text(_milliseconds(attempt.duration_ms)),
                Text(_printable(attempt.worker) or NOTHING),
                Text(_printable(attempt.error_message or NOTHING)),
            )
        self.stdout.write("")
        self._draw(attempts_table)

    def _change(self, change: Change, job_ids: list[str]) -> None:
        problems = []
        for job_id in job_ids:
            problem = None if change.apply(job_id, now=self._now) else _refusal(change, job_id)
            if problem:
                problems.append(problem)
            # Written one by one: what was done is known even when the next one cannot be tried.
            if self._json:
                self._write_objects([{"job_id": job_id, "done": problem is None, "problem": problem}])
            elif problem is None:
                self.stdout.write(f"{change.done}: {job_id}")
        if len(job_ids) > 1:
            for problem in problems:
                self.stderr.write(problem)
        if problems:
            count = f"{len(problems)} of {len(job_ids)} jobs could not be {change.participle}."
            raise CommandError(problems[0] if len(job_ids) == 1 else count)

    def _stats(self, **options: Any) -> None:
        figures = stats.scheduler_stats(now=self._now)
        if self._json:
            self._write_objects([asdict(figures)])
            return
        health, day = figures.health, figures.day
        engine = "running" if health.running else "not running" if health.enabled else "switched off"
        since = "the last 24 hours"
        if self._now - day.since < stats.DAY:
            since = f"{_exact(day.since)} on (the newest {stats.MOST_ATTEMPTS:,} attempts)"
        rate = NOTHING if day.success_rate is None else f"{day.success_rate:.1%}"
        sections: dict[str, dict[str, str]] = {
            "Scheduler": {
                "state": engine,
                "live clusters": f"{health.clusters:,}",
                "due now": f"{figures.queue_depth:,}",
                "oldest due": _relative(health.oldest_due_at, self._now),
                "handlers": ", ".join(figures.handlers) or NOTHING,
            },
            "Jobs": {
                status: f"about {found.count:,}" if found.is_estimate else f"{found.count:,}"
                for status, found in figures.jobs.items()
            },
            f"Attempts of {since}": {
                "executions": f"{day.executions:,}",
                "successes": f"{day.successes:,} ({rate})" if day.executions else "0",
                "failures": f"{day.failures:,}",
                "unknown": f"{day.unknown:,}",
                "expired, not run": f"{day.expired:,}",
                "duration": f"{_milliseconds(day.average_ms)} on average, p95 {_milliseconds(day.p95_ms)}",
                "started late by": f"p50 {_seconds(day.lateness_p50)}, p99 {_seconds(day.lateness_p99)}",
            },
        }
        for number, (title, pairs) in enumerate(sections.items()):
            self.stdout.write(("\n" if number else "") + title)
            table = _pairs()
            for name, value in pairs.items():
                table.add_row(f"  {name}", Text(value))
            self._draw(table)

    def _cell(self, name: str, value: object) -> RenderableType:
        """Show one value of a job as people read it."""
        if value is None:
            return NOTHING
        if isinstance(value, datetime):
            return Text(f"{_exact(value)} ({_relative(value, self._now)})")
        if name == "status":
            return _status(str(value))
        if name == "payload":
            return Text(_printable(json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False)))
        return Text(_printable(str(value)))

    def _draw(self, table: Table) -> None:
        """Write a table: in color and to the terminal's width there; plain, and never folded, elsewhere."""
        drawn = StringIO()
        console = Console(
            file=drawn,
            force_terminal=self._has_color,
            no_color=not self._has_color,
            width=max(NARROWEST, get_terminal_size().columns) if self.stdout.isatty() else 10_000,
            highlight=False,
        )
        console.print(table)
        lines = drawn.getvalue().splitlines()
        self.stdout.write("\n".join(line.rstrip() for line in lines))

    def _note(self, sentence: str) -> None:
        """Tell a person something that is neither a result nor a problem."""
        self.stderr.write(sentence, lambda text: text)

    def _write_objects(self, objects: Iterable[dict[str, Any]]) -> None:
        for found in objects:
            self.stdout.write(json.dumps(found, default=_json_value))
        self.stdout.flush()


def _add(actions: Any, name: str, sentence: str) -> CommandParser:
    parser: CommandParser = actions.add_parser(name, help=sentence, description=sentence)
    parser.add_argument("--json", action="store_true", help="Print JSON; times are ISO 8601 with their zone.")
    return parser


def _add_list(actions: Any) -> None:
    parser = _add(actions, "list", "List jobs, the latest scheduled time first. --json: one object per line.")
    statuses = JobStatus.values
    parser.add_argument("--status", choices=statuses, metavar="STATUS", help=f"One of {', '.join(statuses)}.")
    parser.add_argument("--type", type=_text, help="Only jobs of this type.")
    parser.add_argument(
        "--due-before",
        type=_moment,
        metavar="TIME",
        help="Only jobs whose next attempt is due before this time, like 2027-03-01T09:00:00+01:00. An ended job "
        "counts with its latest attempt; add --status pending for what is still to run.",
    )
    parser.add_argument("--limit", type=_limit, default=50, help="At most so many (default 50).")
    parser.add_argument("--after", type=_text, metavar="ID", help="Go on behind this job, the last of a list before.")


def _text(value: str) -> str:
    if not value or "\x00" in value or not value.encode(errors="ignore") == value.encode(errors="surrogateescape"):
        raise ArgumentTypeError("write one or more characters of UTF-8.")
    return value


def _moment(value: str) -> datetime:
    try:
        moment = parse_datetime(value)
    except ValueError:
        moment = None
    if moment is None:
        raise ArgumentTypeError(f"{value!r} is not a time; write it like 2027-03-01T09:00:00+01:00.")
    if timezone.is_naive(moment):
        raise ArgumentTypeError(f"say which time zone is meant: end {value!r} with Z or an offset, like +01:00.")
    return moment


def _limit(value: str) -> int:
    if not value.isascii() or not value.isdigit() or not 1 <= int(value[:9]) <= MOST_LISTED:
        raise ArgumentTypeError(f"write a whole number from 1 to {MOST_LISTED:,}, not {value!r}.")
    return int(value)


def _find(job_id: str) -> stats.JobReport:
    report = stats.job_status(job_id)
    if report is None:
        raise CommandError(f"No job has the id {job_id}.")
    return report


def _refusal(change: Change, job_id: str) -> str:
    report = stats.job_status(job_id)
    if report is None:
        return f"No job has the id {job_id}."
    return f"Job {job_id} is {report.job.status}; only a {change.needed} job can be {change.participle}."


def _fields(row: ScheduledJob | JobExecution, names: Iterable[str]) -> dict[str, Any]:
    return {name: getattr(row, name) for name in names}


def _json_value(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no form in JSON.")


def _table(*headings: str) -> Table:
    table = Table(box=None, pad_edge=False)
    for heading in headings:
        table.add_column(heading, overflow="fold")
    return table


def _pairs() -> Table:
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    return table


def _status(status: str) -> Text:
    return Text(status, style=COLORS[JobStatus(status)])


def _printable(text: str) -> str:
    """Spell out control characters: a stored text must not steer somebody's terminal."""
    return "".join(mark if mark.isprintable() or mark == "\n" else ascii(mark)[1:-1] for mark in text)


def _exact(moment: datetime) -> str:
    return f"{timezone.localtime(moment):%Y-%m-%d %H:%M:%S %Z}"


def _relative(moment: datetime | None, now: datetime) -> str:
    if moment is None:
        return NOTHING
    distance = humanize.naturaldelta(moment - now)
    if abs(moment - now) < timedelta(seconds=1):
        return "now"
    return f"in {distance}" if moment > now else f"{distance} ago"


def _milliseconds(value: float | None) -> str:
    return NOTHING if value is None else f"{value:,.0f} ms"


def _seconds(value: float | None) -> str:
    return NOTHING if value is None else f"{value:,.3f} s"
