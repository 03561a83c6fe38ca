"""The programs of a running Checkback: what they are, how supervisor runs them, and how what a crash left is ended."""

import fcntl
import hashlib
import os
import shlex
import signal
import socket
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from django.conf import settings

from config.embedded_postgres.server import MARKER

_PROC = Path("/proc")
# The kernel's limit is 107 bytes, and supervisor appends its process id while it starts.
_LONGEST_SOCKET = 95
START_SECONDS = 3
"""Who lives so long is taken to have started."""


class AlreadyRunning(Exception):
    """Another `manage.py up` runs in this data folder."""


class PortTaken(Exception):
    """Something else listens where one of the programs wants to."""


@dataclass(frozen=True)
class Program:
    """One program. Those with a higher priority start later and are stopped earlier, one after the other."""

    name: str
    command: list[str]
    priority: int
    environment: Mapping[str, str] = field(default_factory=dict)
    stop_signal: str = "TERM"
    patience: int = 20  # seconds between the soft stop and SIGKILL
    final_exit_codes: tuple[int, ...] = ()  # it knows that it should not be started again


def _manage(*arguments: str) -> list[str]:
    return [sys.executable, str(settings.BASE_DIR / "manage.py"), *arguments]


def is_practice() -> bool:
    """Whether the bot talks to the practice Discord, for want of a real bot's token."""
    return not settings.DISCORD_BOT_TOKEN


def programs() -> list[Program]:
    """Return all that runs, as the settings say."""
    port = settings.PRACTICE_DISCORD_PORT
    practice = {
        "DISCORD_BOT_TOKEN": "practice",
        "DISCORD_API_URL": f"http://127.0.0.1:{port}/api/v10",
        "DISCORD_GATEWAY_URL": f"ws://127.0.0.1:{port}/gateway",
    }
    # Supervisor has no pause of its own, and does not look at the exit code of what ends within START_SECONDS.
    bot = _manage("runbot", f"--pause={START_SECONDS + 2}")
    found = [
        Program("web", [sys.executable, "-m", "gunicorn", "-c", "python:config.gunicorn", "config.wsgi"], 30),
        Program("qcluster", _manage("qcluster"), 40),
        Program("bot", bot, 50, practice if is_practice() else {}, final_exit_codes=(0, 2)),
    ]
    if is_practice():
        samples = sorted(str(path) for path in (settings.BASE_DIR / "followups" / "samples").glob("*.json"))
        found.append(Program("discord", _manage("practice_discord", *(["--world", *samples] if samples else [])), 20))
    if settings.DATABASES["default"]["ENGINE"] == "config.embedded_postgres":
        found.append(Program("postgres", _manage("postgres", "serve"), 10, stop_signal="INT", patience=60))
    return sorted(found, key=lambda program: program.priority)


def folder() -> Path:
    """Return the folder of runtime files."""
    path: Path = settings.DATA_DIR / "up"
    path.mkdir(parents=True, exist_ok=True)
    return path


def log_of(name: str) -> Path:
    """Return a program's log file."""
    path: Path = settings.DATA_DIR / "logs" / f"{name}.log"
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def control_socket() -> Path:
    """Return the socket through which supervisor is asked and told."""
    path = folder() / "supervisor.sock"
    if len(os.fsencode(path)) <= _LONGEST_SOCKET:
        return path
    private = Path("/tmp") / f"checkback-up-{os.geteuid()}"  # noqa: S108 - made 0700 and owner-checked
    private.mkdir(mode=0o700, exist_ok=True)
    if private.lstat().st_uid != os.geteuid():
        raise PortTaken(f"{private} belongs to another user; set CHECKBACK_DATA_DIR to a shorter path.")
    return private / f"{hashlib.sha256(os.fsencode(path)).hexdigest()[:12]}.sock"


def configuration(wanted: list[Program], control: Path) -> str:
    """Return supervisor's configuration."""
    sections: dict[str, dict[str, object]] = {
        "unix_http_server": {"file": control, "chmod": "0700"},
        "supervisord": {
            "nodaemon": "true",
            "silent": "true",
            "logfile": log_of("supervisord"),
            "logfile_maxbytes": "5MB",
            "logfile_backups": 2,
            "pidfile": folder() / "supervisord.pid",
            "childlogdir": log_of("supervisord").parent,
            **({"user": "root"} if os.geteuid() == 0 else {}),
        },
        "rpcinterface:supervisor": {
            "supervisor.rpcinterface_factory": "supervisor.rpcinterface:make_main_rpcinterface"
        },
        "supervisorctl": {"serverurl": f"unix://{control}"},
    }
    for program in wanted:
        sections[f"program:{program.name}"] = _section(program)
    return "\n".join(
        f"[{title}]\n" + "".join(f"{name}={str(value).replace('%', '%%')}\n" for name, value in values.items())
        for title, values in sections.items()
    )


