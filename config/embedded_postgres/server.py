"""The life of the embedded server: where it lives, who uses it, who stops it.

Two locks in the server's folder carry all the state, so that a `kill -9` of anything leaves no stale record:

`users.lock`   every process that connects holds it shared, for as long as it lives.
`keeper.lock`  whoever is responsible for the server holds it alone: a *keeper* started on demand, which stops
               the server once nobody has held `users.lock` for a while, or PostgreSQL itself when it runs in
               the foreground under a supervisor. Its holder is the only one that may start the server.
"""

import fcntl
import hashlib
import os
import pwd
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from config.embedded_postgres import binaries

ROLE = "checkback"
DATABASE = "checkback"
LINGER_SECONDS = 15.0
_UNPRIVILEGED_USER = "nobody"
_SHARED_ROOT = Path("/var/lib/checkback")
# The kernel's limit for a socket path is 107 bytes; PostgreSQL appends "/.s.PGSQL.5432.lock".
_LONGEST_SOCKET_FOLDER = 85


class ServerFailed(Exception):
    """The embedded PostgreSQL did not start or did not stop; the message says why and where its log is."""


@dataclass(frozen=True)
class Place:
    """The folders of one checkout's server. `user` is set when root must hand the server to somebody else."""

    root: Path
    socket: Path
    user: str | None

    @property
    def data(self) -> Path:
        return self.root / "data"

    @property
    def log(self) -> Path:
        return self.root / "postgres.log"

    @property
    def dsn(self) -> str:
        return f"host={self.socket} user={ROLE} dbname={DATABASE}"


def locate(data_dir: Path) -> Place:
    """Return the place of the server that belongs to `data_dir`.

    PostgreSQL refuses to run as root, and a root home is closed to everybody else: for root the server lives
    below /var/lib and runs as `nobody`.
    """
    digest = hashlib.sha256(str(data_dir.resolve()).encode()).hexdigest()[:12]
    if os.geteuid() == 0:
        root = _SHARED_ROOT / digest
        return Place(root=root, socket=root / "run", user=_UNPRIVILEGED_USER)
    root = data_dir.resolve() / "postgres"
    socket = root / "run"
    if len(str(socket)) > _LONGEST_SOCKET_FOLDER:
        socket = Path("/tmp") / f"checkback-{os.geteuid()}-{digest}"  # noqa: S108 - made 0700 and owner-checked
    return Place(root=root, socket=socket, user=None)


def connect(place: Place, dbname: str = "postgres") -> psycopg.Connection[Any]:
    """Open an autocommit connection to the running server.

    Raises:
        psycopg.OperationalError: nothing answers there, or it is still starting.
    """
    return psycopg.connect(host=str(place.socket), user=ROLE, dbname=dbname, autocommit=True, connect_timeout=10)


def is_running(place: Place) -> bool:
    """Whether the server accepts connections now."""
    try:
        connect(place).close()
    except psycopg.OperationalError:
        return False
    return True


_registrations: dict[Path, int] = {}


