"""Notices a cluster whose heart beats while nobody works, and ends it, so that its supervisor starts a fresh one.

A worker that is killed from outside may die with the lock of Django-Q2's queue, which then nobody can take. The
sentinel would go on starting workers that wait for that lock for ever.
"""

import os
import signal
import socket
import time
from multiprocessing.sharedctypes import RawValue
from pathlib import Path

import structlog

from jobs import conf
from jobs.models import JobStatus, ScheduledJob

log = structlog.get_logger(__name__)

# Shared by all processes of a cluster: its master imports this module before it forks them. CLOCK_MONOTONIC, which
# means the same in each.
_taken_at = RawValue("d", 0.0)


def package_taken(**_: object) -> None:
    """A worker has begun a package: "run what is due", or a task of Django-Q2's own."""
    _taken_at.value = time.monotonic()


class Watchdog:
    """Lives in the pusher, which sends the packages."""

    def __init__(self) -> None:
        self._sent_at: float | None = None
        self._suspicions = 0

    def package_sent(self) -> None:
        """A package is about to be put into the cluster's queue."""
        if self._sent_at is None or self._sent_at < _taken_at.value:
            self._sent_at = time.monotonic()

    def look(self) -> None:
        """End the cluster when a package has waited too long although no worker of this host has work. Called every
        few seconds; judges at the second suspicion, since a machine that was suspended wakes its processes one by one.
        """
        if not self._is_suspicious():
            self._suspicions = 0
            return
        self._suspicions += 1
        if self._suspicions > 1:
            self._end_cluster()

    def _is_suspicious(self) -> bool:
        if self._sent_at is None or self._sent_at <= _taken_at.value:
            return False
        if time.monotonic() - self._sent_at < conf.current().watchdog.total_seconds():
            return False
        # A worker that holds a lease is busy, not stuck.
        running = ScheduledJob.objects.filter(status=JobStatus.RUNNING, worker__startswith=f"{socket.gethostname()}:")
        return not running.exists()

    def _end_cluster(self) -> None:
        group = os.getpgrp()
        is_ours = _is_of_the_cluster(group)
        log.error("job.cluster_stuck", ended=is_ours)
        if is_ours and group == 1:
            # The first process of a container: its group would be everything here. It ends with its sentinel.
            os.kill(os.getppid(), signal.SIGKILL)
        elif is_ours:
            os.killpg(group, signal.SIGKILL)


def _is_of_the_cluster(group: int) -> bool:
    """Whether the process group was made for this cluster: its leader is the master, our parent's parent."""
    try:
        sentinel = Path(f"/proc/{os.getppid()}/stat").read_text()
    except OSError:  # not Linux
        return False
    return int(sentinel.rpartition(")")[2].split()[1]) == group
