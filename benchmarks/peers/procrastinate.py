"""Procrastinate, with its Django connector to enqueue and its psycopg one to work."""

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime
from typing import Any

from benchmarks import effects, harness
from benchmarks.measures import Engine

SETTINGS: dict[str, Any] = {
    "INSTALLED_APPS": ["procrastinate.contrib.django"],
    "PROCRASTINATE_IMPORT_PATHS": ["benchmarks.peers.work.procrastinate"],
    "PROCRASTINATE_READONLY_MODELS": False,
}
# Two of these. Four at once in each was the fastest of 1, 2, 4, 10 and 20; its default of 5 s between looks would make
# later jobs that late.
WORKER = ["procrastinate", "worker", "--concurrency=4", "--fetch-job-polling-interval=0.05"]


class Procrastinate(Engine):
    """Hears of new jobs by NOTIFY; looks for later ones by polling. Keeps finished jobs and their events."""

    label = "Procrastinate"
    batch = True

    @contextmanager
    def running(self) -> Iterator[Any]:
        with ExitStack() as stack:
            command = [sys.executable, "-m", "django", *WORKER]
            processes = [stack.enter_context(harness.process(command, os.environ)) for _ in range(2)]
            effects.clear()
            self.enqueue_many(range(20))
            harness.wait_until(lambda: effects.count() >= 20, seconds=60)
            harness.wait_until(self.is_settled, seconds=60)
            harness.wait_until(lambda: self._workers() == 2, seconds=60)
            yield processes

    def _workers(self) -> int:
        from procrastinate.contrib.django.models import ProcrastinateWorker

        return int(ProcrastinateWorker.objects.count())

    def enqueue(self, number: int) -> None:
        from benchmarks.peers.work.procrastinate import record

        record.defer(number=number)

    def enqueue_at(self, due: datetime, number: int) -> None:
        from benchmarks.peers.work.procrastinate import record

        record.configure(schedule_at=due).defer(number=number)

    def enqueue_many(self, numbers: Sequence[int]) -> None:
        from django.db import transaction

        from benchmarks.peers.work.procrastinate import record

        with transaction.atomic():
            for start in range(0, len(numbers), 1000):
                record.batch_defer(*({"number": number} for number in numbers[start : start + 1000]))

    def is_settled(self) -> bool:
        from procrastinate.contrib.django.models import ProcrastinateJob

        return not ProcrastinateJob.objects.filter(status__in=["todo", "doing"]).exists()

    def clear(self) -> None:
        from django.db import connection

        with connection.cursor() as cursor:
            cursor.execute("TRUNCATE procrastinate_jobs, procrastinate_events, procrastinate_periodic_defers")


def engine() -> Engine:
    """The engine of this file."""
    return Procrastinate()
