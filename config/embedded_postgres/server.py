"""The life of the embedded server: where it lives, who uses it, who stops it.

Two locks in the server's folder carry all the state, so that a `kill -9` of anything leaves no stale record:

`users.lock`   every process that connects holds it shared, for as long as it lives.
`keeper.lock`  the *keeper*, the one process that may start and stop the server, holds it alone. Either one that
               was started on demand and stops the server once nobody has held `users.lock` for a while, or one
               in the foreground under a supervisor. A keeper that finds a running server adopts it.
"""

import fcntl
import hashlib
import os
import pwd
import shutil
import signal
import stat
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
_LONGEST_LOG = 10_000_000
_PROC = Path("/proc")
# Set by `manage.py up` for all it starts. A server that others share is not its own to stop.
MARKER = "CHECKBACK_UP"


class ServerFailed(Exception):
    """The embedded PostgreSQL did not start or did not stop; the message says why and where its log is."""


@dataclass(frozen=True)
class Place:
    """The folders of one checkout's server. `user` is set when root must hand the server to somebody else."""

    root: Path
    socket: Path
    user: str | None
    linger: float = LINGER_SECONDS  # how long a server outlives its last user

    @property
    def data(self) -> Path:
        return self.root / "data"

    @property
    def pid_file(self) -> Path:
        return self.data / "postmaster.pid"

    @property
    def wish(self) -> Path:
        return self.root / "take-over"

    @property
    def log(self) -> Path:
        return self.root / "postgres.log"

    @property
    def dsn(self) -> str:
        return f"host={self.socket} user={ROLE} dbname={DATABASE}"


def locate(data_dir: Path, *, linger: float = LINGER_SECONDS) -> Place:
    """Return the place of the server that belongs to `data_dir`.

    PostgreSQL refuses to run as root, and a root home is closed to everybody else: for root the server lives
    below /var/lib and runs as `nobody`.
    """
    digest = hashlib.sha256(str(data_dir.resolve()).encode()).hexdigest()[:12]
    if os.geteuid() == 0:
        root = _SHARED_ROOT / digest
        return Place(root=root, socket=root / "run", user=_UNPRIVILEGED_USER, linger=linger)
    root = data_dir.resolve() / "postgres"
    socket = root / "run"
    if len(os.fsencode(socket)) > _LONGEST_SOCKET_FOLDER:
        socket = Path("/tmp") / f"checkback-{os.geteuid()}-{digest}"  # noqa: S108 - made 0700 and owner-checked
    return Place(root=root, socket=socket, user=None, linger=linger)


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


def is_registered(place: Place) -> bool:
    """Whether this process is noted as a user of the server."""
    return place.root in _registrations


