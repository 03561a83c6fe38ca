"""A real `manage.py qcluster` whose processes can be killed, and a supervisor that starts it again."""

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from django.conf import settings
from django.db import connection
from django.utils import timezone

from config.embedded_postgres import server
from jobs import lifecycle
from jobs.models import ClusterHeartbeat, JobExecution, ScheduledJob
from tests import processes
from tests.support import wait_until

LEASE_SECONDS = 5
STUCK_SECONDS = 7.0
"""Due jobs that nobody claims for this long while the cluster seems alive: it hangs."""
FINAL_SECONDS = 90.0

_ANNOUNCED = {
    "worker": re.compile(r"ready for work at (\d+)"),
    "monitor": re.compile(r"monitoring at (\d+)"),
    "pusher": re.compile(r"pushing tasks at (\d+)"),
}


class Supervised:
    """One `qcluster` after the other: when a master is gone or its cluster hangs, what is left is killed and the next
    one is started, as a supervisor with a health check does.
    """

    def __init__(self, folder: Path, *, workers: int) -> None:
        self._folder = folder
        self._workers = workers
        self._started = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._seen = (0, 0.0)
        self.restarted_dead = 0
        """How often the master was gone."""
        self.restarted_stuck = 0
        """How often the cluster was alive and did nothing."""

    def start(self) -> None:
        """Start a cluster and wait until it takes jobs."""
        self._started += 1
        self._process = processes.start(
            "qcluster",
            log=self._log,
            DJANGO_SETTINGS_MODULE="tests.crash.settings",
            JOB_LEASE_SECONDS=str(LEASE_SECONDS),
            JOB_WORKERS=str(self._workers),
        )
        self.wait_ready()

    def kill_all(self) -> None:
        """SIGKILL for the master and whatever is left of its process group."""
        if self._process:
            processes.kill_group(self._process)

    def wait_ready(self) -> None:
        """Return when the cluster has all its processes, and its pusher beats."""
        wait_until(self._is_ready, f"the cluster is ready ({self._log})", seconds=40)

    def pids(self, role: str) -> list[int]:
        """The live processes of a role: worker, monitor, pusher, sentinel or master."""
        assert self._process
        members = _group(self._process.pid)
        if role == "master":
            return [pid for pid in members if pid == self._process.pid]
        if role == "sentinel":
            return [pid for pid, parent in members.items() if parent == self._process.pid]
        announced = {int(pid) for pid in _ANNOUNCED[role].findall(self._log.read_text(errors="replace"))}
        return sorted(announced & set(members))

    def is_dead(self) -> bool:
        """Whether the master is gone."""
        return self._process is None or self._process.poll() is not None

    def tend(self) -> None:
        """Start another cluster if this one's master is gone or it hangs."""
        if self.is_dead():
            self.restarted_dead += 1
        elif self._is_stuck():
            self.restarted_stuck += 1
        else:
            return
        self.kill_all()
        self.start()
        self._seen = (0, time.monotonic())

    def wait_final(self) -> None:
        """Tend the cluster until no job is pending or running. Retries that wait are brought forward.

        Returns after a deadline in any case: who is not final then is lost.
        """
        deadline = time.monotonic() + FINAL_SECONDS
        self._seen = (-1, time.monotonic())
        while time.monotonic() < deadline and ScheduledJob.objects.live().exists():
            self.tend()
            waiting = ScheduledJob.objects.pending().filter(retry_count__gt=0, next_attempt_at__gt=timezone.now())
            for job_id in waiting.values_list("job_id", flat=True):
                lifecycle.run_now(job_id, now=timezone.now())
            time.sleep(0.1)

    @property
    def _log(self) -> Path:
        return self._folder / f"cluster-{self._started}.log"

    def _is_ready(self) -> bool:
        if self.is_dead():
            self.tend()
        beating = {int(name.rpartition(":")[2]) for name in ClusterHeartbeat.objects.values_list("cluster", flat=True)}
        return (
            len(self.pids("worker")) >= self._workers
            and len(self.pids("monitor")) == 1
            and bool(beating & set(self.pids("pusher")))
        )

    def _is_stuck(self) -> bool:
        attempts = JobExecution.objects.count()
        if (
            attempts != self._seen[0]
            or not ScheduledJob.objects.pending().filter(next_attempt_at__lte=timezone.now()).exists()
        ):
            self._seen = (attempts, time.monotonic())
        return time.monotonic() - self._seen[1] > STUCK_SECONDS


@contextmanager
def supervised(folder: Path, *, workers: int = 2) -> Iterator[Supervised]:
    """A supervised cluster that takes jobs; nothing of it is left behind."""
    folder.mkdir(parents=True)
    cluster = Supervised(folder, workers=workers)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.kill_all()


def kill(cluster: Supervised, victim: str, pids: list[int] | None = None) -> datetime:
    """Kill the victim, or these processes of it, with SIGKILL. Returns when. A killed PostgreSQL serves again."""
    killed_at = datetime.now(UTC)
    if victim == "PostgreSQL":
        _kill_postgres()
    elif victim == "cluster":
        cluster.kill_all()
    else:
        for pid in pids or cluster.pids(victim)[:1]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    if victim == "sentinel":
        # Its orphans go on working; the master notices and ends, which is what a supervisor sees.
        wait_until(cluster.is_dead, "the master ends after its sentinel")
        killed_at = datetime.now(UTC)
    return killed_at


def _kill_postgres() -> None:
    """Kill the postmaster of the embedded server, and let the next keeper start it again."""
    place = server.locate(Path(settings.DATA_DIR))
    connection.close()
    os.kill(int(place.pid_file.read_text().split("\n", 1)[0]), signal.SIGKILL)
    wait_until(lambda: not server.is_running(place), "PostgreSQL dies")
    server.ensure_running(place)


def _group(leader: int) -> dict[int, int]:
    """The live processes of a process group, each with its parent."""
    found = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError, IndexError):
            state, parent, group = path.read_text().rpartition(")")[2].split()[:3]
            if int(group) == leader and state != "Z":
                found[int(path.parent.name)] = int(parent)
    return found
