"""django-tasks-db: the database backend of Django's tasks."""

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime
from importlib.util import find_spec
from typing import Any

from benchmarks import effects, harness
from benchmarks.measures import Engine

SETTINGS: dict[str, Any] = {
    # Django 6 brings the tasks itself.
    "INSTALLED_APPS": ["django_tasks_db"] if find_spec("django.tasks") else ["django_tasks", "django_tasks_db"],
    "TASKS": {"default": {"BACKEND": "django_tasks_db.DatabaseBackend"}},
}
WORKER = ["db_worker", "--interval=0.05", "--no-startup-delay", "--no-reload"]


class DjangoTasks(Engine):
    """Two workers that poll. Has no way to enqueue many."""

    label = "django-tasks-db"

    @contextmanager
    def running(self) -> Iterator[Any]:
        with ExitStack() as stack:
            command = [sys.executable, "-m", "django", *WORKER]
            processes = [stack.enter_context(harness.process(command, os.environ)) for _ in range(2)]
            effects.clear()
            while self._workers() < 2:
                self.enqueue_many(range(20))
                harness.wait_until(self.is_settled, seconds=60)
            yield processes

    def _workers(self) -> int:
        from benchmarks.effects import _rows

        return int(_rows("SELECT count(DISTINCT worker) FROM benchmark_effects")[0][0])

    def enqueue(self, number: int) -> None:
        from benchmarks.peers.work.django_tasks import record

        record.enqueue(number)

    def enqueue_at(self, due: datetime, number: int) -> None:
        from benchmarks.peers.work.django_tasks import record

        record.using(run_after=due).enqueue(number)

    def enqueue_many(self, numbers: Sequence[int]) -> None:
        from django.db import transaction

        with transaction.atomic():
            for number in numbers:
                self.enqueue(number)

    def is_settled(self) -> bool:
        from django_tasks_db.models import DBTaskResult

        return not DBTaskResult.objects.filter(finished_at__isnull=True).exists()

    def clear(self) -> None:
        from django_tasks_db.models import DBTaskResult

        DBTaskResult.objects.all().delete()


def engine() -> Engine:
    """The engine of this file."""
    return DjangoTasks()
