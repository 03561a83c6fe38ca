"""`import_chat_export FILE...`: take a community's past in from DiscordChatExporter's JSON files."""

import json
import os
import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from followups import importing
from followups.importing import ImportReport
from socialmedia import exports


class Command(BaseCommand):
    help = (
        "Import the history of Discord channels from JSON files of DiscordChatExporter. Only times are kept, "
        "not words; nobody is opted in. Importing a file again, or a newer one, adds only what is new."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("files", nargs="+", metavar="FILE", help="A JSON export; several are imported in turn.")
        parser.add_argument("--json", action="store_true", help="Print one JSON object instead of a table.")
        parser.add_argument("--dry-run", action="store_true", help="Read and count, but store nothing.")

    def handle(self, *, files: list[str], **options: Any) -> None:
        dry_run = bool(options["dry_run"])
        reports: list[ImportReport] = []
        problems: list[tuple[str, str]] = []
        with _progress() as bar:
            for name in files:
                try:
                    reports.append(_import(name, bar, dry_run=dry_run))
                except exports.ExportError as error:
                    problems.append((name, str(error)))
                except KeyboardInterrupt:
                    raise CommandError(f"Stopped: nothing of {name} was imported.", returncode=130) from None
        if options["json"]:
            self.stdout.write(_as_json(reports, problems, dry_run=dry_run))
        else:
            self._show(reports, dry_run=dry_run)
        for name, sentence in problems:
            self.stderr.write(f"{name}: {sentence}")
        if problems:
            raise CommandError(f"{len(problems)} of {len(files)} files could not be imported.")

    def _show(self, reports: list[ImportReport], *, dry_run: bool) -> None:
        if not reports:
            return
        if dry_run:
            self.stdout.write("Dry run: this is what an import would add; nothing was stored.")
        # A file or a pipe has no width: never cut a number short there.
        console = Console(width=None if self.stdout.isatty() else 160)
        with console.capture() as drawn:
            console.print(_table(reports))
        self.stdout.write(drawn.get())
        for report in reports:
            if report.note:
                self.stdout.write(f"{report.file_name}: {report.note}")


def _import(name: str, bar: Progress, *, dry_run: bool) -> ImportReport:
    path = Path(name)
    task = bar.add_task(escape(os.fsencode(path.name).decode("utf-8", "replace")), total=None, rate="")
    started = bar.get_time()

    def advance(bytes_read: int, messages: int) -> None:
        seconds = max(bar.get_time() - started, 0.001)
        bar.update(task, completed=bytes_read, total=path.stat().st_size, rate=f"{messages / seconds:,.0f} messages/s")

    try:
        return importing.import_export(path, now=timezone.now(), progress=advance, dry_run=dry_run)
    finally:
        bar.stop_task(task)


@contextmanager
def _progress() -> Iterator[Progress]:
    """A bar on stderr, and none at all where stderr is a file or a pipe."""
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        disable=not sys.stderr.isatty(),
    ) as bar:
        yield bar


def _table(reports: list[ImportReport]) -> Table:
    table = Table()
    table.add_column("File", overflow="fold")
    table.add_column("Channel", overflow="fold")
    for heading in ("Read", "New messages", "New members"):
        table.add_column(heading, justify="right")
    for heading in ("First (UTC)", "Last (UTC)"):
        table.add_column(heading)
    for report in reports:
        table.add_row(
            escape(report.file_name),
            escape(report.channel),
            f"{report.messages_read:,}",
            f"{report.messages_new:,}",
            f"{report.members_new:,}",
            _minute(report.first_message_at),
            _minute(report.last_message_at),
        )
    return table


def _minute(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M}" if moment else "-"


def _as_json(reports: list[ImportReport], problems: list[tuple[str, str]], *, dry_run: bool) -> str:
    return json.dumps(
        {
            "dry_run": dry_run,
            "files": [asdict(report) for report in reports],
            "problems": [{"file": name, "problem": sentence} for name, sentence in problems],
        },
        default=datetime.isoformat,
        indent=2,
    )