def _section(program: Program) -> dict[str, object]:
    codes = program.final_exit_codes
    return {
        "command": shlex.join(program.command),
        "directory": settings.BASE_DIR,
        "environment": ",".join(f'{name}="{value}"' for name, value in program.environment.items()),
        "priority": program.priority,
        "autorestart": "unexpected" if codes else "true",
        **({"exitcodes": ",".join(map(str, codes))} if codes else {}),
        # A program that ends sooner is tried again after 1, 2, 3 ... seconds.
        "startsecs": START_SECONDS,
        "startretries": 20,
        "stopsignal": program.stop_signal,
        "stopwaitsecs": program.patience,
        # The soft signal goes to the main process alone: one to the whole group hangs an idle cluster's master.
        "stopasgroup": "false",
        "killasgroup": "true",
        "redirect_stderr": "true",
        "stdout_logfile": log_of(program.name),
        "stdout_logfile_maxbytes": "5MB",
        "stdout_logfile_backups": 2,
    }


@contextmanager
def only_one() -> Iterator[None]:
    """Hold this data folder's lock inside the block.

    Raises:
        AlreadyRunning: another process holds it; the message names it.
    """
    handle = os.open(folder() / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(handle, 20, 0).decode().strip()
            raise AlreadyRunning(
                f"Checkback already runs here (process {holder}, data in {settings.DATA_DIR}). "
                "Stop it with Ctrl-C or `manage.py down`."
            ) from None
        os.ftruncate(handle, 0)
        os.pwrite(handle, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(handle)


def running_pid() -> int | None:
    """The process id of the `manage.py up` of this data folder."""
    try:
        with only_one():
            return None
    except AlreadyRunning:
        text = (folder() / "lock").read_text()
        return int(text) if text.isdigit() else None


def check_ports() -> None:
    """Raise PortTaken when a program could not listen."""
    wanted = {"WEB_PORT": settings.WEB_PORT}
    if is_practice():
        wanted["PRACTICE_DISCORD_PORT"] = settings.PRACTICE_DISCORD_PORT
    for name, port in wanted.items():
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError as error:
                raise PortTaken(
                    f"Port {port} cannot be used ({error.strerror}): stop what listens there, "
                    f"or choose another one, for example {name}={port + 1} in the environment or in .env."
                ) from None


def mark(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment by which everything that this data folder's `up` starts can be found again."""
    return {**environment, MARKER: str(settings.DATA_DIR), "PYTHONUNBUFFERED": "1"}


def end_orphans(*, patience: float = 25.0) -> int:
    """End what an earlier, killed `up` or supervisor has left running. Returns how many processes there were.

    They are found by their environment, which is inherited, cannot be lost, and needs no file of process ids that
    may meanwhile belong to others. Only the topmost get the soft signal, for the sake of the cluster's master.
    PostgreSQL itself is left: whoever is next to need it adopts it.
    """
    found = _marked()
    for pid in found:
        if _parent(pid) not in found:
            _signal(pid, signal.SIGTERM)
    deadline = time.monotonic() + patience
    while (left := _marked()) and time.monotonic() < deadline:
        time.sleep(0.1)
    while left:
        for pid in left:
            _signal(pid, signal.SIGKILL)
        time.sleep(0.1)
        left = _marked()
    return len(found)


def _signal(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def _marked() -> set[int]:
    wanted = f"{MARKER}={settings.DATA_DIR}".encode()
    found = set()
    for path in _PROC.glob("[0-9]*"):
        with suppress(OSError):  # gone meanwhile, or somebody else's
            if (
                wanted in (path / "environ").read_bytes().split(b"\0")
                and (path / "comm").read_text().strip() != "postgres"
            ):
                found.add(int(path.name))
    return found - {os.getpid()}


def _parent(pid: int) -> int:
    try:
        return int((_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()[1])
    except (OSError, IndexError):
        return 0
