import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from tests.support import free_port

ROOT = Path(__file__).resolve().parents[3]


def start(data: Path, *arguments: str) -> subprocess.Popen[str]:
    # A database that cannot be reached: the command must not want one.
    environment = os.environ | {"CHECKBACK_DATA_DIR": str(data), "DATABASE_URL": "postgres://nobody@127.0.0.1:1/none"}
    command = [sys.executable, "manage.py", "practice_discord", *arguments]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=pipe, stderr=pipe, text=True)


@pytest.mark.slow
class TestPracticeDiscord:
    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
    def test_serves_until_told_to_stop(self, tmp_path: Path, number: signal.Signals) -> None:
        process = start(tmp_path, "--port", str(free_port()))
        try:
            assert process.stdout is not None
            found = re.search(r"http://127\.0\.0\.1:\d+/", process.stdout.readline())
            assert found is not None
            with urllib.request.urlopen(found.group(), timeout=10) as page:  # noqa: S310
                assert b"nothing leaves this machine" in page.read()
            process.send_signal(number)
            _out, errors = process.communicate(timeout=20)
        finally:
            process.kill()
        assert (process.returncode, errors) == (0, "")
        assert (tmp_path / "practice-discord.jsonl").exists()

    def test_says_that_the_port_is_taken(self, tmp_path: Path) -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            process = start(tmp_path, "--port", str(port))
            _out, errors = process.communicate(timeout=30)
        assert process.returncode == 1
        assert errors.startswith(f"CommandError: Port {port} is in use.")
        assert errors.count("\n") == 1

    @pytest.mark.parametrize(
        ("arguments", "told"),
        [
            (["--world", "nowhere.json"], "nowhere.json is not a JSON export"),
            (["--host", "192.0.2.1"], "this machine only"),
            (["--fault", "thunder"], "There is no fault 'thunder'"),
        ],
    )
    def test_says_what_is_wrong(self, tmp_path: Path, arguments: list[str], told: str) -> None:
        process = start(tmp_path, *arguments)
        _out, errors = process.communicate(timeout=30)
        assert process.returncode == 1
        assert told in errors
        assert "Traceback" not in errors
