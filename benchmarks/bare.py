"""The engine's claim and its outcome statement, sent by nobody but a loop: what the database alone allows.

The one place that knows the names and parameters of the engine's SQL. A change of them is a change here.
"""

import json
import multiprocessing
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

CLAIM, SETTLE = "claim_v1", "settle_v1"
SIZE = 500
LEASE = timedelta(seconds=600)


def claim(size: int = SIZE) -> int:
    """Claim through the engine's function, run nothing. Returns how many."""
    from jobs import leases

    return len(leases.claim(size=size, worker="bare", lease=LEASE).jobs)


def explain_claim(size: int = SIZE) -> str:
    """The plan of one claim as it ran; the claim is taken back."""
    from django.db import connection, transaction

    from benchmarks.sample.handlers import TYPES
    from jobs import sql

    values = {
        "size": size,
        "token": uuid.uuid4(),
        "lease": LEASE.total_seconds(),
        "worker": "bare",
        "not_repeatable": [],
        "priorities": [5, *[0] * (len(TYPES) - 1)],
        "job_types": TYPES,
    }
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("EXPLAIN (ANALYZE, BUFFERS, WAL) " + sql.read(CLAIM), values)
        plan = "\n".join(row[0] for row in cursor.fetchall())
        transaction.set_rollback(True)
    return plan


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
    from jobs import leases, sql

    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        barrier.wait()
        while (batch := leases.claim(size=SIZE, worker="bare", lease=LEASE)).jobs:
            with transaction.atomic():
                effects.record_many([json.loads(job.payload)["number"] for job in batch.jobs])
                cursor.execute(sql.read(SETTLE), _outcome([job.job_id for job in batch.jobs], batch.token))
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