def register_user(place: Place) -> None:
    """Note that this process uses the server, until it ends. Waits while a keeper is just shutting it down."""
    if place.root in _registrations:
        return
    _prepare(place)
    handle = os.open(place.root / "users.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    fcntl.flock(handle, fcntl.LOCK_SH)
    _registrations[place.root] = handle


def ensure_running(place: Place) -> None:
    """Return once the server accepts connections and has its database; start a keeper when there is none.

    Raises:
        ServerFailed: the server ended while starting.
    """
    register_user(place)
    attempts = 0
    while not is_running(place):
        with _try_lock(place.root / "keeper.lock") as free:
            pass
        if free is not None:
            attempts += 1
            if attempts > 2:
                raise ServerFailed(_failure(place))
            _spawn_keeper(place)
        time.sleep(0.05)
    _ensure_database(place)


def keep(place: Place, *, linger: float = LINGER_SECONDS) -> None:
    """Run the server until nobody has used it for `linger` seconds, or SIGTERM or SIGINT arrives.

    Returns at once when somebody else is already responsible for the server. A server whose keeper was killed
    is adopted rather than started again.
    """
    with _try_lock(place.root / "keeper.lock", patience=2.0) as held:
        if held is None:
            return
        stopping: list[int] = []
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda received, _frame: stopping.append(received))
        child = None
        if not _postmaster_pid(place):
            initialise(place)
            child = _start(place)
        users = os.open(place.root / "users.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        idle_since: float | None = None
        while not stopping:
            if child.poll() is not None if child else not _postmaster_pid(place):
                return  # it ended by itself; the next connection starts it again
            try:
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                idle_since = None
            else:
                idle_since = idle_since or time.monotonic()
                if time.monotonic() - idle_since >= linger:
                    break  # keeps the exclusive lock: whoever comes now waits until the server is down
                fcntl.flock(users, fcntl.LOCK_UN)
            time.sleep(0.2)
        _shut_down(place, child)


def serve(place: Place) -> None:
    """Become the server, in the foreground, for a supervisor. Does not return.

    Waits while a keeper runs it: being registered as a user keeps that one alive, so nobody is disconnected,
    and the supervisor's program takes over whenever the other ends.
    """
    register_user(place)
    handle = os.open(place.root / "keeper.lock", os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(handle, fcntl.LOCK_EX)
    os.set_inheritable(handle, True)  # PostgreSQL holds the lock from here on
    initialise(place)
    command = _command(place)
    if place.user:
        account = pwd.getpwnam(place.user)
        os.setgroups([])
        os.setgid(account.pw_gid)
        os.setuid(account.pw_uid)
    os.chdir(place.data)
    os.execv(command[0], command)  # noqa: S606 - our own program, no shell


def stop(place: Place, *, timeout: float = 60.0) -> bool:
    """Stop the server for everybody. Answers whether it was running.

    Raises:
        ServerFailed: it was still there after `timeout` seconds.
    """
    if not place.root.exists():
        return False
    pid = _postmaster_pid(place)
    if not pid:
        return False
    os.kill(pid, signal.SIGINT)
    if not _wait_until_gone(place, timeout):
        raise ServerFailed(f"The embedded PostgreSQL (process {pid}) did not stop in {timeout:.0f} s. Log: {place.log}")
    return True


def initialise(place: Place) -> None:
    """Create the data folder when there is none. A half-made one, from a killed run, is made anew."""
    _prepare(place)
    if place.data.exists():
        return
    draft = place.root / "data.draft"
    _run(place, ["rm", "-rf", str(draft)])
    _run(
        place,
        [
            str(_programs(place) / "initdb"),
            *("--pgdata", str(draft), "--username", ROLE, "--auth", "trust"),
            *("--encoding", "UTF8", "--locale", "C", "--no-instructions"),
        ],
    )
    draft.rename(place.data)


def _prepare(place: Place) -> None:
    """Make the folders. Trust is given to whoever can enter the socket's folder, so it is closed to others."""
    try:
        place.root.mkdir(parents=True, exist_ok=True)
        place.socket.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise ServerFailed(f"The embedded PostgreSQL cannot use {place.root}: {error.strerror}.") from error
    if place.user:
        account = pwd.getpwnam(place.user)
        for folder in (place.root, place.socket):
            os.chown(folder, account.pw_uid, account.pw_gid)
    elif place.socket.stat().st_uid != os.geteuid():
        raise ServerFailed(f"{place.socket} belongs to another user; remove it or set DATABASE_URL.")
    place.socket.chmod(0o700)


def _programs(place: Place) -> Path:
    return binaries.copy_to(_SHARED_ROOT) if place.user else binaries.find()


def _command(place: Place) -> list[str]:
    settings = {
        "listen_addresses": "",
        "unix_socket_directories": str(place.socket),
        "max_connections": "200",
        "jit": "off",  # queue statements are short: compiling them costs more than running them
        "log_min_messages": "warning",
        "shared_buffers": "256MB",
        "max_wal_size": "4GB",
    }
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    return [str(_programs(place) / "postgres"), "-D", str(place.data), *options]


def _start(place: Place) -> "subprocess.Popen[bytes]":
    with place.log.open("ab") as log:
        return subprocess.Popen(
            _command(place),
            cwd=place.data,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            **_as_user(place),
        )


def _spawn_keeper(place: Place) -> None:
    with place.log.open("ab") as log:
        keeper = subprocess.Popen(
            [sys.executable, "-m", "config.embedded_postgres", "keep", str(place.root), str(place.socket)],
            cwd=Path(__file__).resolve().parents[2],
            env={**os.environ, "CHECKBACK_POSTGRES_USER": place.user or ""},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # a Ctrl-C meant for the command must not reach the server
        )
    # Wait until it has taken the lock, or we would start one after another.
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and keeper.poll() is None:
        with _try_lock(place.root / "keeper.lock") as free:
            if free is None:
                return
        time.sleep(0.02)


def _shut_down(place: Place, child: "subprocess.Popen[bytes] | None") -> None:
    """Fast shutdown, and an immediate one behind it: crash recovery is slow but safe, a hang is neither."""
    for number, patience in ((signal.SIGINT, 30.0), (signal.SIGQUIT, 10.0), (signal.SIGKILL, 10.0)):
        pid = child.pid if child else _postmaster_pid(place)
        if not pid or (child and child.poll() is not None):
            return
        os.kill(pid, number)
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            if child.poll() is not None if child else not _postmaster_pid(place):
                return
            time.sleep(0.05)


def _postmaster_pid(place: Place) -> int | None:
    """The pid of the live postmaster, from PostgreSQL's own file, checked against a pid that was given away."""
    try:
        pid = int((place.data / "postmaster.pid").read_text().split("\n", 1)[0])
        os.kill(pid, 0)
        state = Path(f"/proc/{pid}/stat")
        if state.exists():
            name, _, rest = state.read_text().partition("(")[2].rpartition(")")
            if name != "postgres" or rest.split()[0] == "Z":
                return None
    except (FileNotFoundError, ValueError, IndexError, ProcessLookupError):
        return None
    return pid


def _wait_until_gone(place: Place, timeout: float) -> bool:
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        if not _postmaster_pid(place):
            return True
        time.sleep(0.05)
    return False


def _ensure_database(place: Place) -> None:
    with connect(place) as connection:
        if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
            return
        # Another process may be faster.
        with suppress(psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation):
            connection.execute(f"CREATE DATABASE {DATABASE}")


def _run(place: Place, command: list[str]) -> None:
    done = subprocess.run(command, cwd=place.root, capture_output=True, text=True, check=False, **_as_user(place))
    if done.returncode:
        raise ServerFailed(f"{Path(command[0]).name} failed: {done.stderr.strip() or done.stdout.strip()}")


def _as_user(place: Place) -> dict[str, Any]:
    if not place.user:
        return {}
    account = pwd.getpwnam(place.user)
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


def _failure(place: Place) -> str:
    tail = place.log.read_text(errors="replace").strip().splitlines()[-1:] if place.log.exists() else []
    return (
        f"The embedded PostgreSQL did not start: {' '.join(tail) or 'it left no message'} "
        f"(log: {place.log}). Mend that, or set DATABASE_URL to a PostgreSQL of your own."
    )


@contextmanager
def _try_lock(path: Path, *, patience: float = 0.0) -> Iterator[int | None]:
    """Hold `path` exclusively inside the block, or yield None when somebody else still does after `patience`.

    A keeper needs patience because those who wait for it probe the lock, which takes it for a moment.
    """
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    deadline = time.monotonic() + patience
    try:
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    yield None
                    return
                time.sleep(0.01)
            else:
                yield handle
                return
    finally:
        os.close(handle)
