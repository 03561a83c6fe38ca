"""`manage.py up`, for real: everything starts, stops, and survives being killed."""

import os
import signal
import socket
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import support
from tests.support import Checkback

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(240),
    pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc"),
]


@pytest.fixture
def up() -> Iterator[Checkback]:
    with support.checkback() as one:
        yield one


class TestUp:
    def test_runs_everything_refuses_a_second_one_and_stops_without_a_trace(self, up: Checkback) -> None:
        up.start()
        for url in (f"{up.web}/admin/login/", up.chat):
            with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310 - our own address
                assert answer.status == 200
        second = support.manage("up", env=up.env)
        assert second.returncode == 1
        assert "already runs here" in second.stderr
        assert "Traceback" not in second.stderr
        assert up.stop() == 0, up.output
        assert up.processes() == [], up.output

    def test_after_kill_9_of_itself_and_supervisor_the_next_start_begins_anew(self, up: Checkback) -> None:
        up.start()
        assert up.process
        os.kill(up.supervisor_pid, signal.SIGSTOP)  # so that it cannot clean up behind the other
        supervisor = up.supervisor_pid
        up.process.kill()
        up.process.wait()
        os.kill(supervisor, signal.SIGKILL)
        old = {pid: _started(pid) for pid in up.processes()}
        assert old, "the orphans run on"
        up.start()
        assert "that an earlier run had left" in up.output
        survivors = {pid for pid, at in old.items() if _started(pid) == at and not _is_database(pid)}
        assert survivors == set()
        assert up.stop(signal.SIGTERM) == 0
        assert up.processes() == []

    def test_ends_everything_when_supervisor_is_killed(self, up: Checkback) -> None:
        up.start()
        assert up.process
        os.kill(up.supervisor_pid, signal.SIGKILL)
        assert up.process.wait(60) == 1
        assert support.manage("down", env=up.env).returncode == 0
        assert up.processes() == []

    def test_names_the_port_and_the_setting_when_it_is_taken(self, up: Checkback) -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", up.web_port))
            taken.listen()
            done = support.manage("up", env=up.env)
        assert done.returncode == 1
        assert f"Port {up.web_port} cannot be used" in done.stderr
        assert f"WEB_PORT={up.web_port + 1}" in done.stderr
        assert not (up.data_dir / "up" / "supervisord.conf").exists(), "nothing was started"


class TestDown:
    def test_stops_a_running_one(self, up: Checkback) -> None:
        up.start()
        assert up.process
        done = support.manage("down", env=up.env, timeout=90)
        assert done.stdout.startswith("Stopped Checkback.\n")
        assert up.process.wait(10) == 0
        support.wait_until(lambda: not up.processes(), "no process is left", seconds=5)

    def test_has_nothing_to_say_when_nothing_runs(self, up: Checkback) -> None:
        done = support.manage("down", env=up.env)
        assert (done.returncode, done.stdout) == (
            0,
            "Checkback was not running.\nThe embedded PostgreSQL was not running.\n",
        )


class TestDemo:
    def test_refuses_a_real_bot_and_a_real_database(self, tmp_path: Path) -> None:
        for more in ({"DISCORD_BOT_TOKEN": "real"}, {"DATABASE_URL": "postgres://u@127.0.0.1:1/db"}):
            done = support.manage("demo", env=support.environment(tmp_path, **more))
            assert done.returncode == 1
            assert done.stderr.startswith("CommandError: The demo ")


def _started(pid: int) -> str | None:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except OSError:
        return None


def _is_database(pid: int) -> bool:
    return Path(f"/proc/{pid}/comm").read_text() == "postgres\n"
