"""A short form of `python -m tests.crash`."""

import json
import subprocess
import sys

import pytest

from tests.support import CHECKOUT

pytestmark = [pytest.mark.slow, pytest.mark.timeout(150)]


def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "tests.crash", *arguments, "--json"],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


class TestCrashMatrix:
    def test_loses_and_doubles_nothing(self) -> None:
        """Which jobs are counted as what is for the harness to judge: it fails when a promise is broken."""
        done = run("--rounds", "1", "--victims", "cluster", "PostgreSQL")
        assert done.returncode == 0, done.stderr
        cells = json.loads(done.stdout)["cells"]
        assert len(cells) == 2 * 4 * 4
        assert {(cell["lost"], cell["doubled"]) for cell in cells} == {(0, 0)}
        # The kills have hit: somebody was interrupted after an effect that cannot be taken back.
        assert [
            cell["repeated"] for cell in cells if (cell["moment"], cell["kind"]) == ("after_effect", "sample_one")
        ] == [1, 1]
