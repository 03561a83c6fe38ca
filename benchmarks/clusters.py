"""Do several clusters share one database's work: all of it, once, evenly, and no slower than one?

1, 2 and 4 `qcluster`s with two workers each, on one machine: with more workers than cores nothing gets faster, the
question is what it costs. `python -m benchmarks.clusters [--jobs N] [--json]`.
"""

import os
from contextlib import ExitStack
from typing import Any

from benchmarks import effects, harness, measures
from benchmarks.ours import Checkback

COUNTS = (1, 2, 4)


def drain(clusters: int, job_type: str, count: int) -> dict[str, Any]:
    """The median rate of three rounds, and how many jobs each cluster's workers did in the last one."""
    engine = Checkback(job_type)
    with ExitStack() as stack:
        roots = [stack.enter_context(harness.cluster()).pid for _ in range(clusters)]
        rates = []
        for _ in range(measures.ROUNDS):
            measures.empty(engine)
            engine.enqueue_many(range(count))
            measures.wait(engine, count)
            rates.append(effects.rate(count))  # fails when one ran twice or never
        shares = _by_cluster(roots)
    assert sum(shares.values()) == count, f"{shares} of {count}"
    return {"rate": sorted(rates)[measures.ROUNDS // 2], "shares": sorted(shares.values())}


def _by_cluster(roots: list[int]) -> dict[int, int]:
    """Jobs by the process that each cluster began with: it leads the session of its workers, who sign their rows."""
    from django.db.models import Count

    from jobs.models import JobExecution

    # A job that never reached a worker would have no row here, and rate() would have said so.
    rows = JobExecution.objects.filter(status="completed").order_by().values_list("worker").annotate(Count("job_id"))
    shares = dict.fromkeys(roots, 0)
    for worker, jobs in rows:
        shares[os.getsid(int(worker.rpartition(":")[2]))] += jobs
    return shares


def main() -> None:
    """Drain with more and more clusters."""
    parser = harness.parser(__doc__)
    parser.add_argument("--jobs", type=int, help="set-based (40,000); a fifth of it one by one")
    options = parser.parse_args()
    count = options.jobs or (4_000 if options.quick else 40_000)
    harness.prepare()
    try:
        results = {
            kind: {clusters: drain(clusters, kind, jobs) for clusters in COUNTS}
            for kind, jobs in (("bench_many", count), ("bench_one", count // 5))
        }
    finally:
        harness.clean_up()
    if options.json:
        harness.dump(results)
        return
    rows = []
    for kind, by_clusters in results.items():
        for clusters, result in by_clusters.items():
            shares = result["shares"]
            rows.append(
                (
                    "set-based" if kind == "bench_many" else "per-job",
                    clusters,
                    result["rate"],
                    result["rate"] / by_clusters[1]["rate"],
                    " ".join(f"{share:,}" for share in shares),
                    min(shares) / max(shares),
                )
            )
    harness.show(["handler", "clusters", "jobs/s", "x one", "jobs of each", "least / most"], rows)


if __name__ == "__main__":
    main()
