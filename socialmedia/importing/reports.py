"""What came of an import: counts, what was changed to fit, and what could not be taken."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

MOST_PROBLEMS = 20
"""So many are told one by one; all are counted."""


class CannotTake(Exception):
    """A row that has no place here; the message says why, as the end of a sentence that began with the row."""


@dataclass
class TableReport:
    """One table, or one kind of thing in files."""

    read: int = 0
    added: int = 0
    known: int = 0
    """Those that were here already, as after an earlier import."""
    left_out: int = 0
    changed: Counter[str] = field(default_factory=Counter)
    """How many values were changed to what is legal here, by what was done."""


@dataclass
class Report:
    """The whole import."""

    tables: dict[str, TableReport] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    missing_tables: list[str] = field(default_factory=list)
    ignored_columns: dict[str, list[str]] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)

    def of(self, table: str) -> TableReport:
        """Return a table's part."""
        return self.tables.setdefault(table, TableReport())

    def left_out(self, table: str, row: Any, reason: str) -> None:
        """Count something that could not be taken, and say why if it is among the first."""
        self.of(table).left_out += 1
        if len(self.problems) < MOST_PROBLEMS:
            self.problems.append(f"{table} {row}: {reason}")

    def changed(self, table: str, what: str) -> None:
        """Count a value that was changed to fit."""
        self.of(table).changed[what] += 1

    @property
    def total_left_out(self) -> int:
        """How much was not taken, in all."""
        return sum(table.left_out for table in self.tables.values())
