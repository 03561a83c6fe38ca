"""`manage.py backup`: make a copy of the database now, or list those that are there."""

import json
import sys
import time
from typing import Any

import humanize
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from jobs import backup
from jobs.backup import Backup
from jobs.errors import JobError

TELL_SECONDS = 5.0
USAGE = 2


class Command(BaseCommand):
    help = (
        "Save the database into BACKUP_DIR with pg_dump, read the copy back, and remove backups older than "
        "BACKUP_KEEP_DAYS. The jobs do the same every night. Exit codes: 0, done; 1, there is no new backup, and "
        "standard error says why; 2, wrong usage."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--list", action="store_true", help="Make none; list what is there, the newest first.")
        parser.add_argument("--label", default="", help="Becomes part of the file's name: letters, digits, - and _.")
        parser.add_argument("--json", action="store_true", help="Print JSON: one object for each backup.")

    def handle(self, *args: Any, label: str, **options: Any) -> None:
        self._json: bool = options["json"]
        self._now = timezone.now()
        if not backup.LABEL.fullmatch(label):
            raise CommandError(f"--label: write up to 40 letters, digits, - and _, not {label!r}.", returncode=USAGE)
        if options["list"] and label:
            raise CommandError("--label is for a new backup; --list makes none.", returncode=USAGE)
        try:
            if options["list"]:
                self._list()
            else:
                self._make(label)
        except JobError as error:
            raise CommandError(str(error)) from error

    def _make(self, label: str) -> None:
        self._tell_at = time.monotonic() + TELL_SECONDS
        made = backup.make(now=self._now, label=label, on_progress=self._tell)
        if self._json:
            self._write_object(made, is_readable=True)
        else:
            self.stdout.write(f"{made.path} ({humanize.naturalsize(made.size)}, read back and whole)")

    def _tell(self, written: int) -> None:
        if time.monotonic() >= self._tell_at:
            self._tell_at = time.monotonic() + TELL_SECONDS
            self._note(f"{humanize.naturalsize(written)} written")

    def _list(self) -> None:
        found = [(one, backup.is_readable(one)) for one in backup.listing()]
        if self._json:
            for one, is_readable in found:
                self._write_object(one, is_readable=is_readable)
            return
        if not found:
            self._note("There are no backups yet.")
        width = max((len(one.path.name) for one, _ in found), default=0)
        for one, is_readable in found:
            age = f"{humanize.naturaldelta(self._now - one.made_at)} old"
            state = "readable" if is_readable else "BROKEN"
            self.stdout.write(f"{one.path.name:<{width}}  {humanize.naturalsize(one.size):>9}  {age:<16}  {state}")

    def _write_object(self, one: Backup, *, is_readable: bool) -> None:
        age = max((self._now - one.made_at).total_seconds(), 0)
        fields = {
            "file": str(one.path),
            "made_at": one.made_at.isoformat(),
            "label": one.label,
            "size": one.size,
            "age_seconds": round(age),
            "is_readable": is_readable,
        }
        self.stdout.write(json.dumps(fields))

    def _note(self, sentence: str) -> None:
        """Tell a person something that is neither a result nor a problem."""
        self.stderr.write(sentence, lambda text: text)
        sys.stderr.flush()
