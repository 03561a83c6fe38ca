"""A table of effects, outside the models: each run of a handler leaves one row."""

from django.db import connection


def create_table() -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE IF NOT EXISTS sample_effects (key text NOT NULL, at timestamptz DEFAULT now())")
        cursor.execute("TRUNCATE sample_effects")


def add(key: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO sample_effects (key) VALUES (%s)", [key])


def keys() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT key FROM sample_effects ORDER BY at, key")
        return [row[0] for row in cursor.fetchall()]
