"""Does the engine keep its speed beside a million waiting jobs and ten million finished ones?

Every measure is taken on an empty database and then on the full one, in one run. `python -m benchmarks.scale
[--pending N] [--finished N] [--keep] [--explain FILE]`.
"""

import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from benchmarks import bare, harness, measures
from benchmarks.ours import Checkback

FULL = "checkback_scale"
DUE = 20_000
TARGET_MS = 300
LONG_MS = 50
"""A question that takes longer has its slowest statement explained."""

FINISHED = """
INSERT INTO scheduled_jobs (job_id, job_type, scheduled_time, next_attempt_at, payload, status, priority, created_at,
                            started_at, completed_at, error_message, worker)
SELECT gen_random_uuid()::text, 'bench_type_' || n %% 10, at, at, jsonb_build_object('number', n), status,
       CASE WHEN n %% 20 = 0 THEN n / 20 %% 9 + 1 ELSE 0 END, at - interval '1 hour', at, at + interval '5 ms',
       CASE WHEN status = 'failed' THEN 'It did not answer.' END, 'made-up:1'
FROM generate_series(1, %(finished)s) AS n
CROSS JOIN LATERAL (
    SELECT now() - interval '30 days' * (%(finished)s - n) / %(finished)s AS at,
           CASE WHEN n %% 100 < 97 THEN 'completed' WHEN n %% 100 = 97 THEN 'failed'
                WHEN n %% 100 = 98 THEN 'expired' WHEN n %% 10000 = 99 THEN 'unknown' ELSE 'cancelled' END AS status
) AS made
"""
PENDING = """
INSERT INTO scheduled_jobs (job_id, job_type, scheduled_time, next_attempt_at, payload, priority)
SELECT gen_random_uuid()::text, 'bench_type_' || n %% 10, at, at, jsonb_build_object('number', n),
       CASE WHEN n %% 20 = 0 THEN n / 20 %% 9 + 1 ELSE 0 END
FROM generate_series(1, %(pending)s) AS n
CROSS JOIN LATERAL (SELECT now() + interval '2 hours' + interval '30 days' * random() * (n > 0)::int AS at) AS made
"""
HISTORY = """
INSERT INTO job_execution_history (job_id, job_type, execution_time, duration_ms, status, error_message, worker{more})
SELECT job_id, job_type, started_at, 5, CASE status WHEN 'cancelled' THEN 'failed' ELSE status END, error_message,
       worker{value}
FROM scheduled_jobs
WHERE started_at IS NOT NULL
"""


def fill(pending: int, finished: int) -> float:
    """Make the rows as a month of work would have left them. Returns the seconds it took."""
    from django.db import connection

    began = time.monotonic()
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE scheduled_jobs, job_execution_history")
        cursor.execute("SET synchronous_commit = off")
        for statement in (FINISHED, _history(), PENDING):
            cursor.execute(statement, {"pending": pending, "finished": finished})
        cursor.execute("SET synchronous_commit = on")
    settle()
    return time.monotonic() - began


def _history() -> str:
    """With the lateness, where the history keeps it."""
    from jobs.models import JobExecution

    if any(field.name == "lateness_ms" for field in JobExecution._meta.fields):
        return HISTORY.format(more=", lateness_ms", value=", 7")
    return HISTORY.format(more="", value="")