def register_user(place: Place) -> None:
    """Note that this process uses the server, until it ends. Waits while a keeper is just shutting it down."""
    if is_registered(place):
        return
    _prepare(place)
    handle = os.open(place.root / "users.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    fcntl.flock(handle, fcntl.LOCK_SH)
    _registrations[place.root] = handle


def ensure_running(place: Place, *, timeout: float = 120.0) -> None:
    """Return once the server has a keeper, accepts connections and has its database.

    Raises:
        ServerFailed: the server ended while starting, or did not answer within `timeout` seconds.
    """
    register_user(place)
    keepers = 0
    deadline = time.monotonic() + timeout
    while True:
        if _is_unkept(place):
            keepers += 1
            if keepers > 3:
                raise ServerFailed(_failure(place))
            _spawn_keeper(place)
        if is_running(place):
            break
        if time.monotonic() > deadline:
            raise ServerFailed(f"The embedded PostgreSQL does not answer after {timeout:.0f} s. Log: {place.log}")
        time.sleep(0.05)
    _ensure_database(place)


@contextmanager
def responsibility(place: Place, *, insist: bool = False) -> Iterator[int | None]:
    """Hold the keeper's lock inside the block; None when another keeper holds it.

    With `insist`, ask that one to leave the server to us, and wait until it did. The wish is a file and not a
    signal: no process id is involved that could meanwhile belong to somebody else.
    """
    _prepare(place)
    while True:
        # A moment of patience: those who wait for a keeper probe the lock, which takes it for an instant.
        with _try_lock(place.root / "keeper.lock", patience=0.5) as lock:
            if lock is not None:
                place.wish.unlink(missing_ok=True)
            if lock is not None or not insist:
                yield lock
                return
        place.wish.touch()


def keep(place: Place, lock: int, *, for_users: bool) -> bool:
    """Run the server, as the holder of `lock`, until SIGTERM or SIGINT. Answers whether the end was a clean one.

    With `for_users` also until nobody has used it for a while, or somebody wishes to take it over.
    """
    stopping: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda received, _frame: stopping.append(received))
    child = None
    if not _survivor(place):
        initialise(place, lock)
        child = _start(place)
    users = os.open(place.root / "users.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    idle_since: float | None = None
    while not stopping:
        if child.poll() is not None if child else not _postmaster_pid(place):
            return not place.pid_file.exists()  # it ended by itself; PostgreSQL removes its file unless it crashed
        if for_users:
            if place.wish.exists():
                return True
            try:
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                idle_since = None
            else:
                idle_since = idle_since or time.monotonic()
                if time.monotonic() - idle_since >= place.linger:
                    break  # keeps the exclusive lock: whoever comes now waits until the server is down
                fcntl.flock(users, fcntl.LOCK_UN)
        time.sleep(0.1)
    _shut_down(place, child)
    return True


def stop(place: Place, *, timeout: float = 60.0) -> bool:
    """Stop the server for everybody, and wait for its keeper to end. Answers whether there was anything to stop.

    Raises:
        ServerFailed: it was still there after `timeout` seconds.
    """
    if not place.root.exists():
        return False
    stopped: int | None = None
    found = False
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        pid = _postmaster_pid(place)
        if pid and stopped and pid != stopped:
            return True  # a process that still uses the database started it again
        if not pid and not _holder_exists(place):
            return found
        found = True
        if pid and not stopped:
            stopped = pid
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGINT)
        time.sleep(0.05)
    raise ServerFailed(f"The embedded PostgreSQL did not stop in {timeout:.0f} s. Log: {place.log}")


def initialise(place: Place, lock: int) -> None:
    """Create the data folder when there is none. A half-made one, from a killed run, is made anew.

    `initdb` inherits the keeper's lock: should the keeper be killed, nobody starts until `initdb` has ended too.
    """
    if place.data.exists():
        return
    draft = place.root / "data.draft"
    if draft.exists():
        shutil.rmtree(draft)
    draft.mkdir(mode=0o700)
    if place.user:
        account = pwd.getpwnam(place.user)
        os.chown(draft, account.pw_uid, account.pw_gid)
    done = subprocess.run(
        [
            str(_programs(place) / "initdb"),
            *("--pgdata", str(draft), "--username", ROLE, "--auth", "trust"),
            *("--encoding", "UTF8", "--locale", "C", "--no-instructions"),
        ],
        cwd=place.root,
        capture_output=True,
        text=True,
        check=False,
        pass_fds=(lock,),
        **_as_user(place),
    )
    if done.returncode:
        raise ServerFailed(f"initdb failed: {done.stderr.strip() or done.stdout.strip()}")
    draft.rename(place.data)


