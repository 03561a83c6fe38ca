"""The engine's own statements, sent by nobody but a loop: what the database alone allows.

The one place that knows their names and parameters. A change of the engine's SQL is a change here.
"""

import multiprocessing
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

CLAIM, SETTLE = "claim_v1", "settle_v1"
SIZE = 500


def claim(size: int = SIZE) -> int:
    """Claim through the engine's function, run nothing. Returns how many."""
    from jobs import leases

    return len(leases.claim(size=size, worker="bare", lease=timedelta(seconds=600)).jobs)


def drain(connections: int = 2) -> None:
    """Claim, record the effects and settle, over so many connections, until nothing is due."""
    from django.db import connection

    connection.close()
    barrier = multiprocessing.Barrier(connections)
    workers = [multiprocessing.Process(target=_send_statements, args=(barrier,)) for _ in range(connections)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()


def _send_statements(barrier: Any) -> None:
    from django.db import connection, transaction

    from benchmarks import effects
    from jobs import sql

    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        barrier.wait()
        while True:
            token = uuid.uuid4()
            values = {"size": SIZE, "token": token, "lease": 30, "worker": "bare", "not_repeatable": []}
            cursor.execute(sql.read(CLAIM), values)
            rows = cursor.fetchall()
            if not rows:
                break
            with transaction.atomic():
                effects.record_many([int(row[2][11:-1]) for row in rows])  # {"number": 17}
                cursor.execute(sql.read(SETTLE), _outcome([row[0] for row in rows], token))
    connection.close()


def _outcome(job_ids: list[str], token: uuid.UUID) -> dict[str, Any]:
    now = datetime.now(UTC)
    return {
        "job_ids": job_ids,
        "token": token,
        "status": "completed",
        "history_status": "completed",
        "started_at": now,
        "now": now,
        "duration_ms": 0,
        "next_attempt_at": None,
        "error": None,
        "retries_used": 0,
    }
