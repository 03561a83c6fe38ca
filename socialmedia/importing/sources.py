"""An existing MediaPoster database: seen at one instant, in a transaction that can write nothing."""

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg import sql
from psycopg.abc import Loader
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import dict_row
from psycopg.types.datetime import DateLoader, TimestampLoader, TimestamptzLoader
from psycopg.types.numeric import FloatLoader, NumericLoader

BATCH = 5_000
_CONNECT_SECONDS = 15
_PATTERN = "write postgresql://user@host:5432/name"
_COLUMNS = """
SELECT c.relname, a.attname
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE n.nspname = %s AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
ORDER BY c.relname, a.attnum
"""


class CannotRead(Exception):
    """The database cannot be read; the message says why, in one sentence, without the password."""


@dataclass(frozen=True)
class Join:
    """What else of a row is read: columns of the row in another table that `column` points to. They are named
    `<name>_<column>`.
    """

    name: str
    table: str
    column: str
    """The reference, in the table itself or in an earlier join (`conversation.account_id`)."""
    columns: Sequence[str]


@dataclass(frozen=True)
class Query:
    """Which columns of which table, as far as they exist."""

    table: str
    columns: Sequence[str]
    joins: Sequence[Join] = ()
    order: Sequence[str] = ("id",)
    required: str = ""
    """Only rows that have something in this column."""
    batch: int = BATCH


@dataclass
class Source:
    """An open one. The connection ends with the `with` block that opened it."""

    connection: psycopg.Connection[Any]
    schema: str
    columns: dict[str, list[str]] = field(default_factory=dict)
    """By table."""

    def has(self, table: str, column: str = "") -> bool:
        """Tell whether there is such a table, or such a column of it."""
        return table in self.columns and (not column or column in self.columns[table])

    def count(self, table: str) -> int:
        """How many rows a table has."""
        with _told(self.schema):
            row = self.connection.execute(sql.SQL("SELECT count(*) FROM {}").format(self.name(table))).fetchone()
        return int(row[0]) if row else 0

    def name(self, table: str) -> sql.Composable:
        """The table's name, for a statement."""
        return sql.Identifier(self.schema, table)

    def batches(self, query: Query, extra: Sequence[sql.Composable] = ()) -> Iterator[list[dict[str, Any]]]:
        """Yield the rows, so many at a time that memory stays flat. `extra` are more expressions over `t`."""
        with _told(self.schema), self.connection.cursor("rows", row_factory=dict_row) as cursor:
            cursor.execute(self._statement(query, extra))
            while rows := cursor.fetchmany(query.batch):
                yield rows

    def _statement(self, query: Query, extra: Sequence[sql.Composable]) -> sql.Composed:
        wanted = [self._column("t", column) for column in query.columns if self.has(query.table, column)]
        tables: list[sql.Composable] = [sql.SQL("{} t").format(self.name(query.table))]
        places = {"t": query.table}
        for join in query.joins:
            wanted += self._join(join, tables, places)
        order = [self._column("t", column) for column in query.order if self.has(query.table, column)]
        condition: sql.Composable = sql.SQL("true")
        if query.required:
            condition = sql.SQL("{} IS NOT NULL").format(self._column("t", query.required))
        return sql.SQL("SELECT {} FROM {} WHERE {} ORDER BY {}").format(
            sql.SQL(", ").join([*wanted, *extra]),
            sql.SQL(" LEFT JOIN ").join(tables),
            condition,
            sql.SQL(", ").join(order or [sql.SQL("1")]),
        )

    def _join(self, join: Join, tables: list[sql.Composable], places: dict[str, str]) -> list[sql.Composable]:
        place, _, reference = join.column.rpartition(".")
        place = place or "t"
        if place not in places or not self.has(places[place], reference) or not self.has(join.table, "id"):
            return []
        places[join.name] = join.table
        tables.append(
            sql.SQL("{} {} ON {} = {}").format(
                self.name(join.table),
                sql.Identifier(join.name),
                self._column(join.name, "id"),
                self._column(place, reference),
            )
        )
        return [
            sql.SQL("{} AS {}").format(self._column(join.name, column), sql.Identifier(f"{join.name}_{column}"))
            for column in join.columns
            if self.has(join.table, column)
        ]

    def _column(self, place: str, column: str) -> sql.Composable:
        return sql.Identifier(place, column)


