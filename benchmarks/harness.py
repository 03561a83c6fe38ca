"""A scratch database and real clusters for the benchmarks. Import it before any model."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DATABASE = "checkback_benchmark"
sys.path.insert(0, str(ROOT))


def prepare() -> None:
    """Make an empty database, point Django at it, and migrate. Uses DATABASE_URL's server or the embedded one."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "benchmarks.settings"
    import django
    from django.conf import settings
    from django.core.management import call_command
    from django.db import connection

    django.setup()
    with connection._nodb_cursor() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")
        cursor.execute(f"CREATE DATABASE {DATABASE}")
    connection.close()
    settings.DATABASES["default"]["NAME"] = connection.settings_dict["NAME"] = DATABASE
    call_command("migrate", verbosity=0)
    from django_q.models import Schedule

    Schedule.objects.all().delete()


def clean_up() -> None:
    """Drop the scratch database."""
    from django.db import connection

    connection.close()
    with connection._nodb_cursor() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")


def _url() -> str:
    from django.db import connection

    settings = connection.settings_dict
    if str(settings["HOST"]).startswith("/"):
        return f"postgres://{settings['USER']}@/{settings['HOST']}/{DATABASE}"
    return (
        f"postgres://{settings['USER']}:{settings['PASSWORD']}@{settings['HOST']}:{settings['PORT'] or 5432}/{DATABASE}"
    )


@contextmanager
def cluster(engine: str) -> Iterator[None]:
    """A real `qcluster` with two workers, warm: it has run a task of each kind."""
    from django_q.models import Task
    from django_q.tasks import async_task

    environment = {**os.environ, "DATABASE_URL": _url(), "BENCHMARK_ENGINE": engine, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        [sys.executable, "manage.py", "qcluster"],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        for number in range(4):
            enqueue_stock([number]) if engine == "stock" else async_task(
                "benchmarks.sample.handlers.stock_task", number
            )
        wait_until(lambda: Task.objects.count() >= 4, seconds=30)
        Task.objects.all().delete()
        yield
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def enqueue_stock(numbers: list[int]) -> None:
    """Put tasks into the queue of stock Django-Q2, all in one insert: faster than its own `async_task`."""
    from django.conf import settings
    from django.utils import timezone
    from django_q.core_signing import dumps
    from django_q.models import OrmQ
    from django_q.signing import PickleSerializer

    now = timezone.now()
    rows = []
    for number in numbers:
        task = {
            "id": f"{number:032}",
            "name": f"task-{number}",
            "func": "benchmarks.sample.handlers.stock_task",
            "args": (number,),
            "kwargs": {},
            "started": now,
        }
        payload = dumps(task, key=settings.SECRET_KEY, salt="stock", compress=False, serializer=PickleSerializer)
        rows.append(OrmQ(key="stock", payload=payload, lock=now))
    OrmQ.objects.bulk_create(rows, batch_size=1000)


def wait_until(condition: Callable[[], bool], *, seconds: float, every: float = 0.02) -> None:
    """Poll. Raises TimeoutError."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(every)
