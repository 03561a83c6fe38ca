"""`manage.py backup`: make a copy of the database now, or list those that are there."""

import time
from typing import Any

import humanize
from django.core.management.base import CommandError, CommandParser

from jobs import backup, terminal
from jobs.backup import Backup
from jobs.errors import JobError

TELL_SECONDS = 5.0


class Command(terminal.ActionCommand):
    help = (
        "Save the database into BACKUP_DIR with pg_dump, read the copy back, and remove backups older than "
        "BACKUP_KEEP_DAYS. The jobs do the same every night. Exit codes: 0, done; 1, there is no new backup, and "
        "standard error says why; 2, wrong usage."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--list", action="store_true", help="Make none; list what is there, the newest first.")
        parser.add_argument("--label", default="", help="Becomes part of the file's name: letters, digits, - and _.")
        parser.add_argument("--json", action="store_true", help="Print JSON: one object for each backup.")
        parser.set_defaults(action="save")

    def act(self, action: str, options: dict[str, Any]) -> None:
        """List or save."""
        label: str = options["label"]
        if not backup.LABEL.fullmatch(label):
            sentence = f"--label: write up to 40 letters, digits, - and _, not {label!r}."
            raise CommandError(sentence, returncode=terminal.USAGE)
        if options["list"] and label:
            raise CommandError("--label is for a new backup; --list makes none.", returncode=terminal.USAGE)
        try:
            if options["list"]:
                self._list()
            else:
                self._make(label)
        except JobError as error:
            raise CommandError(str(error)) from error

    def _make(self, label: str) -> None:
        self._tell_at = time.monotonic() + TELL_SECONDS
        made = backup.make(now=self.now, label=label, on_progress=self._tell)
        if self.is_json:
            self._write_object(made, is_readable=True)
        else:
            self.stdout.write(f"{made.path} ({humanize.naturalsize(made.size)}, read back and whole)")

    def _tell(self, written: int) -> None:
        if time.monotonic() >= self._tell_at:
            self._tell_at = time.monotonic() + TELL_SECONDS
            self.remark(f"{humanize.naturalsize(written)} written")

    def _list(self) -> None:
        found = [(one, backup.is_readable(one)) for one in backup.listing()]
        if self.is_json:
            for one, is_readable in found:
                self._write_object(one, is_readable=is_readable)
            return
        if not found:
            self.remark("There are no backups yet.")
        width = max((len(one.path.name) for one, _ in found), default=0)
        for one, is_readable in found:
            is_strange = backup.is_from_the_future(one, now=self.now)
            age = "in the future" if is_strange else f"{humanize.naturaldelta(self.now - one.made_at)} old"
            state = "readable" if is_readable else "BROKEN"
            self.stdout.write(f"{one.path.name:<{width}}  {humanize.naturalsize(one.size):>9}  {age:<16}  {state}")

    def _write_object(self, one: Backup, *, is_readable: bool) -> None:
        age = max((self.now - one.made_at).total_seconds(), 0)
        fields = {
            "file": str(one.path),
            "made_at": one.made_at,
            "label": one.label,
            "size": one.size,
            "age_seconds": round(age),
            "is_readable": is_readable,
        }
        self.write_objects([fields])
