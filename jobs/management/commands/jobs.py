"""`manage.py jobs list|show|cancel|retry|run|stats|types|pause|resume`: look at the queue and steer it."""

import json
from argparse import ArgumentTypeError
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from getpass import getuser
from shlex import quote
from typing import Any

from django.core.management.base import CommandError, CommandParser
from rich.console import RenderableType
from rich.text import Text

from jobs import lifecycle, pauses, registry, stats, terminal
from jobs.models import JobExecution, JobPause, JobStatus, Report, ScheduledJob

UUID_WIDTH = 36
MOST_LISTED = 10_000
LONGEST_REASON = 255
ATTEMPT = ("attempt", "status", "execution_time", "duration_ms", "worker", "error_message")
REPORT = ("created_at", "report")


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


class Command(terminal.ActionCommand):
    help = (
        "Look at the queue and change jobs. Results go to standard output, problems to standard error. Exit codes: "
        "0, all done; 1, a job could not be found or changed; 2, wrong usage."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        actions = self.begin(parser, "list", "show", "cancel", "retry", "run", "stats", "types", "pause", "resume")
        _add_list(actions)
        one = terminal.action(
            actions, "show", "Show one job: every field, its payload, its attempts and reports. --json: one object."
        )
        one.add_argument("job_id", metavar="ID", type=terminal.text, help="The job's id.")
        for name, sentence in {
            "cancel": "Cancel pending jobs: they will not run. A running job is not stopped.",
            "retry": "Make failed, expired or unknown jobs pending again, due now, with all their retries. An unknown "
            "job may have done its work: look first, this may do it twice.",
            "run": "Make pending jobs due now. They run when a cluster takes them, as always; this command runs none.",
        }.items():
            several = terminal.action(actions, name, f"{sentence} --json: one object per line, for each job.")
            several.add_argument("job_ids", nargs="+", metavar="ID", type=terminal.text, help="The jobs' ids.")
        terminal.action(
            actions,
            "stats",
            "Show the scheduler's health and figures: jobs by state, the last 24 hours' attempts, how late they "
            "started. --json: one object.",
        )
        terminal.action(
            actions, "types", "Show the job types, their rules, and which are paused. --json: one object per line."
        )
        for name, sentence in {
            "pause": "Start no more jobs of these types until they are resumed. What runs already runs on.",
            "resume": "Start jobs of these types again.",
        }.items():
            steering = terminal.action(actions, name, f"{sentence} --json: one object per line, for each type.")
            steering.add_argument("types", nargs="*", metavar="TYPE", type=terminal.text, help="Job types.")
            steering.add_argument("--all", action="store_true", help="Everything, whatever its type, as one pause.")
            if name == "pause":
                steering.add_argument("--reason", type=_reason, help="Why, for those who will wonder.")

    def act(self, action: str, options: dict[str, Any]) -> None:
        """Do one action."""
        if action in CHANGES:
            self._change(CHANGES[action], list(dict.fromkeys(options["job_ids"])))
        elif action in ("pause", "resume"):
            self._steer(action, **options)
        else:
            getattr(self, f"_{action}")(**options)

    def _list(self, *, after: str | None, limit: int, **options: Any) -> None:
        jobs = stats.list_jobs(
            status=JobStatus(options["status"]) if options["status"] else None,
            job_type=options["type"],
            due_before=options["due_before"],
            after=_find(after).job if after else None,
            limit=limit,
        )
        if self.is_json:
            self.write_objects(_fields(job, stats.SHOWN) for job in jobs)
            return
        if not jobs:
            self.remark("There are no such jobs.")
            return
        table = terminal.table("Status", "Due", "Retries", "Type", "Id")
        for column in table.columns[:3]:
            column.no_wrap = True
        # On a narrow terminal the type is folded, not the id, unless that is longer than ours are.
        table.columns[-1].no_wrap = all(len(terminal.printable(job.job_id)) <= UUID_WIDTH for job in jobs)
        for job in jobs:
            table.add_row(
                terminal.status(job.status),
                Text(terminal.relative(job.next_attempt_at, self.now)),
                Text(f"{job.retry_count}/{job.max_retries}"),
                Text(terminal.printable(job.job_type)),
                Text(terminal.printable(job.job_id)),
            )
        self.draw(table)
        if len(jobs) == limit:
            self.remark(f"There may be more: add --after {quote(terminal.printable(jobs[-1].job_id))}")

    def _show(self, *, job_id: str, **options: Any) -> None:
        report = _find(job_id)
        if self.is_json:
            attempts = [_fields(attempt, ATTEMPT) for attempt in report.attempts]
            reports = [_fields(row, REPORT) for row in report.reports]
            self.write_objects([{**_fields(report.job, stats.SHOWN), "attempts": attempts, "reports": reports}])
            return
        fields = terminal.pairs()
        for name in stats.SHOWN:
            fields.add_row(name.replace("_", " "), self._cell(name, getattr(report.job, name)))
        self.draw(fields)
        self._draw_attempts(report.attempts)
        for row in report.reports:
            self.stdout.write(f"\nReport of {terminal.exact(row.created_at)}")
            self.stdout.write(terminal.printable(json.dumps(row.report, indent=2, ensure_ascii=False)))

    def _draw_attempts(self, attempts: list[JobExecution]) -> None:
        if not attempts:
            self.stdout.write("\nNo attempt yet.")
            return
        attempts_table = terminal.table("Attempt", "Status", "Started", "Took", "Worker", "Error")
        for attempt in attempts:
            attempts_table.add_row(
                str(attempt.attempt),
                terminal.status(attempt.status),
                self._cell("", attempt.execution_time),
                Text(terminal.milliseconds(attempt.duration_ms)),
                Text(terminal.printable(attempt.worker) or terminal.NOTHING),
                Text(terminal.printable(attempt.error_message or terminal.NOTHING)),
            )
        self.stdout.write("")
        self.draw(attempts_table)

    def _change(self, change: Change, job_ids: list[str]) -> None:
        problems = []
        for job_id in job_ids:
            problem = None if change.apply(job_id, now=self.now) else _refusal(change, job_id)
            if problem:
                problems.append(problem)
            # Written one by one: what was done is known even when the next one cannot be tried.
            if self.is_json:
                self.write_objects([{"job_id": job_id, "done": problem is None, "problem": problem}])
            elif problem is None:
                self.stdout.write(f"{change.done}: {job_id}")
        if len(job_ids) > 1:
            for problem in problems:
                self.stderr.write(problem)
        if problems:
            count = f"{len(problems)} of {len(job_ids)} jobs could not be {change.participle}."
            raise CommandError(problems[0] if len(job_ids) == 1 else count)

    def _steer(self, action: str, *, types: list[str], reason: str | None = None, **options: Any) -> None:
        if bool(types) == options["all"]:
            raise CommandError("Name job types, or give --all.", returncode=terminal.USAGE)
        who = f"{getuser()} (shell)"
        problems = []
        for job_type in [pauses.EVERYTHING] if options["all"] else dict.fromkeys(types):
            shown = "everything" if job_type == pauses.EVERYTHING else terminal.printable(job_type)
            problem = None
            try:
                if action == "pause" and not pauses.pause(job_type, by=who, reason=reason or "", now=self.now):
                    problem = f"{shown} is paused already."
                elif action == "resume" and not pauses.resume(job_type, by=who):
                    problem = f"{shown} is not paused."
            except registry.UnknownJobType as error:
                problem = str(error)
            if problem:
                problems.append(problem)
            if self.is_json:
                self.write_objects([{"job_type": job_type, "done": problem is None, "problem": problem}])
            elif problem is None:
                self.stdout.write(f"{'Paused' if action == 'pause' else 'Resumed'}: {shown}")
        if problems:
            raise CommandError("\n".join(problems))

    def _types(self, **options: Any) -> None:
        paused = {pause.job_type: pause for pause in pauses.paused()}
        everything = paused.get(pauses.EVERYTHING)
        if everything:
            self.remark(f"Everything is paused, by {everything.paused_by}: nothing is started.")
        drawn = terminal.table("Type", "Paused", "Rules")
        for job_type in registry.job_types():
            policy, pause = registry.find(job_type).policy, paused.get(job_type)
            if self.is_json:
                pause_fields = _fields(pause, ("paused_at", "paused_by", "reason")) if pause else None
                self.write_objects([{"job_type": job_type, **policy.as_json(), "pause": pause_fields}])
                continue
            state = "-"
            if pause:
                why = f": {terminal.printable(pause.reason)}" if pause.reason else ""
                state = f"{terminal.relative(pause.paused_at, self.now)} by {terminal.printable(pause.paused_by)}{why}"
            drawn.add_row(Text(terminal.printable(job_type)), Text(state), Text("; ".join(policy.words())))
        if not self.is_json:
            self.draw(drawn)

    def _stats(self, **options: Any) -> None:
        figures = stats.scheduler_stats(now=self.now)
        if self.is_json:
            self.write_objects([asdict(figures)])
            return
        health, day = figures.health, figures.day
        engine = "running" if health.running else "not running" if health.enabled else "switched off"
        since = "the last 24 hours"
        if self.now - day.since < stats.DAY:
            since = f"{terminal.exact(day.since)} on (the newest {stats.MOST_ATTEMPTS:,} attempts)"
        average = terminal.milliseconds(day.average_ms)
        rate = terminal.NOTHING if day.success_rate is None else f"{day.success_rate:.1%}"
        sections: dict[str, dict[str, str]] = {
            "Scheduler": {
                "state": engine,
                "live clusters": f"{health.clusters:,}",
                "paused": ", ".join(health.paused).replace("*", "everything") or terminal.NOTHING,
                "due now": f"{'more than ' if health.is_due_capped else ''}{figures.queue_depth:,}",
                "oldest due": terminal.relative(health.oldest_due_at, self.now),
                "handlers": ", ".join(figures.handlers) or terminal.NOTHING,
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
                "duration": f"{average} on average, p95 {terminal.milliseconds(day.p95_ms)}",
                "started late by": f"p50 {_seconds(day.lateness_p50)}, p99 {_seconds(day.lateness_p99)}",
            },
        }
        for number, (title, pairs) in enumerate(sections.items()):
            self.stdout.write(("\n" if number else "") + title)
            table = terminal.pairs()
            for name, value in pairs.items():
                table.add_row(f"  {name}", Text(value))
            self.draw(table)

    def _cell(self, name: str, value: object) -> RenderableType:
        """Show one value of a job as people read it."""
        if value is None:
            return terminal.NOTHING
        if isinstance(value, datetime):
            return Text(f"{terminal.exact(value)} ({terminal.relative(value, self.now)})")
        if name == "status":
            return terminal.status(str(value))
        if name == "payload":
            return Text(terminal.printable(json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False)))
        return Text(terminal.printable(str(value)))


