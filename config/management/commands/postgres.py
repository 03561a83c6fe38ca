"""`manage.py postgres serve|stop|status|url`: the embedded PostgreSQL by hand."""

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any
from urllib.parse import quote

from django.core.management.base import BaseCommand, CommandError
from django.db import connections

from config.embedded_postgres import binaries, server

NOT_RUNNING = 3  # what `systemctl status` answers too


class Command(BaseCommand):
    help = "Run, stop or show the embedded PostgreSQL. It is used when DATABASE_URL is unset, and starts by itself."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "action",
            choices=["serve", "stop", "status", "url"],
            help="serve: run it in the foreground; stop: stop it for everybody; "
            f"status: show it, exit code {NOT_RUNNING} when it is down; "
            "url: print its address, for DATABASE_URL, psql or pg_dump",
        )

    def handle(self, *args: Any, action: str, **options: Any) -> None:
        configured = connections["default"].settings_dict
        if configured["ENGINE"] != "config.embedded_postgres":
            self.stdout.write("Nothing is embedded: DATABASE_URL names the database.")
            return
        place = server.locate(Path(configured["DATA_DIR"]), linger=configured["LINGER_SECONDS"])
        try:
            getattr(self, f"_{action}")(place)
        except (server.ServerFailed, binaries.BinariesMissing) as error:
            raise CommandError(str(error)) from error

    def _serve(self, place: server.Place) -> None:
        try:
            with server.responsibility(place, insist=True) as lock:
                assert lock is not None  # noqa: S101 - for the type checker: insisting ends with the lock
                if not server.keep(place, lock, for_users=False):
                    raise CommandError(f"The embedded PostgreSQL ended by itself. Log: {place.log}")
        except KeyboardInterrupt:
            return  # while it waited for another keeper to leave

    def _stop(self, place: server.Place) -> None:
        stopped = server.stop(place)
        self.stdout.write(f"The embedded PostgreSQL {'is stopped' if stopped else 'was not running'}.")

    def _status(self, place: server.Place) -> None:
        running = server.is_running(place)
        self.stdout.write(f"{'Running' if running else 'Not running'}\nData: {place.data}\nLog: {place.log}")
        if not running:
            sys.stdout.flush()
            sys.exit(NOT_RUNNING)

    def _url(self, place: server.Place) -> None:
        self.stdout.write(f"postgres://{server.ROLE}@/{server.DATABASE}?host={quote(str(place.socket))}")
