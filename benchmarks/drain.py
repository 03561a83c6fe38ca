"""How many jobs a second do two workers finish, status and history kept for each?

Ours (set by set and one by one) against stock Django-Q2 with its ORM broker and against the bare SQL of the same
work, all in one run on one database. `python benchmarks/drain.py [--jobs N] [--json]`.
"""

import argparse
import json
import multiprocessing
import time
import uuid

import harness


def drain_ours(job_type: str, count: int) -> float:
    """Jobs per second from the commit that enqueues them to the commit of the last outcome."""
    from django.utils import timezone

    from jobs.enqueue import schedule_jobs
    from jobs.models import JobExecution, ScheduledJob

    with harness.cluster("checkback"):
        rates = []
        for _ in range(3):
            reset()
            schedule_jobs(job_type, ((timezone.now(), {"number": n}) for n in range(count)))
            began = time.monotonic()
            harness.wait_until(lambda: not ScheduledJob.objects.live().exists(), seconds=300)
            rates.append(count / (time.monotonic() - began))
            completed = JobExecution.objects.filter(status="completed").count()
            assert completed == count, f"{completed} history rows for {count} jobs"
    return sorted(rates)[1]


def drain_stock(count: int) -> float:
    """The same for stock Django-Q2."""
    from django_q.models import OrmQ, Task

    with harness.cluster("stock"):
        rates = []
        for _ in range(3):
            Task.objects.all().delete()
            harness.enqueue_stock(list(range(count)))
            began = time.monotonic()
            harness.wait_until(lambda: not OrmQ.objects.exists(), seconds=300)
            rates.append(count / (time.monotonic() - began))
            assert Task.objects.count() == count
    return sorted(rates)[1]


def drain_sql(count: int) -> float:
    """Two connections that send the claim and the outcome statements and do nothing else."""
    from django.utils import timezone

    from jobs.enqueue import schedule_jobs

    rates = []
    for _ in range(3):
        reset()
        schedule_jobs("bench_many", ((timezone.now(), {"number": n}) for n in range(count)))
        barrier = multiprocessing.Barrier(3)
        workers = [multiprocessing.Process(target=send_statements, args=(barrier,)) for _ in range(2)]
        from django.db import connection

        connection.close()
        for worker in workers:
            worker.start()
        barrier.wait()
        began = time.monotonic()
        for worker in workers:
            worker.join()
        rates.append(count / (time.monotonic() - began))
    return sorted(rates)[1]


def send_statements(barrier: object) -> None:
    """One of the two connections."""
    from datetime import UTC, datetime

    from django.db import connection

    from jobs import sql

    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        barrier.wait()  # type: ignore[attr-defined]
        while True:
            token = uuid.uuid4()
            values = {"size": 500, "token": token, "lease": 30, "worker": "bare", "not_repeatable": []}
            cursor.execute(sql.read("claim_v1"), values)
            ids = [row[0] for row in cursor.fetchall()]
            if not ids:
                break
            now = datetime.now(UTC)
            cursor.execute(
                sql.read("settle_v1"),
                {
                    "job_ids": ids,
                    "token": token,
                    "status": "completed",
                    "history_status": "completed",
                    "started_at": now,
                    "now": now,
                    "duration_ms": 0,
                    "next_attempt_at": None,
                    "error": None,
                    "retries_used": 0,
                },
            )
    connection.close()


def reset() -> None:
    """Empty tables: every round starts alike."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE scheduled_jobs, job_execution_history")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=20_000)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    harness.prepare()
    try:
        results = {
            "bare SQL": drain_sql(options.jobs),
            "Checkback, set by set": drain_ours("bench_many", options.jobs),
            "Checkback, one by one": drain_ours("bench_one", options.jobs // 4),
            "stock Django-Q2": drain_stock(options.jobs // 10),
        }
    finally:
        harness.clean_up()
    if options.json:
        print(json.dumps(results))
        return
    print(f"{'':24}{'jobs/s':>10}{'x stock':>10}{'x bare SQL':>12}")
    for name, rate in results.items():
        print(f"{name:24}{rate:10.0f}{rate / results['stock Django-Q2']:10.1f}{rate / results['bare SQL']:12.2f}")


if __name__ == "__main__":
    main()
