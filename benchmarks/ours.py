"""Checkback as one of the engines, through its public functions."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from benchmarks import effects, harness
from benchmarks.measures import Engine


class Checkback(Engine):
    """Our engine with one kind of handler: `bench_many` set by set, `bench_one` one by one."""

    batch = True

    def __init__(self, job_type: str, *, clears: bool = True) -> None:
        self.job_type = job_type
        self.clears = clears
        self.label = f"Checkback, {'set-based' if job_type == 'bench_many' else 'per-job'} handler"

    @contextmanager
    def running(self) -> Iterator[Any]:
        with harness.cluster() as process:
            yield [process]

    def enqueue(self, number: int) -> None:
        self.enqueue_at(harness.now(), number)

    def enqueue_at(self, due: datetime, number: int) -> None:
        from jobs.enqueue import schedule_job

        schedule_job(self.job_type, due, {"number": number})

    def enqueue_many(self, numbers: Sequence[int]) -> None:
        from jobs.enqueue import schedule_jobs

        now = harness.now()
        schedule_jobs(self.job_type, ((now, {"number": number}) for number in numbers))

    def is_settled(self) -> bool:
        return harness.is_idle()

    def clear(self) -> None:
        from django.db import connection

        effects.clear()
        if self.clears:
            with connection.cursor() as cursor:
                cursor.execute("TRUNCATE scheduled_jobs, job_execution_history")
