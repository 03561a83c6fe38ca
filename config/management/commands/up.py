"""`manage.py up`: everything in the foreground, for a trial or a small server."""

from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connections

from config import database, foreground, processes


class Command(BaseCommand):
    help = "Migrate, then run the database (when it is the embedded one), web, workers and bot until Ctrl-C."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with processes.only_one():
                self.prepare()
                if not foreground.Foreground(self.when_ready).run():
                    raise CommandError("Supervisor ended by itself.", returncode=1)
        except (processes.AlreadyRunning, processes.PortTaken) as error:
            raise CommandError(str(error)) from error

    def prepare(self) -> None:
        """Make sure that what is about to start can run."""
        if ended := processes.end_orphans():
            self.stdout.write(f"Ended {ended} processes that an earlier run had left.")
        processes.check_ports()
        database.require()
        call_command("migrate", interactive=False, verbosity=0, stdout=self.stdout)
        connections.close_all()

    def when_ready(self) -> None:
        """Say where to look."""
        lines = [f"Ready. Console: http://127.0.0.1:{settings.WEB_PORT}/admin/"]
        if processes.is_practice():
            lines.append(f"Practice Discord: http://127.0.0.1:{settings.PRACTICE_DISCORD_PORT}/")
        lines.append("Ctrl-C stops everything.")
        self.stdout.write(self.style.SUCCESS("  ".join(lines)))
        self.stdout.flush()