def settle() -> None:
    """What autovacuum and the checkpointer would have done by now."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
        cursor.execute("CHECKPOINT")


def speed(due: int, probes: int) -> dict[str, float]:
    """How fast jobs are claimed and run, and how late they start."""
    figures = {"bare claim, jobs/s": sorted(_claim(due) for _ in range(3))[1]}
    engine = Checkback("bench_many", clears=False)
    engine.enqueue_many = _enqueue_spread  # type: ignore[method-assign]
    figures["two workers, jobs/s"] = measures.drain(engine, due)
    one = Checkback("bench_one", clears=False)
    later = measures.due_later(one, probes, probes / 10)
    at_once = measures.due_now(one, probes)
    for name, values in (("due later", later), ("due now", at_once)):
        figures[f"{name}, p50 ms late"] = harness.quantile(values, 0.5)
        figures[f"{name}, p99 ms late"] = harness.quantile(values, 0.99)
    return figures


def _claim(due: int) -> float:
    """Claims of 500 by one connection, until nothing is due. Leaves no job behind."""
    from django.db import connection

    _enqueue_spread(range(due))
    began = time.monotonic()
    claimed = 0
    while count := bare.claim():
        claimed += count
    rate = claimed / (time.monotonic() - began)
    assert claimed == due, f"{claimed} of {due} jobs claimed"
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM scheduled_jobs WHERE status = 'running'")
    return rate


def _enqueue_spread(numbers: Any) -> None:
    """Due now, over all types and two priorities, visible at once."""
    from django.db import transaction

    from benchmarks.sample.handlers import TYPES
    from jobs.enqueue import schedule_jobs

    now = harness.now()
    with transaction.atomic():
        for place, job_type in enumerate(TYPES):
            mine = numbers[place :: len(TYPES)]
            schedule_jobs(job_type, ((now, {"number": number}) for number in mine), priority=5 if place == 0 else 0)


def questions() -> dict[str, Callable[[], object]]:
    """What people and programs ask: each by the function or page that answers it."""
    from jobs import stats
    from jobs.models import JobStatus, ScheduledJob

    now = harness.now()
    middle = (
        ScheduledJob.objects.filter(scheduled_time__lt=now - timedelta(days=10)).order_by("-scheduled_time").first()
    )
    asked: dict[str, Callable[[], object]] = {
        "scheduler_health": lambda: stats.scheduler_health(now=now),
        "scheduler_stats": lambda: stats.scheduler_stats(now=now),
        "list_jobs, first page": lambda: stats.list_jobs(limit=50),
        "list_jobs, a page in the middle": lambda: stats.list_jobs(limit=50, after=middle),
        "list_jobs, pending and due": lambda: stats.list_jobs(limit=50, status=JobStatus.PENDING, due_before=now),
        "list_jobs, one type": lambda: stats.list_jobs(limit=50, job_type="bench_type_3"),
        "list_jobs, a rare type": lambda: stats.list_jobs(limit=50, job_type="bench_one"),
    }
    for status in JobStatus:
        asked[f"list_jobs, {status}"] = lambda status=status: stats.list_jobs(limit=50, status=status)  # type: ignore[misc]
    return {**asked, **_pages()}


def _pages() -> dict[str, Callable[[], object]]:
    """The console's and the API's pages, through Django's test client."""
    from django.conf import settings
    from django.contrib.auth.models import User
    from django.test import Client

    from config import keys

    settings.ALLOWED_HOSTS = [*settings.ALLOWED_HOSTS, "testserver"]
    boss = User.objects.filter(username="benchmark").first() or User.objects.create_superuser("benchmark")
    staff = Client()
    staff.force_login(boss)
    secret = keys.create(name="benchmark", scopes=["jobs:read"]).secret
    program = Client(headers={"authorization": f"Bearer {secret}"})

    def page(client: Client, address: str) -> Callable[[], object]:
        def get() -> object:
            response = client.get(address)
            assert response.status_code == 200, (address, response.status_code)
            return response

        return get

    jobs, attempts = "/admin/jobs/scheduledjob/", "/admin/jobs/jobexecution/"
    following = program.get("/api/v1/jobs").json()["next"]
    pages = {
        "console: Overview": page(staff, "/admin/"),
        "console: jobs": page(staff, jobs),
        "console: jobs, page 100": page(staff, f"{jobs}?p=100"),
        "console: failed jobs": page(staff, f"{jobs}?status__exact=failed"),
        "console: pending jobs": page(staff, f"{jobs}?status__exact=pending"),
        "console: completed jobs": page(staff, f"{jobs}?status__exact=completed"),
        "console: jobs of a type": page(staff, f"{jobs}?job_type=bench_type_3"),
        "console: overdue jobs": page(staff, f"{jobs}?due=late"),
        "console: attempts": page(staff, attempts),
        "console: failed attempts": page(staff, f"{attempts}?status__exact=failed"),
        "console: attempts of a type": page(staff, f"{attempts}?job_type=bench_type_3"),
        "API: jobs": page(program, "/api/v1/jobs"),
        "API: failed jobs": page(program, "/api/v1/jobs?status=failed"),
        "API: pending jobs": page(program, "/api/v1/jobs?status=pending"),
        "API: jobs of a type": page(program, "/api/v1/jobs?job_type=bench_type_3"),
    }
    if following:
        pages["API: jobs, the next page"] = page(program, following)
    return pages


