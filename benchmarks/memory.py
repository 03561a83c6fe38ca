"""How much memory does a cluster with two workers hold: idle, after 10,000 jobs, after 100,000?

Ours against stock Django-Q2, in one run. Proportional set size: what several processes share is counted once.
`python -m benchmarks.memory [--jobs N] [--json]`.
"""

from typing import Any

from benchmarks import harness, measures, peers
from benchmarks.ours import Checkback


def main() -> None:
    """Measure both, and compare."""
    parser = harness.parser(__doc__)
    parser.add_argument("--jobs", type=int, help="so many at last (100,000), and a tenth of it before")
    options = parser.parse_args()
    count = options.jobs or (5_000 if options.quick else 100_000)
    harness.prepare()
    try:
        results: dict[str, Any] = {}
        for job_type in ("bench_many", "bench_one"):
            engine = Checkback(job_type)
            results[engine.label] = measures.memory(engine, count)
        for peer in peers.PEERS:
            if peer.variant in {"", "db"}:
                # The slower ones do less: a tenth is enough to see growth.
                results[peer.label] = peers.measure(peer, "memory", count=count if peer is peers.STOCK else count // 5)
    finally:
        harness.clean_up()
    if options.json:
        harness.dump(results)
        return
    rows = [
        (
            name,
            row["jobs"],
            row["processes"],
            row["idle"],
            row["early"],
            row["late"],
            row["late"] - row["early"],
            row["largest"],
        )
        if row
        else (name, peers.HOW)
        for name, row in results.items()
    ]
    headers = ["MB", "jobs", "processes", "idle", "after a tenth", "after all", "growth between", "largest process"]
    harness.show(headers, rows)


if __name__ == "__main__":
    main()
