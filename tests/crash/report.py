"""The crash matrix as a table: for a terminal, and as the block of docs/guarantees.md."""

import os
import platform
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from importlib.metadata import version

from django.db import connection

from tests.crash.matrix import FLOWING, KINDS, POINTS, VICTIMS, Cell, Result

BEGIN = "<!-- crash matrix: written by `python -m tests.crash --markdown` -->"
END = "<!-- end of the crash matrix -->"

COLUMNS: dict[str, Callable[[Cell], str]] = {
    "killed": lambda cell: cell.victim,
    "jobs": lambda cell: KINDS[cell.kind],
    "rounds": lambda cell: str(cell.rounds),
    "kills": lambda cell: str(cell.kills),
    "jobs run": lambda cell: str(cell.jobs),
    "attempts": lambda cell: str(cell.attempts),
    "lost": lambda cell: str(cell.lost),
    "doubled": lambda cell: str(cell.doubled),
    "repeated": lambda cell: str(cell.repeated),
    "unknown": lambda cell: str(cell.unknown),
    "slowest rescue, s": lambda cell: f"{cell.slowest_rescue:.1f}" if cell.slowest_rescue else "",
}


def text(result: Result) -> str:
    """For a terminal: every cell."""
    columns = {"killed when": lambda cell: cell.moment.replace("_", " "), **COLUMNS}
    rows = [list(columns), *([show(cell) for show in columns.values()] for cell in _ordered(result))]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(value.ljust(width) for value, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([*lines, "", restarts(result), ""])


def markdown(result: Result) -> str:
    """The block of docs/guarantees.md, between its two comments."""
    flowing = [cell for cell in _ordered(result) if cell.moment == FLOWING]
    parts = [BEGIN, f"Last run: {environment()}."]
    if flowing:
        parts.append("Killed at random moments while jobs of every kind flow:")
        parts.append(_table(list(COLUMNS), ([show(cell) for show in COLUMNS.values()] for cell in flowing)))
    points = {(cell.victim, cell.kind): cell for cell in result.cells.values() if cell.moment in POINTS}
    if points:
        parts.append("Killed while a worker stands at this point of a job:")
        titles = ["killed", "jobs", *(point.replace("_", " the ") for point in POINTS)]
        rows = (
            [victim, KINDS[kind], *(_outcome(result.cells[victim, point, kind]) for point in POINTS)]
            for victim in VICTIMS
            for kind in KINDS
            if (victim, kind) in points
        )
        parts.append(_table(titles, rows))
    parts += [restarts(result), END]
    return "\n\n".join(parts) + "\n"


def environment() -> str:
    """When and on what the numbers were made."""
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version")
        server = cursor.fetchone()[0]
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores, PostgreSQL {server} (embedded, fsync on), "
        f"Python {platform.python_version()}, Django-Q2 {version('django-q2')}, `JOB_LEASE_SECONDS=5`"
    )


def restarts(result: Result) -> str:
    """How often a new cluster was needed."""
    dead = [f"{count} x {victim}" for victim, count in result.restarted_dead.items() if count]
    stuck = [f"{count} x {victim}" for victim, count in result.restarted_stuck.items() if count]
    return (
        f"Another cluster was started because the master was gone: {', '.join(dead) or 'never'}; "
        f"because it lived and did nothing: {', '.join(stuck) or 'never'}."
    )


def _outcome(cell: Cell) -> str:
    """What became of the jobs that stood at one point, in words."""
    if cell.lost or cell.doubled:
        return f"**{cell.lost} lost, {cell.doubled} doubled**"
    if cell.unknown:
        return "unknown, for a person"
    if cell.repeated:
        return "run again, second effect"
    return "run again, one effect" if cell.attempts > cell.jobs else "untouched, one effect"


def _ordered(result: Result) -> list[Cell]:
    return [
        cell
        for moment in (FLOWING, *POINTS)
        for victim in VICTIMS
        for kind in KINDS
        if (cell := result.cells.get((victim, moment, kind)))
    ]


def _table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [titles, ["---"] * len(titles), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