def ask(times: int) -> dict[str, list[float]]:
    """Milliseconds of each question, asked so many times after a first one that does not count."""
    taken = {}
    for name, question in questions().items():
        question()
        first = _clocked(question)
        more = times - 1 if first < 5 * TARGET_MS else 2  # so slow that the rest would teach nothing
        taken[name] = [first, *(_clocked(question) for _ in range(more))]
    return taken


def _clocked(question: Callable[[], object]) -> float:
    began = time.perf_counter()
    question()
    return (time.perf_counter() - began) * 1000


def explain(longer_than_ms: float) -> str:
    """The slowest statement of every question that takes longer, with its plan, as Markdown."""
    from django.db import connection

    _enqueue_spread(range(DUE))
    told = [f"## One claim of {bare.SIZE}\n\n```\n{bare.explain_claim()}\n```\n"]
    while bare.claim():
        pass
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM scheduled_jobs WHERE status = 'running'")
    for name, question in questions().items():
        question()
        connection.force_debug_cursor = True
        connection.queries_log.clear()
        took = _clocked(question)
        asked = sorted(connection.queries, key=lambda query: -float(query["time"]))
        connection.force_debug_cursor = False
        if took <= longer_than_ms:
            continue
        told.append(f"## {name}: {took:.0f} ms, {len(asked)} statements\n")
        for query in asked[:3]:
            if float(query["time"]) * 1000 < longer_than_ms / 3:
                continue
            with connection.cursor() as cursor:
                cursor.execute("EXPLAIN (ANALYZE, BUFFERS) " + query["sql"].replace("%", "%%"), [])
                plan = "\n".join(row[0] for row in cursor.fetchall())
            told.append(f"{float(query['time']) * 1000:.0f} ms:\n\n```\n{query['sql']}\n\n{plan}\n```\n")
    return "\n".join(told)


def main() -> None:
    """Measure, and print what misses its target."""
    parser = harness.parser(__doc__)
    parser.add_argument("--pending", type=int, help="jobs due in the coming month (1,000,000)")
    parser.add_argument("--finished", type=int, help="finished jobs, each with a row of history (10,000,000)")
    parser.add_argument("--keep", action="store_true", help=f"keep the full database, {FULL}, and use a kept one")
    parser.add_argument("--explain", type=Path, metavar="FILE", help="write the slow statements' plans there")
    options = parser.parse_args()
    pending = options.pending or (100_000 if options.quick else 1_000_000)
    finished = options.finished or 10 * pending
    due, probes, times = (2_000, 50, 5) if options.quick else (DUE, 300, 20)

    harness.prepare()
    try:
        empty = speed(due, probes)
        empty_asked = ask(times)
    finally:
        harness.clean_up()
    harness.prepare(FULL, fresh=not options.keep)
    try:
        took = _fill_unless_kept(pending, finished)
        full = speed(due, probes)
        settle()
        full_asked = ask(times)
        if options.explain:
            options.explain.write_text(explain(LONG_MS))
    finally:
        if not options.keep:
            harness.clean_up()
    _report(options.json, took, (empty, empty_asked), (full, full_asked))


def _fill_unless_kept(pending: int, finished: int) -> float | None:
    from jobs import pagination
    from jobs.models import ScheduledJob

    if pagination.estimated_count(ScheduledJob) < 0.95 * (pending + finished):
        return fill(pending, finished)
    # What has become due since then must wait again.
    soon = harness.now() + timedelta(hours=2)
    late = ScheduledJob.objects.pending().filter(next_attempt_at__lt=soon)
    late.update(scheduled_time=soon + timedelta(days=30), next_attempt_at=soon + timedelta(days=30))
    return None


def _report(as_json: bool, took: float | None, empty: Any, full: Any) -> None:
    if as_json:
        harness.dump({"fill_seconds": took, "empty": empty, "full": full})
        return
    print(f"Filled in {took:.0f} s.\n" if took else "The kept database was used.\n")
    rows = [(name, empty[0][name], value, value / empty[0][name]) for name, value in full[0].items()]
    harness.show(["", "empty", "full", "full / empty"], rows)
    print()
    asked = [
        (
            name,
            harness.median(empty[1][name]) if name in empty[1] else None,
            harness.median(taken),
            max(taken),
            "" if harness.median(taken) < TARGET_MS else "MISSED",
        )
        for name, taken in full[1].items()
    ]
    harness.show(["milliseconds", "empty", "full, median", "full, worst", f"< {TARGET_MS}"], asked)


if __name__ == "__main__":
    main()
