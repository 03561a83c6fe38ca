"""How many jobs a second do two workers finish, the effect, the outcome and the history kept for each?

Ours (set by set and one by one) against the bare SQL of the same work and the peers, all in one run on one server.
`python -m benchmarks.drain [--jobs N] [--json]`.
"""

from benchmarks import bare, effects, harness, measures, peers
from benchmarks.ours import Checkback


def drain_sql(count: int) -> float:
    """Two connections that send the claim, the effects and the outcomes, and do nothing else."""
    engine = Checkback("bench_many")
    rates = []
    for _ in range(measures.ROUNDS):
        measures.empty(engine)
        engine.enqueue_many(range(count))
        bare.drain()
        rates.append(effects.rate(count))
    return sorted(rates)[measures.ROUNDS // 2]


def main() -> None:
    """Drain with everybody, and compare."""
    parser = harness.parser(__doc__)
    parser.add_argument("--jobs", type=int, help="for the set-based ones (20,000); the others drain a quarter")
    options = parser.parse_args()
    count = options.jobs or (2_000 if options.quick else 20_000)
    one_by_one = Checkback("bench_one")
    harness.prepare()
    try:
        results = {"bare SQL, 500 at once": drain_sql(count)}
        for engine in (Checkback("bench_many"), one_by_one):
            results[engine.label] = measures.drain(engine, count if engine.job_type == "bench_many" else count // 4)
        others = {
            peer.label: peers.measure(peer, "drain", count=count // (20 if peer is peers.STOCK else 4))
            for peer in peers.PEERS
        }
    finally:
        harness.clean_up()
    if options.json:
        harness.dump({**results, **others})
        return
    best = max(rate for rate in others.values() if rate is not None)
    rows = [
        (
            name,
            rate if rate is not None else peers.HOW,
            rate and rate / best,
            rate and rate / results["bare SQL, 500 at once"],
        )
        for name, rate in {**results, **others}.items()
    ]
    harness.show(["", "jobs/s", "x best peer", "x bare SQL"], rows)


if __name__ == "__main__":
    main()
