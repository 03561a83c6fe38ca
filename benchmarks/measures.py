"""What is asked of every engine in the same words: Checkback in this process, the peers in theirs."""

import random
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks import effects

ROUNDS = 3


class Engine:
    """One way to run jobs: two worker processes, each job leaves its effect."""

    label = ""
    batch = False
    """Whether `enqueue_many` is one call of the engine's own and not a loop."""

    @contextmanager
    def running(self) -> Iterator[Any]:
        """Warm workers inside the block. Yields the process at the root of them."""
        raise NotImplementedError

    @contextmanager
    def open(self) -> Iterator[None]:
        """What it takes to enqueue without workers."""
        yield

    @contextmanager
    def held(self) -> Iterator[None]:
        """Let no worker take what the block enqueues until it ends; for who cannot enqueue in one transaction."""
        yield

    def enqueue(self, number: int) -> None:
        """Put one job into the queue, due now."""
        raise NotImplementedError

    def enqueue_at(self, due: datetime, number: int) -> None:
        """Put one job into the queue, due later."""
        raise NotImplementedError

    def enqueue_many(self, numbers: Sequence[int]) -> None:
        """Put many jobs into the queue as fast as the engine offers it."""
        raise NotImplementedError

    def is_settled(self) -> bool:
        """Whether every outcome is recorded, too."""
        return True

    def clear(self) -> None:
        """Empty tables: every round starts alike."""


def drain(engine: Engine, count: int) -> float:
    """Jobs per second of warm workers from the first to the last of `count`: the median of three rounds."""
    with engine.running():
        rates = []
        for _ in range(ROUNDS):
            empty(engine)
            with engine.held():
                engine.enqueue_many(range(count))
            wait(engine, count)
            rates.append(effects.rate(count))
    return sorted(rates)[ROUNDS // 2]


def due_now(engine: Engine, count: int) -> list[float]:
    """Milliseconds from the return of the call that enqueues to the job's effect, one job after another."""
    called = {}
    with engine.running():
        empty(engine)
        for number in range(count):
            engine.enqueue(number)
            called[number] = datetime.now(UTC)
            time.sleep(random.uniform(0.01, 0.05))
        wait(engine, count)
    return late(called)


def due_later(engine: Engine, count: int, seconds: float) -> list[float]:
    """Milliseconds from due to the job's effect of jobs spread at random over the coming `seconds`."""
    with engine.running():
        empty(engine)
        begin = datetime.now(UTC) + timedelta(seconds=2)
        dues = {number: begin + timedelta(seconds=random.uniform(0, seconds)) for number in range(count)}
        for number, due in dues.items():
            engine.enqueue_at(due, number)
        wait(engine, count, seconds=seconds + 120)
    return late(dues)


def enqueue_each(engine: Engine, count: int) -> float:
    """Jobs per second put into the queue one by one, each call a transaction of its own. Nobody works."""
    with engine.open():
        empty(engine)
        began = time.monotonic()
        for number in range(count):
            engine.enqueue(number)
        return count / (time.monotonic() - began)


def enqueue_many(engine: Engine, count: int) -> float:
    """Jobs per second put into the queue at once. Nobody works."""
    with engine.open():
        empty(engine)
        began = time.monotonic()
        engine.enqueue_many(range(count))
        return count / (time.monotonic() - began)


def empty(engine: Engine) -> None:
    """Forget the jobs and what they left."""
    engine.clear()
    effects.clear()


def wait(engine: Engine, count: int, *, seconds: float = 600) -> None:
    """Wait until so many jobs ran. Raises TimeoutError."""
    deadline = time.monotonic() + seconds
    while effects.count() < count or not engine.is_settled():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{engine.label}: {effects.count()} of {count} jobs ran in {seconds:.0f} s")
        time.sleep(0.05)


def late(dues: dict[int, datetime]) -> list[float]:
    """Milliseconds from each job's time to its effect."""
    return list(late_by_number(dues).values())


def late_by_number(dues: dict[int, datetime]) -> dict[int, float]:
    """The same for each number."""
    starts = effects.starts()
    assert starts.keys() == dues.keys(), f"{len(dues)} jobs, {len(starts)} effects"
    return {number: (starts[number] - due).total_seconds() * 1000 for number, due in dues.items()}


def memory(engine: Engine, count: int) -> dict[str, float]:
    """Megabytes of all the engine's processes: warm and idle, after a tenth of `count` jobs, and after all."""
    with engine.running() as roots:
        processes = family({root.pid for root in roots})
        idle = sum(map(megabytes, processes))
        _run_in_parts(engine, count // 10)
        early = sum(map(megabytes, family({root.pid for root in roots})))
        _run_in_parts(engine, count - count // 10)
        sizes = [megabytes(pid) for pid in family({root.pid for root in roots})]
    return {
        "jobs": count,
        "processes": len(sizes),
        "idle": idle,
        "early": early,
        "late": sum(sizes),
        "largest": max(sizes),
    }


def _run_in_parts(engine: Engine, count: int, part: int = 5_000) -> None:
    for start in range(0, count, part):
        empty(engine)
        here = min(part, count - start)
        with engine.held():
            engine.enqueue_many(range(here))
        wait(engine, here, seconds=1200)


def family(roots: set[int]) -> set[int]:
    """The processes and all that they started, by what /proc says of parents."""
    parents = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            parents[int(path.parent.name)] = int(path.read_text().rpartition(")")[2].split()[1])
    found = set(roots)
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def megabytes(pid: int) -> float:
    """A process' proportional set size; nothing for one that just ended."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 1024
    return 0.0
