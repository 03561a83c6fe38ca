"""Celery with a prefork pool of two and a Redis that the benchmark starts and stops.

The variant, BENCHMARK_VARIANT: `db` keeps outcomes in PostgreSQL (django-celery-results), `none` keeps none; both
write Redis' append-only file once a second, so that a crash loses up to a second of jobs. `no-aof` is Redis as it
comes: a crash loses what came since the last snapshot.
"""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from benchmarks import effects, harness
from benchmarks.measures import Engine

VARIANT = os.environ.get("BENCHMARK_VARIANT", "db")
FOLDER = os.environ.get("BENCHMARK_FOLDER", "")
SOCKET = f"{FOLDER}/redis.sock"
KEEPS = VARIANT == "db"

SETTINGS: dict[str, Any] = {
    "INSTALLED_APPS": ["django_celery_results"] if KEEPS else [],
    "BENCHMARK_CELERY": {
        "broker_url": f"redis+socket://{SOCKET}",
        "result_backend": "django-db" if KEEPS else None,
        "task_ignore_result": not KEEPS,
        "task_acks_late": True,
        "worker_prefetch_multiplier": 64,  # its guide on optimizing: 64 or 128 for many short tasks
        "worker_concurrency": 2,
        "worker_hijack_root_logger": False,
        "broker_connection_retry_on_startup": True,
        "CELERY_DB_REUSE_MAX": 1_000_000,  # otherwise it reconnects to PostgreSQL for every task
    },
}
WORKER = ["worker", "--pool=prefork", "--loglevel=ERROR", "--without-gossip", "--without-mingle", "--without-heartbeat"]


class Celery(Engine):
    """The queue is in Redis; effects, and outcomes if they are kept, in PostgreSQL."""

    label = "Celery"

    @contextmanager
    def open(self) -> Iterator[None]:
        with redis():
            yield

    @contextmanager
    def running(self) -> Iterator[Any]:
        with redis(), harness.process([sys.executable, "-m", "celery", "-A", APP, *WORKER], os.environ) as process:
            effects.clear()
            self.enqueue_many(range(100))
            harness.wait_until(lambda: effects.count() >= 100, seconds=60)
            yield [process]

    @contextmanager
    def held(self) -> Iterator[None]:
        """Redis knows no transaction over thousands of calls: the workers stop to consume, and start again."""
        from benchmarks.peers.work.celery import app

        app.control.cancel_consumer("celery", reply=True, timeout=10, limit=1)
        yield
        app.control.add_consumer("celery", reply=True, timeout=10, limit=1)

    def enqueue(self, number: int) -> None:
        from benchmarks.peers.work.celery import record

        record.apply_async((number,))

    def enqueue_at(self, due: datetime, number: int) -> None:
        from benchmarks.peers.work.celery import record

        record.apply_async((number,), eta=due)

    def enqueue_many(self, numbers: Sequence[int]) -> None:
        from benchmarks.peers.work.celery import app, record

        with app.producer_pool.acquire(block=True) as producer:
            for number in numbers:
                record.apply_async((number,), producer=producer)

    def is_settled(self) -> bool:
        if not KEEPS:
            return True
        from django_celery_results.models import TaskResult

        return bool(TaskResult.objects.count() >= effects.count())

    def clear(self) -> None:
        if KEEPS:
            from django_celery_results.models import TaskResult

            TaskResult.objects.all().delete()


APP = "benchmarks.peers.work.celery"


@contextmanager
def redis() -> Iterator[None]:
    """A Redis server on a socket, with its files in the folder that the benchmark made and will remove."""
    options = ["--port", "0", "--unixsocket", SOCKET, "--dir", FOLDER]
    if VARIANT != "no-aof":
        options += ["--appendonly", "yes", "--appendfsync", "everysec"]
    with harness.process(["redis-server", *options], os.environ) as server:
        try:
            harness.wait_until(Path(SOCKET).exists, seconds=10)
            yield
        finally:
            server.terminate()
            with suppress(subprocess.TimeoutExpired):
                server.wait(10)


def engine() -> Engine:
    """The engine of this file."""
    return Celery()