def _add_list(actions: Any) -> None:
    parser = terminal.action(
        actions, "list", "List jobs, the latest scheduled time first. --json: one object per line."
    )
    statuses = JobStatus.values
    parser.add_argument("--status", choices=statuses, metavar="STATUS", help=f"One of {', '.join(statuses)}.")
    parser.add_argument("--type", type=terminal.text, help="Only jobs of this type.")
    parser.add_argument(
        "--due-before",
        type=terminal.moment,
        metavar="TIME",
        help="Only jobs whose next attempt is due before this time, like 2027-03-01T09:00:00+01:00. An ended job "
        "counts with its latest attempt; add --status pending for what is still to run.",
    )
    parser.add_argument("--limit", type=_limit, default=50, help="At most so many (default 50).")
    parser.add_argument(
        "--after", type=terminal.text, metavar="ID", help="Go on behind this job, the last of a list before."
    )


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


def _reason(value: str) -> str:
    if len(value) > LONGEST_REASON:
        raise ArgumentTypeError(f"write at most {LONGEST_REASON} characters.")
    return terminal.text(value)


def _fields(row: ScheduledJob | JobExecution | JobPause | Report, names: Iterable[str]) -> dict[str, Any]:
    return {name: getattr(row, name) for name in names}


def _seconds(value: float | None) -> str:
    return terminal.NOTHING if value is None else f"{value:,.3f} s"
