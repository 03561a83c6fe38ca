"""`manage.py cleanup`: delete what is too old to be kept, or look first at what that would be."""

import time
from argparse import ArgumentTypeError
from dataclasses import asdict
from datetime import timedelta
from typing import Any

import humanize
from django.core.management.base import CommandError, CommandParser
from rich.text import Text

from jobs import cleanup, terminal
from jobs.pruning import Survey

SECONDS_BETWEEN_LINES = 1.0


class Command(terminal.ActionCommand):
    help = (
        "Delete what is too old to be kept, as the daily job does. Without --type everything; without --days by the "
        "settings. Safe to stop at any time, and to run beside the job. Exit codes: 0, done; 1, something could not be "
        "deleted; 2, wrong usage."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        types = cleanup.types()
        parser.usage = "%(prog)s [--dry-run] [--type TYPE] [--days N] [--json]"
        parser.add_argument("--dry-run", action="store_true", help="Show what would be deleted, and delete nothing.")
        parser.add_argument(
            "--type", choices=types, default=cleanup.EVERYTHING, metavar="TYPE", help=f"One of {', '.join(types)}."
        )
        parser.add_argument("--days", type=_days, metavar="N", help="Keep N days; not with everything and temp_data.")
        parser.add_argument(
            "--json", action="store_true", help="Print one JSON object per kind; times are ISO 8601 with their zone."
        )
        parser.set_defaults(action="clean")

    def act(self, action: str, options: dict[str, Any]) -> None:
        """Look or delete."""
        days: int | None = options["days"]
        if days is not None and options["type"] in cleanup.BY_SETTINGS_ONLY:
            sentence = f"--days does not go with {options['type']}: name another --type."
            raise CommandError(sentence, returncode=terminal.USAGE)
        keep = None if days is None else timedelta(days=days)
        if options["dry_run"]:
            self._look(options["type"], keep)
        else:
            self._clean(options["type"], keep)

    def _look(self, type_name: str, keep: timedelta | None) -> None:
        found = cleanup.survey(type_name, keep=keep, now=self.now)
        if self.is_json:
            self.write_objects(asdict(survey) for survey in found)
            return
        shown = terminal.table("Kind", "There", "Would go", "Older than", "Oldest")
        for survey in found:
            shown.add_row(
                survey.kind,
                Text(f"about {survey.total:,}" if survey.is_estimate else f"{survey.total:,}"),
                Text(_removable(survey)),
                Text(terminal.exact(survey.before)),
                Text(terminal.relative(survey.oldest, self.now)),
            )
        self.draw(shown)
        self.remark("Nothing was deleted.")

    def _clean(self, type_name: str, keep: timedelta | None) -> None:
        self._told_at = time.monotonic()
        removals = cleanup.clean(type_name, keep=keep, now=self.now, progress=self._tell)
        if self.is_json:
            self.write_objects(asdict(removal) for removal in removals)
        else:
            shown = terminal.table("Kind", "Deleted", "Older than", "Took")
            for removal in removals:
                size = f" ({humanize.naturalsize(removal.removed_bytes)})" if removal.removed_bytes else ""
                shown.add_row(
                    removal.kind,
                    Text(f"{removal.removed:,}{size}"),
                    Text(terminal.exact(removal.before)),
                    Text(f"{removal.seconds:,.1f} s"),
                )
            self.draw(shown)
        try:
            cleanup.check(removals)
        except cleanup.Incomplete as error:
            raise CommandError(str(error)) from None
        if left := sum(removal.left for removal in removals):
            files = "file" if left == 1 else "files"
            raise CommandError(f"{left:,} old {files} could not be deleted; the log says which and why.")

    def _tell(self, kind: str, removed: int) -> None:
        """Tell the progress of what takes longer. A line each time, not one written over: it reads well in a log."""
        if time.monotonic() - self._told_at >= SECONDS_BETWEEN_LINES:
            self._told_at = time.monotonic()
            self.remark(f"{kind}: {removed:,} deleted")


def _removable(survey: Survey) -> str:
    size = "" if survey.removable_bytes is None else f" ({humanize.naturalsize(survey.removable_bytes)})"
    return f"{survey.removable:,}{size}"


def _days(value: str) -> int:
    days = int(value) if value.isascii() and value.isdigit() and len(value) < 10 else 0
    if not 1 <= days <= cleanup.MOST_DAYS:
        raise ArgumentTypeError(f"write a whole number from 1 to {cleanup.MOST_DAYS}, not {value!r}.")
    return days
