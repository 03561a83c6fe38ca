"""A short form of `python -m tests.crash`, and what its judge calls broken."""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from jobs.models import JobExecution, ScheduledJob
from tests.crash import matrix, report
from tests.crash.matrix import KINDS, VICTIMS, Cell
from tests.support import CHECKOUT


def crash(victim: str) -> list[dict[str, Any]]:
    """Run one round with this victim and return its cells."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.crash", "--rounds", "1", "--victims", victim, "--json"],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        timeout=140,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    cells: list[dict[str, Any]] = json.loads(done.stdout)["cells"]
    return cells


@pytest.mark.slow
@pytest.mark.timeout(150)
class TestCrashMatrix:
    def test_loses_and_doubles_nothing(self) -> None:
        # Beside each other, each with a PostgreSQL of its own: most of the time is waiting for leases to run out.
        with ThreadPoolExecutor() as pool:
            cells = [cell for found in pool.map(crash, ["worker", "PostgreSQL"]) for cell in found]
        assert len(cells) == 2 * len(matrix.MOMENTS) * len(KINDS)
        assert {(cell["lost"], cell["doubled"]) for cell in cells} == {(0, 0)}
        # The kills have hit: somebody was interrupted after an effect that cannot be taken back.
        hit = [cell for cell in cells if (cell["moment"], cell["kind"]) == ("after_effect", "sample_one")]
        assert [cell["repeated"] for cell in hit] == [1, 1]


class TestJudge:
    @pytest.mark.parametrize(
        ("kind", "status", "history", "effects", "verdict"),
        [
            ("sample_one", "completed", ["completed"], 1, {}),
            ("sample_one", "completed", ["failed", "completed"], 2, {"repeated": 1}),
            ("sample_one", "completed", ["completed"], 2, {"doubled": 1}),
            ("sample_one", "completed", ["completed", "completed"], 1, {"doubled": 1}),
            ("sample_one", "completed", ["completed"], 0, {"lost": 1}),
            ("sample_one", "running", [], 0, {"lost": 1}),
            ("sample_one", "failed", ["failed"], 0, {"lost": 1}),
            ("sample_one", "unknown", ["unknown"], 0, {"lost": 1}),
            ("sample_many", "completed", ["failed", "completed"], 2, {"doubled": 1}),
            ("sample_own_transaction", "completed", ["failed", "completed"], 2, {"doubled": 1}),
            ("sample_once_only", "unknown", ["unknown"], 1, {"unknown": 1}),
            ("sample_once_only", "unknown", ["unknown"], 2, {"unknown": 1, "doubled": 1}),
            ("sample_once_only", "completed", ["failed", "completed"], 2, {"doubled": 1}),
        ],
    )
    def test_puts_each_job_where_it_belongs(
        self, kind: str, status: str, history: list[str], effects: int, verdict: dict[str, Any]
    ) -> None:
        cell = Cell("worker", matrix.FLOWING, kind)
        job = ScheduledJob(job_id="a", job_type=kind, status=status, retry_count=max(len(history) - 1, 0))
        rows = [JobExecution(attempt=number, status=text) for number, text in enumerate(history, start=1)]
        broken = matrix._judge(cell, job, rows, effects)
        found = {name: getattr(cell, name) for name in ("lost", "doubled", "repeated", "unknown")}
        assert {name: count for name, count in found.items() if count} == verdict
        assert bool(broken) == ("lost" in verdict or "doubled" in verdict)

    def test_misses_an_attempt_without_history(self) -> None:
        job = ScheduledJob(job_id="a", job_type="sample_one", status="completed", retry_count=1)
        rows = [JobExecution(attempt=2, status="completed")]
        assert matrix._judge(Cell("worker", matrix.FLOWING, "sample_one"), job, rows, 1) != []


class TestGuarantees:
    def test_hold_the_table_of_a_whole_run(self) -> None:
        text = (CHECKOUT / "docs" / "guarantees.md").read_text()
        block = text[text.index(report.BEGIN) : text.index(report.END)]
        rows = [line.split(" | ")[:2] for line in block.splitlines() if line.startswith("| ")]
        for victim in VICTIMS:
            for kind in KINDS.values():
                assert rows.count([f"| {victim}", kind]) == 2, "once for flowing jobs, once for the commit point"
