"""What the commands for people share: tables, times, exit codes, JSON, and arguments refused in one sentence."""

import json
import os
import sys
from argparse import ArgumentTypeError
from collections.abc import Iterable
from datetime import datetime, timedelta
from io import StringIO
from shutil import get_terminal_size
from typing import Any, NoReturn

import humanize
from django.core.management.base import BaseCommand, CommandError, CommandParser, OutputWrapper
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from rich.console import Console
from rich.table import Table
from rich.text import Text

from jobs.models import JobStatus

NOTHING = "-"
USAGE = 2
READER_GONE = 141  # what a shell says of a program that SIGPIPE ended
NARROWEST = 80
COLORS = {
    JobStatus.PENDING: "cyan",
    JobStatus.RUNNING: "blue",
    JobStatus.COMPLETED: "green",
    JobStatus.FAILED: "red",
    JobStatus.CANCELLED: "dim",
    JobStatus.EXPIRED: "yellow",
    JobStatus.UNKNOWN: "magenta",
}


class Parser(CommandParser):
    """Says what is wrong with the arguments in one sentence, without the usage before it."""

    def error(self, message: str) -> NoReturn:
        """End with the code for wrong usage."""
        if self.called_from_command_line:
            self.exit(USAGE, f"{self.prog}: {message}\n")
        raise CommandError(message, returncode=USAGE)


class ActionCommand(BaseCommand):
    """A command of one or several actions. Results go to standard output, problems to standard error."""

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """Make the parser. Django has no way to name its class."""
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        parser.__class__ = Parser
        return parser

    def begin(self, parser: CommandParser, *names: str) -> Any:
        """Return what `action` adds the actions to; `names` is how the usage lists them."""
        listed = "|".join(names)
        parser.usage = f"%(prog)s [--help] {listed} ..."
        return parser.add_subparsers(
            dest="action", prog=parser.prog, required=True, metavar=listed, parser_class=Parser
        )

    def handle(self, *, action: str, **options: Any) -> None:
        """Do one action, and end quietly when nobody reads on."""
        self.is_json: bool = options["json"]
        self.has_color = options["force_color"] or (self.stdout.isatty() and not options["no_color"])
        self.now = timezone.now()
        try:
            self.act(action, options)
            self.stdout.flush()
        except BrokenPipeError:
            # Whoever read the results has gone, as `head` does. Python would complain once more at its end.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(READER_GONE)

    def act(self, action: str, options: dict[str, Any]) -> None:
        """Do one action."""
        raise NotImplementedError

    def draw(self, table: Table) -> None:
        """Write a table: in color and to the terminal's width there; plain, and never folded, elsewhere."""
        drawn = StringIO()
        console = Console(
            file=drawn,
            force_terminal=self.has_color,
            no_color=not self.has_color,
            width=max(NARROWEST, get_terminal_size().columns) if self.stdout.isatty() else 10_000,
            highlight=False,
        )
        console.print(table)
        lines = drawn.getvalue().splitlines()
        self.stdout.write("\n".join(line.rstrip() for line in lines))

    def remark(self, sentence: str) -> None:
        """Tell a person something that is neither a result nor a problem."""
        self.stderr.write(sentence, lambda text: text)

    def write_objects(self, objects: Iterable[dict[str, Any]]) -> None:
        """Write one JSON object per line."""
        for found in objects:
            self.stdout.write(json.dumps(found, default=_json_value))
        self.stdout.flush()


def action(actions: Any, name: str, sentence: str) -> CommandParser:
    """Add an action, with what every one of them takes."""
    parser: CommandParser = actions.add_parser(name, help=sentence, description=sentence)
    parser.add_argument("--json", action="store_true", help="Print JSON; times are ISO 8601 with their zone.")
    return parser


def asked(stderr: OutputWrapper, question: str) -> str:
    """Ask on standard error: standard output is for results. Raises CommandError where nobody can answer."""
    stderr.write(question, ending="")
    stderr.flush()
    try:
        return input().strip()
    except EOFError:
        raise CommandError("Nobody is there to be asked, so nothing was changed: give --yes.") from None


def text(value: str) -> str:
    """Take an argument that PostgreSQL can store."""
    if not value or "\x00" in value or not value.encode(errors="ignore") == value.encode(errors="surrogateescape"):
        raise ArgumentTypeError("write one or more characters of UTF-8.")
    return value


def moment(value: str) -> datetime:
    """Take an instant: a time with its zone."""
    try:
        found = parse_datetime(value)
    except ValueError:
        found = None
    if found is None:
        raise ArgumentTypeError(f"{value!r} is not a time; write it like 2027-03-01T09:00:00+01:00.")
    if timezone.is_naive(found):
        raise ArgumentTypeError(f"say which time zone is meant: end {value!r} with Z or an offset, like +01:00.")
    return found


def table(*headings: str) -> Table:
    """Make a table of columns."""
    made = Table(box=None, pad_edge=False)
    for heading in headings:
        made.add_column(heading, overflow="fold")
    return made


def pairs() -> Table:
    """Make a table of names and values."""
    made = Table(box=None, show_header=False, pad_edge=False)
    made.add_column(no_wrap=True)
    made.add_column(overflow="fold")
    return made


def status(value: str) -> Text:
    """Show a job's state in its color."""
    return Text(value, style=COLORS[JobStatus(value)])


def printable(value: str) -> str:
    """Spell out control characters: a stored text must not steer somebody's terminal."""
    return "".join(mark if mark.isprintable() or mark == "\n" else ascii(mark)[1:-1] for mark in value)


def exact(value: datetime) -> str:
    """Show a time in full."""
    return f"{timezone.localtime(value):%Y-%m-%d %H:%M:%S %Z}"


def relative(value: datetime | None, now: datetime) -> str:
    """Show a time as people say it."""
    if value is None:
        return NOTHING
    distance = humanize.naturaldelta(value - now)
    if abs(value - now) < timedelta(seconds=1):
        return "now"
    return f"in {distance}" if value > now else f"{distance} ago"


def milliseconds(value: float | None) -> str:
    """Show a duration."""
    return NOTHING if value is None else f"{value:,.0f} ms"


def _json_value(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no form in JSON.")
