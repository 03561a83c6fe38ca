"""How late does a job start that is due at a given instant, while the workers are idle?

Ours against Django-Q2's own schedules, in one run. `python benchmarks/lateness.py [--jobs N] [--json]`.
"""

import argparse
import json
import random
import time
from datetime import UTC, datetime, timedelta

import harness


def ours(count: int, seconds: float) -> list[float]:
    """Milliseconds from due to start of jobs spread at random over the coming `seconds`."""
    from jobs.enqueue import schedule_jobs
    from jobs.models import JobExecution, ScheduledJob

    with harness.cluster("checkback"):
        begin = datetime.now(UTC) + timedelta(seconds=1)
        dues = [begin + timedelta(seconds=random.uniform(0, seconds)) for _ in range(count)]
        schedule_jobs("bench_one", ((due, {}) for due in dues))
        harness.wait_until(lambda: not ScheduledJob.objects.live().exists(), seconds=seconds + 60, every=0.5)
    due_of = dict(ScheduledJob.objects.values_list("job_id", "scheduled_time"))
    return [
        (started - due_of[job_id]).total_seconds() * 1000
        for job_id, started in JobExecution.objects.values_list("job_id", "execution_time")
    ]


def immediate(count: int) -> list[float]:
    """Milliseconds from the commit that enqueues a job due now to its start."""
    from jobs.enqueue import schedule_job
    from jobs.models import JobExecution, ScheduledJob

    committed = {}
    with harness.cluster("checkback"):
        for _ in range(count):
            job = schedule_job("bench_one", datetime.now(UTC), {})
            committed[job.job_id] = datetime.now(UTC)
            time.sleep(random.uniform(0.01, 0.05))
        harness.wait_until(lambda: not ScheduledJob.objects.live().exists(), seconds=60)
    rows = JobExecution.objects.filter(job_id__in=committed).values_list("job_id", "execution_time")
    return [(started - committed[job_id]).total_seconds() * 1000 for job_id, started in rows]


def stock(count: int, seconds: float) -> list[float]:
    """The same for Django-Q2 schedules that run once."""
    from django_q.models import Schedule, Task

    with harness.cluster("stock"):
        begin = datetime.now(UTC) + timedelta(seconds=1)
        for number in range(count):
            due = begin + timedelta(seconds=random.uniform(0, seconds))
            Schedule.objects.create(
                name=f"s{number}",
                func="benchmarks.sample.handlers.stock_due",
                args=f"({due.timestamp()!r},)",
                schedule_type=Schedule.ONCE,
                next_run=due,
            )
        harness.wait_until(lambda: Task.objects.count() >= count, seconds=seconds + 120, every=0.5)
    return [float(result) * 1000 for result in Task.objects.values_list("result", flat=True)]


def quantile(values: list[float], share: float) -> float:
    """The value below which `share` of them lie."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=400)
    parser.add_argument("--seconds", type=float, default=40)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    harness.prepare()
    try:
        samples = {
            "Checkback, due later": ours(options.jobs, options.seconds),
            "Checkback, due now": immediate(options.jobs),
            "Django-Q2 schedules": stock(options.jobs // 8, options.seconds),
        }
    finally:
        harness.clean_up()
    results = {
        name: {"p50": quantile(values, 0.5), "p99": quantile(values, 0.99), "max": max(values)}
        for name, values in samples.items()
    }
    if options.json:
        print(json.dumps(results))
        return
    print(f"{'milliseconds late':24}{'p50':>10}{'p99':>10}{'max':>10}{'stock p99 / p99':>18}")
    for name, row in results.items():
        ratio = results["Django-Q2 schedules"]["p99"] / row["p99"]
        print(f"{name:24}{row['p50']:10.1f}{row['p99']:10.1f}{row['max']:10.1f}{ratio:18.0f}")


if __name__ == "__main__":
    main()
