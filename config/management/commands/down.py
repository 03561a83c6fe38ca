"""`manage.py down`: stop what `manage.py up` started, also after a crash of it."""

import os
import signal
import time
from contextlib import suppress
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from config import processes

PATIENCE_SECONDS = 150


class Command(BaseCommand):
    help = "Stop everything that `manage.py up` runs from this folder, and the embedded database."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        pid = processes.running_pid()
        if pid:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while processes.running_pid():
            if time.monotonic() > deadline:
                raise CommandError(f"Process {pid} did not stop in {PATIENCE_SECONDS} s.")
            time.sleep(0.2)
        ended = processes.end_orphans()
        self.stdout.write("Stopped Checkback." if pid or ended else "Checkback was not running.")
        call_command("postgres", "stop", stdout=self.stdout)
