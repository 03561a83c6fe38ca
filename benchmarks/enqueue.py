"""How many jobs a second can be put into the queue: one for each transaction, many in one, all at once, by the API?

Ours against the peers' calls and a bare INSERT; nobody works meanwhile.
`python -m benchmarks.enqueue [--jobs N] [--json]`.
"""

import json
import time
from collections.abc import Callable

from benchmarks import harness, measures, peers
from benchmarks.ours import Checkback


def in_one_transaction(count: int) -> float:
    """`schedule_job` by `schedule_job`, committed once."""
    from django.db import transaction

    engine = Checkback("bench_one")
    measures.empty(engine)
    began = time.monotonic()
    with transaction.atomic():
        for number in range(count):
            engine.enqueue(number)
    return count / (time.monotonic() - began)


def by_api(count: int) -> float:
    """POST by POST through Django's whole stack, without a network."""
    from django.conf import settings
    from django.test import Client

    from config import keys

    settings.ALLOWED_HOSTS = [*settings.ALLOWED_HOSTS, "testserver"]
    secret = keys.create(name="benchmark", scopes=["jobs:read", "jobs:write"]).secret
    client = Client(headers={"authorization": f"Bearer {secret}"})
    measures.empty(Checkback("bench_one"))
    at = harness.now().isoformat()
    began = time.monotonic()
    for number in range(count):
        body = json.dumps({"job_type": "bench_one", "scheduled_time": at, "payload": {"number": number}})
        response = client.post("/api/v1/jobs", body, content_type="application/json")
        assert response.status_code == 201, response.content
    return count / (time.monotonic() - began)


def bare(count: int, *, at_once: bool) -> float:
    """INSERT of a row into a table with nothing but its primary key."""
    from django.db import connection

    row = ("bench_one", harness.now(), json.dumps({"number": 1}))
    statement = "INSERT INTO bare_jobs (job_type, due_at, payload) VALUES (%s, %s, %s)"
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS bare_jobs")
        cursor.execute(
            "CREATE TABLE bare_jobs (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, job_type text, "
            "due_at timestamptz, payload jsonb)"
        )
        began = time.monotonic()
        if at_once:
            with cursor.copy("COPY bare_jobs (job_type, due_at, payload) FROM STDIN") as copy:
                for _ in range(count):
                    copy.write_row(row)
        else:
            for _ in range(count):
                cursor.execute(statement, row)
        return count / (time.monotonic() - began)


def main() -> None:
    """Enqueue in every way, and compare."""
    parser = harness.parser(__doc__)
    parser.add_argument("--jobs", type=int, help="at once (100,000; a fiftieth of it one by one)")
    options = parser.parse_args()
    many = options.jobs or (5_000 if options.quick else 100_000)
    few = many // 50
    ours = Checkback("bench_one")
    harness.prepare()
    try:
        each = {
            "bare INSERT": bare(few, at_once=False),
            "Checkback, schedule_job": measures.enqueue_each(ours, few),
            "Checkback, POST /api/v1/jobs": by_api(few),
            **_ask_peers("enqueue_each", lambda peer: few),
        }
        at_once = {
            "bare COPY": bare(many, at_once=True),
            "Checkback, schedule_jobs": measures.enqueue_many(ours, many),
            "Checkback, schedule_job in one transaction": in_one_transaction(few * 5),
            **_ask_peers(
                "enqueue_many", lambda peer: many if peer.module in {"django_q2", "procrastinate"} else few * 5
            ),
        }
    finally:
        harness.clean_up()
    if options.json:
        harness.dump({"each": each, "at once": at_once})
        return
    for title, results in (("one by one, jobs/s", each), ("at once, jobs/s", at_once)):
        first = next(iter(results.values()))
        assert first
        rows = [
            (name, rate if rate is not None else peers.HOW, rate and rate / first) for name, rate in results.items()
        ]
        harness.show([title, "", "x bare"], rows)
        print()


CALLS = {
    ("django_q2", "enqueue_each"): "async_task",
    ("django_q2", "enqueue_many"): "bulk_create of its rows by hand",
    ("django_tasks_db", "enqueue_each"): "enqueue",
    ("django_tasks_db", "enqueue_many"): "enqueue in one transaction",
    ("procrastinate", "enqueue_each"): "defer",
    ("procrastinate", "enqueue_many"): "batch_defer",
    ("celery_redis", "enqueue_each"): "apply_async",
    ("celery_redis", "enqueue_many"): "apply_async with one producer",
}


def _ask_peers(what: str, count: Callable[[peers.Peer], int]) -> dict[str, float | None]:
    """Celery's three lines differ only in what happens to outcomes and files: two of them are asked."""
    return {
        f"{peer.label}: {CALLS[peer.module, what]}": peers.measure(peer, what, count=count(peer))
        for peer in peers.PEERS
        if peer.variant != "db"
    }


if __name__ == "__main__":
    main()
