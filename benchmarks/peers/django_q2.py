"""Stock Django-Q2 with its ORM broker, as its documentation tunes it."""

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from benchmarks import effects, harness
from benchmarks.measures import Engine

SETTINGS: dict[str, Any] = {
    "INSTALLED_APPS": ["django_q"],
    "Q_CLUSTER": {
        "name": "stock",
        "orm": "default",
        "workers": 2,
        "timeout": 60,
        "retry": 120,
        "save_limit": 0,  # keeps a row for each finished task, as we do
        "bulk": 50,
        "poll": 0.05,
        "catch_up": False,
        "time_zone": "UTC",
    },
}
TASK = "benchmarks.effects.record"


class DjangoQ2(Engine):
    """Its tasks and, for later, its schedules."""

    label = "Django-Q2"
    batch = True

    @contextmanager
    def running(self) -> Iterator[Any]:
        with harness.process([sys.executable, "-m", "django", "qcluster"], os.environ) as process:
            effects.clear()
            self.enqueue_many(range(20))
            harness.wait_until(lambda: effects.count() >= 20, seconds=60)
            harness.wait_until(self.is_settled, seconds=60)
            yield [process]

    def enqueue(self, number: int) -> None:
        from django_q.tasks import async_task

        async_task(TASK, number)

    def enqueue_at(self, due: datetime, number: int) -> None:
        from django_q.models import Schedule

        Schedule.objects.create(func=TASK, args=f"({number},)", schedule_type=Schedule.ONCE, next_run=due)

    def enqueue_many(self, numbers: Sequence[int]) -> None:
        """All in one insert: faster than a loop of its `async_task`, and it offers nothing else."""
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
                "func": TASK,
                "args": (number,),
                "kwargs": {},
                "started": now,
            }
            payload = dumps(task, key=settings.SECRET_KEY, salt="stock", compress=False, serializer=PickleSerializer)
            rows.append(OrmQ(key="stock", payload=payload, lock=now))
        OrmQ.objects.bulk_create(rows, batch_size=1000)

    def is_settled(self) -> bool:
        from django_q.models import OrmQ

        return not OrmQ.objects.exists()

    def clear(self) -> None:
        from django_q.models import OrmQ, Schedule, Task

        for model in (Schedule, Task, OrmQ):
            model.objects.all().delete()


def engine() -> Engine:
    """The engine of this file."""
    return DjangoQ2()
