"""A copy of what the tables hold right after `migrate`, and the way back to it."""

from functools import cache

from django.db import connection

SCHEMA = "pristine"
LARGEST_BYTES = 8 * 1024 * 1024
"""A table that a test has filled beyond this is truncated: deleted rows leave their pages behind."""
# No trigger and no foreign key is asked, so the order of the tables does not matter.
_UNASKED = "SET session_replication_role = {}"


def keep() -> None:
    """Copy the rows that `migrate` has made. Call it once, while the database has no others."""
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE SCHEMA {SCHEMA}")
        for table in _tables():
            cursor.execute(f"CREATE TABLE {SCHEMA}.{table} AS TABLE public.{table}")
            cursor.execute(f"SELECT EXISTS (SELECT FROM {SCHEMA}.{table})")  # noqa: S608 - our own names
            if not cursor.fetchone()[0]:
                cursor.execute(f"DROP TABLE {SCHEMA}.{table}")


def restore() -> bool:
    """Bring the database back to that. False, and nothing changed, when TRUNCATE does it better or alone can."""
    statement = _statement()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_setting('is_superuser')::boolean, max(pg_relation_size(oid)) FROM pg_class "
            "WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"
        )
        is_allowed, largest = cursor.fetchone()
        if not is_allowed or largest > LARGEST_BYTES or not statement:
            return False
        cursor.execute(statement)
    return True


@cache
def _statement() -> str:
    with connection.cursor() as cursor:
        # By name: a test that migrates back and forth leaves columns in another order.
        cursor.execute(
            "SELECT quote_ident(table_name), string_agg(quote_ident(column_name), ', ') "
            "FROM information_schema.columns WHERE table_schema = %s GROUP BY table_name",
            [SCHEMA],
        )
        kept = cursor.fetchall()
    emptied = [f"DELETE FROM public.{table}" for table in _tables()]  # noqa: S608 - our own names, here and below
    filled = [f"INSERT INTO public.{name} ({row}) SELECT {row} FROM {SCHEMA}.{name}" for name, row in kept]  # noqa: S608
    return "; ".join([_UNASKED.format("replica"), *emptied, *filled, _UNASKED.format("DEFAULT")]) if kept else ""


def _tables() -> list[str]:
    names = connection.introspection.django_table_names(only_existing=True, include_views=False)
    return [connection.ops.quote_name(name) for name in names]
