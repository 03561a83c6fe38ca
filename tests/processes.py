"""Real processes of the project, working on the test database."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from django.db import connection
from django_q.models import Schedule

from jobs.models import ClusterHeartbeat
from tests.support import CHECKOUT, wait_until


def environment(**extra: str) -> dict[str, str]:
    """The environment of a child process that uses the current test database."""
    settings = connection.settings_dict
    url = f"postgres://{settings['USER']}@/{settings['HOST']}/{settings['NAME']}"
    if settings.get("PASSWORD") or not str(settings["HOST"]).startswith("/"):
        port = settings.get("PORT") or 5432
        url = f"postgres://{settings['USER']}:{settings['PASSWORD']}@{settings['HOST']}:{port}/{settings['NAME']}"
    return {
        **os.environ,
        "DATABASE_URL": url,
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "PYTHONPATH": str(CHECKOUT),
        "PYTHONUNBUFFERED": "1",
        **extra,
    }


def start(*arguments: str, log: Path, **extra: str) -> "subprocess.Popen[bytes]":
    """Start `manage.py <arguments>` in a process group of its own."""
    with log.open("ab") as output:
        return subprocess.Popen(
            [sys.executable, "manage.py", *arguments],
            cwd=CHECKOUT,
            env=environment(**extra),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def kill_group(process: "subprocess.Popen[bytes]") -> None:
    """SIGKILL for the process and all its children."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(timeout=10)


@contextmanager
def cluster(tmp_path: Path, *, name: str = "cluster", **extra: str) -> Iterator["subprocess.Popen[bytes]"]:
    """A real `manage.py qcluster` that is ready, killed with all its children at the end."""
    # Each migrate and each emptying of the tables makes them due: a backup is not what these tests are about.
    Schedule.objects.filter(name__in=["backup", "health-check"]).delete()
    known = set(ClusterHeartbeat.objects.values_list("cluster", flat=True))
    log = tmp_path / f"{name}.log"
    process = start("qcluster", log=log, **extra)
    try:
        wait_until(
            lambda: set(ClusterHeartbeat.objects.values_list("cluster", flat=True)) - known,
            f"the cluster starts ({log})",
            seconds=30,
        )
        yield process
    finally:
        kill_group(process)
