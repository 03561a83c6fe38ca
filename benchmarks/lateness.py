"""How late does a job start: due now, due at an instant, and while 500 others a second flow through?

Ours against the peers, in one run on one server, to the job's effect in the database. Targets for ours: 99 in 100
within 25 ms when idle, within 100 ms under 500 jobs a second. `python -m benchmarks.lateness [--jobs N] [--json]`.
"""

import random
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from benchmarks import harness, measures, peers
from benchmarks.ours import Checkback

PER_SECOND = 500
EVERY = 0.02
IDLE_MS, LOADED_MS = 25, 100
PROBES = 1_000_000
"""Probes are numbered from here, the jobs of the flow from 0."""


def under_load(flowing: str, seconds: float, probes: int) -> tuple[list[float], list[float], float]:
    """Milliseconds late of the jobs of the flow, from commit to effect, and of probes due at instants beside them.

    The flow is of the type `flowing`, the probes are per-job ones. The third is how many jobs a second really flowed.
    """
    engine, probe = Checkback(flowing), Checkback("bench_one")
    with engine.running():
        measures.empty(engine)
        begin = datetime.now(UTC) + timedelta(seconds=2)
        dues = {PROBES + n: begin + timedelta(seconds=random.uniform(0, seconds)) for n in range(probes)}
        for number, due in dues.items():
            probe.enqueue_at(due, number)
        committed = _flow(engine, seconds + 2)
        rate = len(committed) / (seconds + 2)
        measures.wait(engine, len(committed) + probes)
    late = measures.late_by_number({**committed, **dues})
    return [late[n] for n in committed], [late[n] for n in dues], rate


def _flow(engine: Checkback, seconds: float) -> dict[int, datetime]:
    """Enqueue ten jobs every 20 ms. Returns when each was committed."""
    committed: dict[int, datetime] = {}
    began = time.monotonic()
    turn = 0
    while (elapsed := time.monotonic() - began) < seconds:
        wanted = int(elapsed * PER_SECOND)
        numbers = range(len(committed), max(wanted, len(committed)))
        if numbers:
            engine.enqueue_many(numbers)
            committed.update(dict.fromkeys(numbers, datetime.now(UTC)))
        turn += 1
        time.sleep(max(0.0, began + turn * EVERY - time.monotonic()))
    return committed


def figures(values: Sequence[float]) -> dict[str, float]:
    """The three that are printed."""
    return {"p50": harness.quantile(values, 0.5), "p99": harness.quantile(values, 0.99), "max": max(values)}


def main() -> None:
    """Ask everybody, and compare with the targets."""
    parser = harness.parser(__doc__)
    parser.add_argument("--jobs", type=int, help="so many for each line (400; an eighth for Django-Q2's schedules)")
    options = parser.parse_args()
    count = options.jobs or (50 if options.quick else 400)
    seconds = count / 10
    one = Checkback("bench_one")
    harness.prepare()
    try:
        results = {
            "Checkback, due now": figures(measures.due_now(one, count)),
            "Checkback, due at an instant": figures(measures.due_later(one, count, seconds)),
        }
        for flowing, kind in (("bench_one", "per-job"), ("bench_many", "set-based")):
            flow, probes, rate = under_load(flowing, seconds, count // 2)
            results[f"Checkback, due now, among {rate:.0f} {kind} jobs/s"] = figures(flow)
            results[f"Checkback, due at an instant, among {rate:.0f} {kind} jobs/s"] = figures(probes)
        others = _ask_peers(count, seconds)
    finally:
        harness.clean_up()
    if options.json:
        harness.dump({**results, **others})
        return
    rows: list[Sequence[object]] = [
        (name, row["p50"], row["p99"], row["max"], _verdict(row["p99"], LOADED_MS if "jobs/s" in name else IDLE_MS))
        for name, row in results.items()
    ]
    for name, other in others.items():
        rows.append((name, other["p50"], other["p99"], other["max"], "") if other else (name, peers.HOW, "", "", ""))
    harness.show(["milliseconds late", "p50", "p99", "max", "target for p99"], rows)


def _ask_peers(count: int, seconds: float) -> dict[str, dict[str, float] | None]:
    answers: dict[str, dict[str, float] | None] = {}
    for peer in peers.PEERS:
        now = peers.measure(peer, "due_now", count=count)
        # Django-Q2 looks at its schedules every half minute: a few of them say as much as many.
        some = count // 8 if peer is peers.STOCK else count
        later = peers.measure(peer, "due_later", count=some, seconds=seconds)
        answers[f"{peer.label}, due now"] = figures(now) if now else None
        answers[f"{peer.label}, due at an instant"] = figures(later) if later else None
    return answers


def _verdict(p99: float, most: float) -> str:
    return f"<= {most:.0f}: {'met' if p99 <= most else 'MISSED'}"


if __name__ == "__main__":
    main()