def _prepare(place: Place) -> None:
    """Make the folders. Trust is given to whoever can enter the socket's folder, so it is closed to others."""
    try:
        place.root.mkdir(parents=True, exist_ok=True)
        place.socket.mkdir(mode=0o700, exist_ok=True)
        if place.user:
            account = pwd.getpwnam(place.user)
            os.chown(place.socket, account.pw_uid, account.pw_gid, follow_symlinks=False)
        found = place.socket.lstat()
        if not place.user and (found.st_uid != os.geteuid() or not stat.S_ISDIR(found.st_mode)):
            raise ServerFailed(f"{place.socket} belongs to another user; remove it or set DATABASE_URL.")
        place.socket.chmod(0o700)
    except OSError as error:
        raise ServerFailed(f"The embedded PostgreSQL cannot use {place.root}: {error.strerror}.") from error


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
    if place.log.exists() and place.log.stat().st_size > _LONGEST_LOG:
        place.log.replace(place.log.with_suffix(".log.1"))
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
    """Start a keeper in the background. Returns once it holds the lock, or found that another one does."""
    binaries.find()  # missing programs are the caller's news, not a line in a log
    with place.log.open("ab") as log:
        subprocess.run(
            [
                *(sys.executable, "-m", "config.embedded_postgres"),
                *(str(place.root), str(place.socket), place.user or "", str(place.linger)),
            ],
            cwd=Path(__file__).resolve().parents[2],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # a Ctrl-C meant for the command must not reach the server
            env={name: value for name, value in os.environ.items() if name != MARKER},
            check=False,
        )


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
    """The pid of the live postmaster, from PostgreSQL's own file, never one that was given to another process."""
    try:
        pid = int(place.pid_file.read_text().split("\n", 1)[0])
    except (FileNotFoundError, ValueError):
        return None
    return pid if _serves(pid, place) else None


def _serves(pid: int, place: Place) -> bool:
    """Whether this is a live PostgreSQL process of this data folder. Another checkout's server is not."""
    if not _PROC.exists():
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
        return True
    try:
        return (_PROC / str(pid) / "comm").read_text() == "postgres\n" and (_PROC / str(pid) / "cwd").samefile(
            place.data
        )
    except OSError:
        return False  # gone, a zombie, or somebody else's


def _survivor(place: Place) -> bool:
    """Whether a server is there to adopt. Otherwise clears away what a crash has left, so that one can start.

    The backends of a killed postmaster end by themselves, some a little later: a new server must wait for them.
    The stale files must go because PostgreSQL refuses to start when their process id meanwhile belongs to another
    process of the same user, such as another checkout's server.
    """
    if not _PROC.exists():
        return bool(_postmaster_pid(place))
    deadline = time.monotonic() + 10
    while left := [int(path.name) for path in _PROC.glob("[0-9]*") if _serves(int(path.name), place)]:
        if _postmaster_pid(place):
            return True
        if time.monotonic() > deadline:
            for pid in left:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)
    for path in (place.pid_file, place.socket / ".s.PGSQL.5432.lock", place.socket / ".s.PGSQL.5432"):
        path.unlink(missing_ok=True)
    return False


def _ensure_database(place: Place) -> None:
    with connect(place) as connection:
        if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
            return
        # Another process may be faster.
        with suppress(psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation):
            connection.execute(f"CREATE DATABASE {DATABASE}")


def _as_user(place: Place) -> dict[str, Any]:
    if not place.user:
        return {}
    account = pwd.getpwnam(place.user)
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


def _failure(place: Place) -> str:
    lines = place.log.read_text(errors="replace").strip().splitlines()[-20:] if place.log.exists() else []
    reasons = [line for line in lines if "FATAL" in line] or lines
    return (
        f"The embedded PostgreSQL did not start: {(reasons or ['it left no message.'])[-1]} "
        f"(log: {place.log}). Mend that, or set DATABASE_URL to a PostgreSQL of your own."
    )


def _is_unkept(place: Place) -> bool:
    with _try_lock(place.root / "keeper.lock") as free:
        return free is not None


def _holder_exists(place: Place) -> bool:
    """Like the opposite of `_is_unkept`, but not deceived by another process's probe."""
    with _try_lock(place.root / "keeper.lock", patience=0.1) as free:
        return free is None


@contextmanager
def _try_lock(path: Path, *, patience: float = 0.0) -> Iterator[int | None]:
    """Hold `path` exclusively inside the block, or yield None when somebody else still does after `patience`."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    deadline = time.monotonic() + patience
    try:
        while not _locked(handle):
            if time.monotonic() >= deadline:
                yield None
                return
            time.sleep(0.01)
        yield handle
    finally:
        os.close(handle)


def _locked(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
