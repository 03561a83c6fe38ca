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


def explain_claim(size: int = SIZE) -> str:
    """The plan of one claim as it ran; the claim is taken back."""
    from django.db import connection, transaction

    from jobs import sql

    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("EXPLAIN (ANALYZE, BUFFERS, WAL) " + sql.read(CLAIM), _claim_values(size))
        plan = "\n".join(row[0] for row in cursor.fetchall())
        transaction.set_rollback(True)
    return plan


def _claim_values(size: int) -> dict[str, Any]:
    return {"size": size, "token": uuid.uuid4(), "lease": 30, "worker": "bare", "not_repeatable": []}


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
            values = _claim_values(SIZE)
            cursor.execute(sql.read(CLAIM), values)
            rows = cursor.fetchall()
            if not rows:
                break
            with transaction.atomic():
                effects.record_many([int(row[2][11:-1]) for row in rows])  # {"number": 17}
                cursor.execute(sql.read(SETTLE), _outcome([row[0] for row in rows], values["token"]))
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
