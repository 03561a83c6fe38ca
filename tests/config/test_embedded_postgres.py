"""The embedded PostgreSQL: real servers in folders of their own, and everything killed that can be killed."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest

from config.embedded_postgres import server
from tests import support

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")]

USER = """
import sys
from pathlib import Path
from config.embedded_postgres import server
place = server.locate(Path(sys.argv[1]), linger=float(sys.argv[2]))
server.ensure_running(place)
print("ready", flush=True)
sys.stdin.read()
"""
Program = subprocess.Popen[str]
Starter = Callable[..., Program]


@pytest.fixture
def folder() -> Iterator[Path]:
    """A data folder; whatever still runs for it afterwards is killed."""
    home = Path(tempfile.mkdtemp(prefix="checkback-test-"))
    with support.nothing_left("CHECKBACK_DATA_DIR", str(home / "data")):
        yield home / "data"
    shutil.rmtree(home)


@pytest.fixture
def place(folder: Path) -> Iterator[server.Place]:
    """The place of that folder's server, which lies elsewhere when we are root."""
    place = server.locate(folder, linger=0.3)
    yield place
    server.stop(place)
    shutil.rmtree(place.root, ignore_errors=True)


@pytest.fixture
def start_user(folder: Path) -> Iterator[Starter]:
    """Start a process that uses the server until its standard input closes."""
    started: list[Program] = []

    def start(*, linger: float = 0.3, wait: bool = True) -> Program:
        program = subprocess.Popen(
            [sys.executable, "-c", USER, str(folder), str(linger)],
            cwd=support.CHECKOUT,
            env=support.environment(folder),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(program)
        if wait:
            _await_ready(program)
        return program

    yield start
    for program in started:
        with suppress(ProcessLookupError):
            program.kill()
        program.communicate()


def _await_ready(program: Program) -> None:
    assert program.stdout
    assert program.stdout.readline() == "ready\n"


def _postmaster(place: server.Place) -> int | None:
    return server._postmaster_pid(place)


def _keepers(folder: Path, place: server.Place) -> list[int]:
    found = []
    for pid in support.processes_with("CHECKBACK_DATA_DIR", str(folder)):
        with suppress(OSError):
            if f"config.embedded_postgres\0{place.root}" in Path(f"/proc/{pid}/cmdline").read_text():
                found.append(pid)
    return found


def _programs_named(name: str, folder: Path) -> list[int]:
    found = []
    for pid in support.processes_with("CHECKBACK_DATA_DIR", str(folder)):
        with suppress(OSError):
            if Path(f"/proc/{pid}/comm").read_text() == f"{name}\n":
                found.append(pid)
    return found


def _all_gone(folder: Path) -> bool:
    return not support.processes_with("CHECKBACK_DATA_DIR", str(folder))


class TestStartOnDemand:
    def test_gives_two_starters_at_once_one_server(
        self, start_user: Starter, place: server.Place, folder: Path
    ) -> None:
        users = [start_user(wait=False) for _ in range(3)]
        for user in users:
            _await_ready(user)
        masters = [
            pid
            for pid in support.processes_with("CHECKBACK_DATA_DIR", str(folder))
            if Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[0].endswith(b"/bin/postgres")
            and Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[1] == b"-D"
        ]
        assert masters == [_postmaster(place)]
        assert len(_keepers(folder, place)) == 1

    def test_makes_a_half_made_data_folder_anew(self, start_user: Starter, place: server.Place) -> None:
        server._prepare(place)
        (place.root / "data.draft" / "base").mkdir(parents=True)
        start_user()
        assert server.is_running(place)
        assert not (place.root / "data.draft").exists()

    def test_survives_a_pid_file_whose_pid_is_another_process_now(
        self, start_user: Starter, place: server.Place, folder: Path
    ) -> None:
        first = start_user()
        with server.connect(place, server.DATABASE) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 1 AS n")
        pid, recorded = _postmaster(place), place.pid_file.read_text()
        assert pid
        for keeper in _keepers(folder, place):
            os.kill(keeper, signal.SIGKILL)
        os.kill(pid, signal.SIGKILL)
        first.kill()
        support.wait_until(lambda: not _postmaster(place), "the postmaster is gone")
        # As after a power cut: its number belongs to a living process of the same user, here our own.
        place.pid_file.write_text(recorded.replace(str(pid), str(os.getpid()), 1))
        start_user()
        with server.connect(place, server.DATABASE) as connection:
            assert connection.execute("SELECT n FROM kept").fetchone() == (1,)

    def test_says_where_the_log_is_when_it_cannot_start(self, start_user: Starter, place: server.Place) -> None:
        start_user().kill()
        server.stop(place)
        (place.data / "PG_VERSION").write_text("9\n")
        with pytest.raises(server.ServerFailed, match=r"did not start: .*FATAL.*\(log: .*postgres\.log\)"):
            server.ensure_running(place)


class TestKill:
    def test_of_the_postmaster_loses_nothing_and_the_next_connection_works(
        self, start_user: Starter, place: server.Place
    ) -> None:
        start_user()
        with server.connect(place, server.DATABASE) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 42 AS n")
        pid = _postmaster(place)
        assert pid
        os.kill(pid, signal.SIGKILL)
        start_user()
        assert _postmaster(place) not in {pid, None}
        with server.connect(place, server.DATABASE) as connection:
            assert connection.execute("SELECT n FROM kept").fetchone() == (42,)

    def test_of_the_keeper_leaves_a_server_that_is_adopted_and_stopped_later(
        self, start_user: Starter, place: server.Place, folder: Path
    ) -> None:
        user = start_user()
        pid = _postmaster(place)
        [keeper] = _keepers(folder, place)
        os.kill(keeper, signal.SIGKILL)
        other = start_user()
        assert _postmaster(place) == pid
        assert len(_keepers(folder, place)) == 1
        user.kill()
        other.kill()
        support.wait_until(lambda: _all_gone(folder), "the adopted server stops")

    def test_of_the_users_stops_the_server(self, start_user: Starter, place: server.Place, folder: Path) -> None:
        users = [start_user(), start_user()]
        for user in users:
            user.kill()
            user.wait()
        support.wait_until(lambda: _all_gone(folder), "server and keeper end")
        assert not place.pid_file.exists(), "it was shut down, not killed"

    @pytest.mark.parametrize("victim", ["initdb", "keeper"])
    def test_half_way_through_the_making_of_the_data_folder_only_delays_it(
        self, start_user: Starter, place: server.Place, folder: Path, victim: str
    ) -> None:
        user = start_user(wait=False)
        [initdb] = support.wait_until(lambda: _programs_named("initdb", folder), "initdb runs")
        [keeper] = _keepers(folder, place)
        os.kill({"initdb": initdb, "keeper": keeper}[victim], signal.SIGKILL)
        _await_ready(user)
        assert server.is_running(place)
        assert len(_keepers(folder, place)) == 1


class TestLinger:
    def test_keeps_the_server_while_one_user_lives(self, start_user: Starter, place: server.Place) -> None:
        stays, goes = start_user(), start_user()
        pid = _postmaster(place)
        goes.communicate("")
        for _ in range(3):  # three rounds of the keeper, each longer than its patience
            start_user().communicate("")
        assert _postmaster(place) == pid
        assert stays.poll() is None


class TestStop:
    def test_leaves_no_process(self, start_user: Starter, place: server.Place, folder: Path) -> None:
        start_user(linger=60).communicate("")
        assert server.stop(place)
        support.wait_until(lambda: _all_gone(folder), "no process is left", seconds=2)
        assert not server.stop(place)

    def test_never_touches_a_process_that_was_given_the_pid(
        self, start_user: Starter, place: server.Place, folder: Path
    ) -> None:
        start_user(linger=60).communicate("")
        server.stop(place)
        bystander = subprocess.Popen(["sleep", "60"])
        try:
            place.pid_file.write_text(f"{bystander.pid}\n{place.data}\n")
            assert not server.stop(place)
            assert bystander.poll() is None
        finally:
            bystander.kill()
            bystander.wait()
            place.pid_file.unlink()


class TestServe:
    def _serve(self, folder: Path) -> "subprocess.Popen[bytes]":
        command = [sys.executable, "manage.py", "postgres", "serve"]
        return subprocess.Popen(command, cwd=support.CHECKOUT, env=support.environment(folder))

    def test_relieves_a_keeper_without_a_restart(self, start_user: Starter, place: server.Place, folder: Path) -> None:
        user = start_user(linger=60)
        pid = _postmaster(place)
        foreground = self._serve(folder)
        support.wait_until(lambda: not _keepers(folder, place), "the keeper leaves")
        support.wait_until(lambda: not server._is_unkept(place), "the foreground process keeps it")
        assert _postmaster(place) == pid
        user.kill()
        foreground.send_signal(signal.SIGINT)
        assert foreground.wait(20) == 0
        support.wait_until(lambda: _all_gone(folder), "the server ends with it")

    def test_fails_when_the_server_crashes(self, place: server.Place, folder: Path) -> None:
        foreground = self._serve(folder)
        pid = support.wait_until(lambda: server.is_running(place) and _postmaster(place), "it runs")
        os.kill(pid, signal.SIGKILL)
        assert foreground.wait(20) == 1


class TestLocate:
    def test_keeps_the_socket_short_below_a_long_path(self, tmp_path: Path) -> None:
        place = server.locate(tmp_path / ("long" * 30))
        assert len(str(place.socket)) <= 85

    def test_gives_each_checkout_its_own(self, tmp_path: Path) -> None:
        assert server.locate(tmp_path / "a").root != server.locate(tmp_path / "b").root

    def test_refuses_a_socket_folder_of_somebody_else(self, tmp_path: Path) -> None:
        victim = tmp_path / "victim"
        victim.mkdir(mode=0o755)
        trap = tmp_path / "socket"
        trap.symlink_to(victim)
        place = server.Place(root=tmp_path / "root", socket=trap, user=None)
        with pytest.raises(server.ServerFailed, match="belongs to another user"):
            server._prepare(place)
        assert victim.stat().st_mode & 0o777 == 0o755


class TestAnotherSystemUser:
    @pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else; without root all tests do this")
    def test_needs_no_privileges(self, tmp_path: Path) -> None:
        python = shutil.which("python3.11", path="/usr/bin:/usr/local/bin")
        if not python or sys.version_info[:2] != (3, 11):
            pytest.skip("no system Python of the same version that everybody may run")
        import django

        packages = Path(django.__file__).parent.parent
        home = Path(tempfile.mkdtemp(prefix="checkback-nobody-"))
        shutil.chown(home, "nobody")
        script = USER.replace("sys.stdin.read()", "print(server.stop(place)); place.socket.rmdir()")
        try:
            done = subprocess.run(
                [python, "-c", script, str(home / ("d" * 80)), "1"],
                cwd=home,
                env={"PYTHONPATH": f"{support.CHECKOUT}:{packages}", "PYTHONDONTWRITEBYTECODE": "1"},
                user="nobody",
                group=65534,
                extra_groups=[],
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
            )
            assert (done.stdout, done.stderr) == ("ready\nTrue\n", "")
        finally:
            shutil.rmtree(home)


class TestCommand:
    def test_status_tells_by_exit_code_whether_it_runs(
        self, start_user: Starter, place: server.Place, folder: Path
    ) -> None:
        down = support.manage("postgres", "status", env=support.environment(folder))
        assert (down.returncode, down.stdout.splitlines()[0]) == (3, "Not running")
        start_user()
        up = support.manage("postgres", "status", env=support.environment(folder))
        assert up.returncode == 0
        assert up.stdout == f"Running\nData: {place.data}\nLog: {place.log}\n"

    def test_says_that_nothing_is_embedded_with_a_database_of_your_own(self, tmp_path: Path) -> None:
        env = support.environment(tmp_path, DATABASE_URL="postgres://somebody@127.0.0.1:1/db")
        for action in ("serve", "stop", "status", "url"):
            done = support.manage("postgres", action, env=env)
            assert done.stdout == "Nothing is embedded: DATABASE_URL names the database.\n"

    def test_url_is_one_that_other_tools_understand(self, start_user: Starter, folder: Path) -> None:
        start_user()
        url = support.manage("postgres", "url", env=support.environment(folder)).stdout.strip()
        with psycopg.connect(url) as connection:
            assert connection.info.dbname == server.DATABASE

    def test_url_is_one_that_the_settings_understand(self, start_user: Starter, folder: Path) -> None:
        start_user()
        url = support.manage("postgres", "url", env=support.environment(folder)).stdout.strip()
        done = support.manage("migrate", "--plan", env=support.environment(folder, DATABASE_URL=url))
        assert (done.returncode, done.stderr) == (0, "")