@contextmanager
def opened(url: str, *, schema: str) -> Iterator[Source]:
    """Open a database to read it as it is now, whatever is written to it meanwhile.

    Raises:
        CannotRead: no such database or schema, no permission, or it is not MediaPoster's.
    """
    with _told(schema), _connected(url) as connection:
        source = Source(connection, schema)
        for table, column in connection.execute(_COLUMNS, [schema]):
            source.columns.setdefault(table, []).append(column)
        _refuse_own(source)
        yield source


@contextmanager
def _connected(url: str) -> Iterator[psycopg.Connection[Any]]:
    try:
        conninfo_to_dict(url)
    except psycopg.Error:  # its text may hold a piece of the password
        raise CannotRead(f"That is not the URL of a PostgreSQL database: {_PATTERN}.") from None
    if not url.startswith(("postgresql://", "postgres://")):
        raise CannotRead(f"That is not the URL of a PostgreSQL database: {_PATTERN}.")
    try:
        connection = psycopg.connect(url, connect_timeout=_CONNECT_SECONDS, client_encoding="UTF8")
    except psycopg.Error as error:
        raise CannotRead(f"MediaPoster's database lets nobody in: {_reason(error)}.") from None
    try:
        _prepare(connection)
        yield connection
    finally:
        connection.close()


def _prepare(connection: psycopg.Connection[Any]) -> None:
    connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    connection.read_only = True
    for kind, loader in _LOADERS.items():
        connection.adapters.register_loader(kind, loader)
    # Row security would hide rows without a word; off, it says so. It is a long transaction that waits for us at times.
    for setting in ("row_security = off", "statement_timeout = 0", "idle_in_transaction_session_timeout = 0"):
        connection.execute(sql.SQL("SET LOCAL ") + sql.SQL(setting))


def _reason(error: psycopg.Error) -> str:
    """What the server itself said. The client's own words may name a host that is a piece of the password."""
    said = str(error).partition("FATAL:")[2].strip().partition("\n")[0]
    return said or "no server answers at this address; in a password, write ? @ : / as %3F %40 %3A %2F"


@contextmanager
def _told(schema: str) -> Iterator[None]:
    """Say in one sentence what the database refuses."""
    try:
        yield
    except psycopg.errors.InsufficientPrivilege as error:
        what = error.diag.message_primary or "permission denied"
        raise CannotRead(f"MediaPoster's database does not show all of schema {schema}: {what}.") from None
    except psycopg.OperationalError:
        raise CannotRead(
            "The connection to MediaPoster's database broke off. What was taken over stays: run the import again."
        ) from None
    except UnicodeDecodeError:
        raise CannotRead(
            "MediaPoster's database holds text that is not UTF-8: dump it, mend the text, reload."
        ) from None


def _refuse_own(source: Source) -> None:
    if source.has("django_migrations"):
        query = sql.SQL("SELECT EXISTS (SELECT FROM {} WHERE app = 'socialmedia')")
        row = source.connection.execute(query.format(source.name("django_migrations"))).fetchone()
        if row and row[0]:
            raise CannotRead(
                f"Schema {source.schema} of that database holds Checkback's own tables. Name the schema that "
                f"MediaPoster's tables are in with --schema."
            )


class _Timestamp(TimestampLoader):
    """Infinity and years beyond 9999 have no form in Python: they count as empty."""

    def load(self, data: Any) -> Any:
        try:
            return super().load(data)
        except psycopg.DataError:
            return None


class _Timestamptz(TimestamptzLoader):
    def load(self, data: Any) -> Any:
        try:
            return super().load(data)
        except psycopg.DataError:
            return None


class _Date(DateLoader):
    def load(self, data: Any) -> Any:
        try:
            return super().load(data)
        except psycopg.DataError:
            return None


class _Numeric(NumericLoader):
    """What is no number, and infinity, are no figures: they count as empty."""

    def load(self, data: Any) -> Any:
        found = super().load(data)
        return found if found.is_finite() else None


class _Float(FloatLoader):
    def load(self, data: Any) -> Any:
        found = super().load(data)
        return found if math.isfinite(found) else None


_LOADERS: Mapping[str, type[Loader]] = {
    "date": _Date,
    "timestamp": _Timestamp,
    "timestamptz": _Timestamptz,
    "numeric": _Numeric,
    "float4": _Float,
    "float8": _Float,
}
