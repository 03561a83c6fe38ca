"""`manage.py import_mediaposter database|files`: take MediaPoster's database and files over."""

import sys
from argparse import ArgumentTypeError, RawDescriptionHelpFormatter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from django.core.management.base import CommandError, CommandParser
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from jobs import terminal
from socialmedia.importing import database, files
from socialmedia.importing.reports import MOST_PROBLEMS, Report
from socialmedia.importing.sources import CannotRead
from socialmedia.shell import quiet

_DATABASE = """\
Take over an existing MediaPoster database: accounts, posts with their check-backs, snapshots, comments, hashtags,
mentions, conversations, messages, the action log, templates and provider calls. It is only read. What is here already
stays as it is; running it again adds what is new, and completes what was cut off.

Posts that MediaPoster still tracked go on being tracked; those that are overdue are checked at once. Stop MediaPoster's
own scheduler first. Nothing is sent to anybody, and messages that MediaPoster had not sent are closed as failed.

If DATABASE_URL names MediaPoster's own database, `migrate` stops at its tables ("already exists"). Put them aside, and
give Checkback a fresh schema:
  psql "$DATABASE_URL" -c 'ALTER SCHEMA public RENAME TO mediaposter' -c 'CREATE SCHEMA public'
  manage.py migrate
  manage.py import_mediaposter database "$DATABASE_URL" --schema mediaposter

Leave the password out of the URL: ~/.pgpass and PGPASSWORD are read, and other people see command lines."""
_FILES = """\
Take over the files of MediaPoster's scripts: tracked_posts/*.json and extracted_data/*.json. Folders are searched.

Long histories are thinned to what was planned: the first entry, the first one at or after each planned time, and the
last. Nobody asked Checkback to go on, so posts whose planned times are not over yet come as stopped; with --resume they
are checked from the next planned time on. Posts that are here already keep their own check-backs."""


class Command(terminal.ActionCommand):
    help = (
        "Take over MediaPoster's database or files. Results go to standard output, problems to standard error. "
        "Exit codes: 0, all was taken; 1, some was left out, or nothing could be read; 2, wrong usage."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        actions = self.begin(parser, "database", "files")
        one = _action(actions, "database", "Take a database over.", _DATABASE)
        one.add_argument("url", metavar="URL", type=terminal.text, help="Like postgresql://user@host:5432/name.")
        one.add_argument("--schema", default="public", type=terminal.text, help="Where its tables are (public).")
        one.add_argument(
            "--settings", action="store_true", help="Replace limits and check-back schedule of here by theirs."
        )
        several = _action(actions, "files", "Take files over.", _FILES)
        several.add_argument("paths", metavar="PATH", nargs="+", type=Path, help="A file, or a folder to search.")
        several.add_argument("--resume", action="store_true", help="Go on with check-backs that are not over.")

    def act(self, action: str, options: dict[str, Any]) -> None:
        """Take it over, and tell what came of it."""
        self._is_trial: bool = options["dry_run"]
        with quiet.quietly():
            report = self._database(options) if action == "database" else self._files(options)
        if self.is_json:
            left_out = report.total_left_out
            self.write_objects([{"dry_run": self._is_trial, "left_out": left_out, **asdict(report)}])
        else:
            self._show(report)
        if report.total_left_out:
            raise CommandError(f"{report.total_left_out:,} could not be taken over; the others were.")

    def _database(self, options: dict[str, Any]) -> Report:
        with _progress() as told:
            try:
                return database.take_over(
                    options["url"],
                    schema=options["schema"],
                    zone=options["timezone"],
                    with_settings=options["settings"],
                    is_trial=self._is_trial,
                    progress=told,
                    now=self.now,
                )
            except CannotRead as error:
                raise CommandError(str(error)) from None

    def _files(self, options: dict[str, Any]) -> Report:
        with _progress() as told:
            return files.take_over(
                options["paths"],
                zone=options["timezone"],
                is_resumed=options["resume"],
                is_trial=self._is_trial,
                progress=told,
                now=self.now,
            )

    def _show(self, report: Report) -> None:
        if self._is_trial:
            self.remark("Dry run: all of this was tried and taken back; nothing was stored.")
        table = terminal.table("Table", "Read", "Added", "Already here", "Left out")
        for column in table.columns[1:]:
            column.justify = "right"
        for name, part in report.tables.items():
            counts = (part.read, part.added, part.known, part.left_out)
            table.add_row(name, *(f"{count:,}" for count in counts))
        if report.tables:
            self.draw(table)
        for name, part in report.tables.items():
            for what, count in sorted(part.changed.items()):
                self.remark(f"{name}: {count:,} x {what}.")
        self._remark_on(report)

    def _remark_on(self, report: Report) -> None:
        if report.missing_tables:
            self.remark(f"Not there: {', '.join(report.missing_tables)}.")
        for name, columns in report.ignored_columns.items():
            self.remark(terminal.printable(f"{name}: no place here for {', '.join(columns)}."))
        for sentence in report.remarks:
            self.remark(terminal.printable(sentence))
        for problem in report.problems:
            self.stderr.write(terminal.printable(problem))
        if report.total_left_out > len(report.problems):
            self.stderr.write(f"These are the first {MOST_PROBLEMS} that were left out.")


def _action(actions: Any, name: str, sentence: str, description: str) -> CommandParser:
    made = terminal.action(actions, name, sentence)
    made.description, made.formatter_class = description, RawDescriptionHelpFormatter
    made.add_argument(
        "--timezone", default=ZoneInfo("UTC"), type=_zone, help="In which zone MediaPoster's times are read (UTC)."
    )
    made.add_argument("--dry-run", action="store_true", help="Try all of it, tell what would come, and store nothing.")
    return made


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError):
        raise ArgumentTypeError(f"{name!r} is not a time zone; write it like Europe/Berlin.") from None


@contextmanager
def _progress() -> Iterator[database.Progress]:
    """Bars on standard error; where that is a file or a pipe, a line for each table."""
    if not sys.stderr.isatty():
        yield _in_lines
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bars:
        tasks: dict[str, Any] = {}

        def told(name: str, done: int, total: int) -> None:
            if name not in tasks:
                tasks[name] = bars.add_task(name, total=total)
            bars.update(tasks[name], completed=done)

        yield told


def _in_lines(name: str, done: int, total: int) -> None:
    if done >= total:
        print(f"{name}: {done:,} read", file=sys.stderr, flush=True)
