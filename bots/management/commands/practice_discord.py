"""`manage.py practice_discord`: run the practice Discord, for a trial without a bot account."""

import asyncio
import errno
import signal
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from bots.practice import faults
from bots.practice.journal import Journal
from bots.practice.server import PracticeServer
from bots.practice.world import BrokenExport, World


class Command(BaseCommand):
    help = (
        "Run a stand-in for Discord on this machine, with a chat page to play the members. Nothing leaves the machine."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=int, default=None, help="default: PRACTICE_DISCORD_PORT")
        parser.add_argument("--host", default="127.0.0.1", help="a loopback address; any other is refused")
        parser.add_argument(
            "--world",
            nargs="+",
            type=Path,
            default=[],
            metavar="FILE",
            help="JSON exports of DiscordChatExporter; without them a small example community is used",
        )
        parser.add_argument(
            "--journal",
            type=Path,
            default=None,
            metavar="FILE",
            help="where the chat is kept between runs; default: practice-discord.jsonl in DATA_DIR",
        )

        parser.add_argument(
            "--communities", type=int, choices=(1, 2), default=1, help="how many example communities there are"
        )
        parser.add_argument(
            "--fault",
            action="append",
            default=[],
            metavar="NAME[:COUNT]",
            help=f"let something go wrong, COUNT times (once unless given): {', '.join(faults.BY_NAME)}",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        port = settings.PRACTICE_DISCORD_PORT if options["port"] is None else options["port"]
        journal = Journal(options["journal"] or Path(settings.DATA_DIR) / "practice-discord.jsonl")
        try:
            paths = options["world"]
            world = World.from_export(*paths) if paths else World.example(communities=options["communities"])
            server = PracticeServer(world, port=port, host=options["host"], journal=journal)
            for text in options["fault"]:
                server.faults.add(faults.by_name(text))
        except (BrokenExport, ValueError) as error:
            raise CommandError(str(error)) from error
        try:
            asyncio.run(self._serve(server))
        except OSError as error:
            raise CommandError(_reason(error, port, journal)) from error

    async def _serve(self, server: PracticeServer) -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        async with server:
            self.stdout.write(f"Practice Discord: {server.chat_url} (nothing leaves this machine; Ctrl-C stops it)")
            self.stdout.flush()
            await stop.wait()
        self.stdout.write("Practice Discord stopped.")


def _reason(error: OSError, port: int, journal: Journal) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"Port {port} is in use. Stop what listens there, or choose another with --port or PRACTICE_DISCORD_PORT."
        )
    if error.errno == errno.EADDRNOTAVAIL:
        return f"This machine has no such loopback address ({error.strerror})."
    return f"The practice Discord cannot start with the journal {journal.path}: {error.strerror or error}."
