"""What tests of real processes share: waiting with a deadline, and finding and ending processes."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
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
