"""What does a forecast of 30 days cost, and does its memory grow with the community?

Forecasts a small community and one five times as large, with the same share of quiet members, in one run, beside
reading the same rows. `python -m benchmarks.forecast [--members N] [--json]`.
"""

import resource
import time

from benchmarks import harness, sweep


def forecast() -> tuple[float, int, int]:
    """Seconds, members looked at and messages of a forecast."""
    from django.utils import timezone

    from followups import simulation

    began = time.monotonic()
    (found,) = simulation.simulate(now=timezone.now(), days=30, most_steps=0)
    return time.monotonic() - began, found.members, found.total


def reading() -> float:
    """Seconds to read the rows of those who opted in, as the forecast does."""
    from django.utils import timezone

    from followups import simulation

    began = time.monotonic()
    for _ in simulation._members("", now=timezone.now()):
        pass
    return time.monotonic() - began


def peak() -> float:
    """Megabytes that this process has ever held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    parser = harness.parser(__doc__)
    parser.add_argument("--members", type=int, help="of the large community (100,000)")
    options = parser.parse_args()
    members = options.members or (10_000 if options.quick else 100_000)
    rows = []
    harness.prepare()
    try:
        for size in (members // 5, members):
            sweep.fill(size)
            sweep.silence(size // 20, 3)
            seconds, looked_at, messages = forecast()
            rows.append((size, looked_at, messages, seconds, reading(), peak()))
    finally:
        harness.clean_up()
    if options.json:
        names = ("members", "opted_in", "messages", "seconds", "reading_seconds", "peak_mb")
        harness.dump([dict(zip(names, row, strict=True)) for row in rows])
        return
    print(
        "| members | opted in | messages | seconds | x reading the rows | peak memory, MB |\n|---|---|---|---|---|---|"
    )
    for size, looked_at, messages, seconds, read, memory in rows:
        print(f"| {size:,} | {looked_at:,} | {messages:,} | {seconds:.1f} | {seconds / read:.2f} | {memory:.0f} |")
    small, large = rows
    print(
        f"\nFive times the members take {large[3] / small[3]:.2f} times the time, {large[5] / small[5]:.2f} the memory."
    )


if __name__ == "__main__":
    main()
