"""Taking rows in: one transaction for each batch, nothing twice, and no row given up without a word."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from typing import Any, ClassVar

from django.db import DataError, IntegrityError, connection, models, transaction
from psycopg import sql

from socialmedia.importing.reports import CannotTake, Report
from socialmedia.importing.sources import Query, Source
from socialmedia.models import ImportedRow

Rows = Sequence[dict[str, Any]]
# Two imports at once: each batch looks up what is here only after the other's batch is committed.
_TURN = "SELECT pg_advisory_xact_lock(hashtextextended('import_mediaposter', 0))"


@dataclass
class Journey:
    """What every table's import needs to know, and where it reports."""

    zone: tzinfo
    """In which times without a zone are read."""
    now: datetime
    report: Report = field(default_factory=Report)


class Taker:
    """Takes the rows of one table."""

    table: ClassVar[str]
    """MediaPoster's."""
    columns: ClassVar[Sequence[str]]
    """What it takes of them."""
    needed: ClassVar[Sequence[str]]
    """Those of them without which a row cannot be told from others, or means nothing."""
    model: ClassVar[type[models.Model]]

    def __init__(self, journey: Journey) -> None:
        self.journey = journey

    @property
    def query(self) -> Query:
        """How the rows are read."""
        return Query(self.table, self.columns)

    def more(self, source: Source) -> list[sql.Composable]:
        """More to read of each row."""
        return []

    def batches(self, source: Source) -> Iterator[Rows]:
        """Read the table."""
        yield from source.batches(self.query, self.more(source))

    def look_up(self, rows: Rows) -> None:
        """Find what is here already of these rows, and of what they belong to."""
        raise NotImplementedError

    def find(self, row: dict[str, Any]) -> Any:
        """Return what is here of this row; None when there is nothing. Raises CannotTake."""
        raise NotImplementedError

    def build(self, row: dict[str, Any]) -> models.Model:
        """Make our row of it, unsaved. Raises CannotTake."""
        raise NotImplementedError

    def remember(self, row: dict[str, Any]) -> None:
        """Know it as being here, for the other rows of the batch."""

    def saved(self, pairs: Sequence[tuple[dict[str, Any], models.Model]]) -> None:
        """Do what belongs to rows that were just stored, in the same transaction."""

    def met(self, rows: Rows) -> None:
        """Do what belongs to rows that are here, new and known, in the same transaction."""

    def changed(self, what: str) -> None:
        """Report a value that was changed to fit."""
        self.journey.report.changed(self.table, what)

    def label(self, row: dict[str, Any]) -> str:
        """What names the row in a report."""
        return str(row.get("id") or "without id")


def take(taker: Taker, rows: Rows) -> None:
    """Take a batch in, whole: a crash leaves all of it or nothing, and what cannot be taken is reported."""
    report = taker.journey.report
    report.of(taker.table).read += len(rows)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_TURN)
        taker.look_up(rows)
        new, known = [], []
        for row in rows:
            try:
                if taker.find(row) is None:
                    new.append((row, taker.build(row)))
                    taker.remember(row)
                else:
                    known.append(row)
            except CannotTake as reason:
                report.left_out(taker.table, taker.label(row), str(reason))
        stored = _store(taker, new)
        report.of(taker.table).known += len(known)
        report.of(taker.table).added += len(stored)
        taker.met([*known, *stored])


def _store(taker: Taker, pairs: list[tuple[dict[str, Any], models.Model]]) -> list[dict[str, Any]]:
    """Insert them; of those that the database refuses, find each one by halving."""
    if not pairs:
        return []
    table: models.QuerySet[models.Model] = models.QuerySet(taker.model)
    try:
        with transaction.atomic():
            table.bulk_create([made for _, made in pairs])
            taker.saved(pairs)
        return [row for row, _ in pairs]
    except (IntegrityError, DataError, ValueError) as error:
        if len(pairs) > 1:
            middle = len(pairs) // 2
            return _store(taker, pairs[:middle]) + _store(taker, pairs[middle:])
        taker.journey.report.left_out(taker.table, taker.label(pairs[0][0]), _in_words(error))
        return []


def _in_words(error: Exception) -> str:
    """What the database says, without the row's contents."""
    return str(error).partition("\n")[0].removeprefix("new row for ")


class LedgerTaker(Taker):
    """Takes rows that nothing but their id tells apart: what was taken is written down beside them."""

    stamp: ClassVar[str]
    """The column that tells a row from that of another database with the same id."""

    def look_up(self, rows: Rows) -> None:
        """Find those that were taken."""
        self.taken = entries(self.table, [self.key(row) for row in rows])

    def key(self, row: dict[str, Any]) -> str:
        """What a row is known by."""
        return key(row.get("id"), row.get(self.stamp))

    def find(self, row: dict[str, Any]) -> Any:
        """Return our row's id."""
        return self.taken.get(self.key(row))

    def saved(self, pairs: Sequence[tuple[dict[str, Any], models.Model]]) -> None:
        """Write down that they were taken."""
        write_down(self.table, [(self.key(row), made) for row, made in pairs])


def key(row_id: object, stamp: object) -> str:
    """What a row without any other key is known by: its id, and a time as MediaPoster wrote it."""
    return f"{row_id} {stamp.isoformat() if isinstance(stamp, datetime) else stamp or ''}".strip()


def entries(table: str, keys: Sequence[str]) -> dict[str, int]:
    """Return our ids of those of these rows that were taken."""
    found = ImportedRow.objects.filter(table_name=table, source_key__in=keys)
    return dict(found.values_list("source_key", "row_id"))


def write_down(table: str, pairs: Sequence[tuple[str, models.Model]]) -> None:
    """Remember rows as taken, in the transaction that stored them."""
    ImportedRow.objects.bulk_create(
        ImportedRow(table_name=table, source_key=known_as, row_id=made.pk) for known_as, made in pairs
    )
