"""What tests of real processes share: waiting with a deadline, and finding and ending processes."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).resolve().parent.parent


def wait_until(condition: Callable[[], Any], what: str, *, seconds: float = 20.0) -> Any:
    """Return the condition's first true answer; fail after `seconds`, naming `what` was awaited."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if answer := condition():
            return answer
        time.sleep(0.05)
    raise AssertionError(f"Waited {seconds:.0f} s in vain: {what}")


def environment(data_dir: Path, **more: str) -> dict[str, str]:
    """The environment of a program with a data folder of its own, embedded PostgreSQL included."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("CHECKBACK_", "DISCORD_"))}
    inherited.pop("DATABASE_URL", None)
    return {
        **inherited,
        "CHECKBACK_DATA_DIR": str(data_dir),
        "CHECKBACK_POSTGRES_LINGER_SECONDS": "1",
        "DJANGO_SETTINGS_MODULE": "config.settings",
        **more,
    }


def manage(*arguments: str, env: Mapping[str, str], timeout: float = 60) -> "subprocess.CompletedProcess[str]":
    """Run `manage.py` to its end."""
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=CHECKOUT,
        env=env,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def processes_with(variable: str, value: str) -> list[int]:
    """Every live process in whose environment the variable has this value."""
    wanted = f"{variable}={value}".encode()
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):
            if wanted in path.read_bytes().split(b"\0"):
                found.append(int(path.parent.name))
    return found


@contextmanager
def nothing_left(variable: str, value: str) -> Iterator[None]:
    """Kill whatever still carries the variable when the block ends: a failed test must not leave processes."""
    try:
        yield
    finally:
        for pid in processes_with(variable, value):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def free_port() -> int:
    """Return a port of the loopback address that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Checkback:
    """A `manage.py up` (or `demo`) of its own: data folder, embedded database, ports."""

    data_dir: Path
    command: str = "up"
    web_port: int = field(default_factory=free_port)
    chat_port: int = field(default_factory=free_port)
    settings: dict[str, str] = field(default_factory=dict)
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def env(self) -> dict[str, str]:
        """For programs beside it that use the same database, such as `manage("import_chat_export", ...)`."""
        return environment(
            self.data_dir,
            WEB_PORT=str(self.web_port),
            PRACTICE_DISCORD_PORT=str(self.chat_port),
            JOB_WORKERS="1",
            **self.settings,
        )

    @property
    def output(self) -> str:
        """What the latest start has printed."""
        return self.data_dir.with_suffix(".output").read_text()

    @property
    def web(self) -> str:
        return f"http://127.0.0.1:{self.web_port}"

    @property
    def chat(self) -> str:
        return f"http://127.0.0.1:{self.chat_port}"

    @property
    def supervisor_pid(self) -> int:
        return int((self.data_dir / "up" / "supervisord.pid").read_text())

    def start(self, *, ready: bool = True) -> None:
        """Start it, and wait until web answers and the bot is connected."""
        with self.data_dir.with_suffix(".output").open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", self.command],
                cwd=CHECKOUT,
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        if ready:
            wait_until(self._has_answered, "it is ready", seconds=90)

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        """Ask it to stop, as Ctrl-C does, and return its exit code."""
        assert self.process
        self.process.send_signal(number)
        return self.process.wait(90)

    def processes(self) -> list[int]:
        """Every process that it has started, directly or not, and the embedded database's."""
        return processes_with("CHECKBACK_DATA_DIR", str(self.data_dir))

    def _has_answered(self) -> bool:
        assert self.process
        assert self.process.poll() is None, self.output
        return "Ready." in self.output or "Checkback is running" in self.output


@contextmanager
def data_folder() -> Iterator[Path]:
    """A data folder of its own; neither its processes nor its files and those of its database are left."""
    from config.embedded_postgres import server

    home = Path(tempfile.mkdtemp(prefix="checkback-test-"))
    try:
        with nothing_left("CHECKBACK_DATA_DIR", str(home / "data")):
            yield home / "data"
    finally:
        shutil.rmtree(server.locate(home / "data").root, ignore_errors=True)
        shutil.rmtree(home, ignore_errors=True)


@contextmanager
def checkback(command: str = "up", **settings: str) -> Iterator[Checkback]:
    """Give a Checkback to start, and leave neither processes nor files of it."""
    with data_folder() as folder:
        one = Checkback(folder, command, settings=settings)
        with nothing_left("CHECKBACK_DATA_DIR", str(folder)):
            yield one
        if one.process:
            one.process.wait()
