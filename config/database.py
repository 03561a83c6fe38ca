"""What is wrong with the settings or the database, in one sentence instead of a traceback."""

import re

import psycopg
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import NotSupportedError, OperationalError, connections

# What libpq says -> what to tell. The first that matches wins.
_REASONS = [
    (r"Connection refused|No such file or directory|timeout expired|timed out", "nothing answers there"),
    (r"resolve|Name or service not known|could not translate|nodename nor servname", "there is no host of that name"),
    (r"password authentication failed|no password supplied", "the user or the password is wrong"),
    (r'role "[^"]*" does not exist', "there is no such user"),
    (r'database "[^"]*" does not exist', "there is no database of that name"),
    (r"too many clients|remaining connection slots", "it has no free connection slot"),
    (r"starting up|shutting down|recovery mode", "it is just starting or stopping"),
]


def require() -> None:
    """Connect once, for programs that would otherwise fail later and again and again.

    Raises:
        django.db.Error, ImproperlyConfigured: `explain` puts it into words.
    """
    connection = connections["default"]
    connection.ensure_connection()
    connection.close()


def explain(error: BaseException) -> str | None:
    """Put a bad setting or an unusable database into one sentence; None when the error is something else."""
    if isinstance(error, ImproperlyConfigured):
        return str(error)
    if isinstance(error, NotSupportedError) and "PostgreSQL" in str(error):
        return f"{_where()} is too old: {error} Name a newer server in DATABASE_URL."
    if isinstance(error, OperationalError) and _is_about_the_connection(error):
        if settings.DATABASES["default"]["ENGINE"] == "config.embedded_postgres":
            return _first_line(error)
        return (
            f"{_where()} cannot be used: {_reason(error)}. Mend DATABASE_URL, or leave it unset for the embedded one."
        )
    return None


def _is_about_the_connection(error: OperationalError) -> bool:
    """Whether it says nothing about a statement: what a server objects to in one carries a code."""
    cause = error.__cause__
    return isinstance(cause, psycopg.OperationalError) and cause.sqlstate is None


def _where() -> str:
    named = settings.DATABASES["default"]
    host, port = named.get("HOST") or "localhost", named.get("PORT") or 5432
    return f"The PostgreSQL database {named['NAME']!r} of user {named.get('USER') or ''!r} at {host}:{port}"


def _reason(error: OperationalError) -> str:
    text = str(error)
    for pattern, reason in _REASONS:
        if re.search(pattern, text):
            return reason
    password = str(settings.DATABASES["default"].get("PASSWORD") or "")
    line = _first_line(error).rstrip(".")
    return line.replace(password, "***") if password else line


def _first_line(error: BaseException) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
