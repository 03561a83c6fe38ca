"""A scratch database, real clusters and the words that the scripts share. Import it before any model."""

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
DATABASE = "checkback_benchmark"


def parser(question: str | None) -> argparse.ArgumentParser:
    """The options that every script has; the first line of its docstring is the question."""
    made = argparse.ArgumentParser(description=question)
    made.add_argument("--quick", action="store_true", help="a tenth of the work or less: does it run? no figures")
    made.add_argument("--json", action="store_true", help="print one JSON object")
    return made


def prepare(database: str = DATABASE, *, fresh: bool = True) -> None:
    """Point Django at an empty database and migrate it. Uses DATABASE_URL's server or the embedded one.

    With `fresh` False a database that is already there is kept as it is, only migrated.
    """
    os.environ["DJANGO_SETTINGS_MODULE"] = "benchmarks.settings"
    import django
    from django.conf import settings
    from django.core.management import call_command
    from django.db import connection

    from benchmarks import effects

    end_in_order()
    django.setup()
    connection.close()
    with connection._nodb_cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [database])
        exists = cursor.fetchone() is not None
        if exists and fresh:
            cursor.execute(f"DROP DATABASE {database} WITH (FORCE)")
        if fresh or not exists:
            cursor.execute(f"CREATE DATABASE {database}")
    settings.DATABASES["default"]["NAME"] = connection.settings_dict["NAME"] = database
    call_command("migrate", verbosity=0)
    from django_q.models import Schedule

    Schedule.objects.all().delete()
    effects.create()


def end_in_order() -> None:
    """Let a SIGTERM end the blocks that are open, so that nothing which was started here stays."""
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))


def clean_up() -> None:
    """Drop the scratch database."""
    from django.db import connection

    name = connection.settings_dict["NAME"]
    connection.close()
    with connection._nodb_cursor() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def place(database: str | None = None) -> dict[str, Any]:
    """Where the database is, as Django's settings say it."""
    from django.db import connection

    stored = connection.settings_dict
    named = {key: str(stored[key] or "") for key in ("USER", "PASSWORD", "HOST", "PORT")}
    return {"ENGINE": "django.db.backends.postgresql", "NAME": database or stored["NAME"], **named}


def url() -> str:
    """The same as one text."""
    at = place()
    if at["HOST"].startswith("/"):
        return f"postgres://{at['USER']}@/{at['HOST']}/{at['NAME']}"
    return f"postgres://{at['USER']}:{at['PASSWORD']}@{at['HOST']}:{at['PORT'] or 5432}/{at['NAME']}"


@contextmanager
def cluster(*, workers: int = 2) -> Iterator["subprocess.Popen[bytes]"]:
    """A real `qcluster` of ours, warm: it beats and has run a job."""
    from jobs.enqueue import schedule_job
    from jobs.models import ClusterHeartbeat

    before = set(ClusterHeartbeat.objects.values_list("cluster", flat=True))
    environment = {**os.environ, "DATABASE_URL": url(), "JOB_WORKERS": str(workers), "PYTHONPATH": str(ROOT)}
    with process([sys.executable, "manage.py", "qcluster"], environment) as running:
        wait_until(lambda: ClusterHeartbeat.objects.exclude(cluster__in=before).exists(), seconds=60)
        schedule_job("bench_warm", now(), {})
        wait_until(is_idle, seconds=60)
        yield running


@contextmanager
def process(command: Sequence[str], environment: Mapping[str, str]) -> Iterator["subprocess.Popen[bytes]"]:
    """A process with its children, killed at the end."""
    silent = None if os.environ.get("BENCHMARK_NOISE") else subprocess.DEVNULL
    child = subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=silent,
        stderr=silent,
        start_new_session=True,
    )
    try:
        yield child
    finally:
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()


def is_idle() -> bool:
    """Whether nothing of ours runs or is due. Cheap on a table of any size."""
    from jobs.models import ScheduledJob

    jobs = ScheduledJob.objects
    return (
        not jobs.filter(status="running").exists()
        and not jobs.filter(status="pending", next_attempt_at__lte=now()).exists()
    )


def now() -> Any:
    """An aware instant."""
    from django.utils import timezone

    return timezone.now()


def wait_until(condition: Callable[[], bool], *, seconds: float, every: float = 0.05) -> None:
    """Poll. Raises TimeoutError."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(every)


def quantile(values: Sequence[float], share: float) -> float:
    """The value below which `share` of them lie."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def median(values: Sequence[float]) -> float:
    """The middle one, or the upper of the two."""
    return quantile(values, 0.5)


def show(headers: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a Markdown table, as it goes into README.md."""
    cells = [[_cell(value) for value in row] for row in rows]
    print(f"| {' | '.join(headers)} |")
    print(f"|{'---|' * len(headers)}")
    for row in cells:
        print(f"| {' | '.join(row)} |")


def _cell(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 100 else f"{value:,.1f}" if abs(value) >= 10 else f"{value:,.2f}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def dump(results: object) -> None:
    """Print the results for a program."""
    print(json.dumps(results, default=str))
