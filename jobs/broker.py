"""The Django-Q2 broker: sends workers to due jobs, at once when they appear and on time when they are due.

Django-Q2's own tasks still come from its ORM broker, which this one extends. A job is not handed over by the
broker: the package that goes to the workers only says "run what is due", and the worker claims (`jobs.runner`).
So nothing that is claimed ever waits in a queue between processes.
"""

import time
import uuid
from multiprocessing.util import Finalize
from typing import Any

import structlog
from django.db import Error as DatabaseError
from django.db import connection
from django.utils import timezone
from django_q.brokers.orm import ORM
from django_q.signing import SignedPackage

from jobs import conf, heads
from jobs.rescue import Tender
from jobs.runner import worker_name
from jobs.wakeup import Listener
from jobs.watchdog import Watchdog

log = structlog.get_logger(__name__)

LONGEST_WAIT = 1.0
"""Django-Q2's pusher looks at its stop flag only between two calls of `dequeue`."""
SHORTEST_PAUSE, LONGEST_PAUSE = 0.01, 0.25
"""Seconds between two packages while the same jobs stay due."""

Package = tuple[int | None, str]


class JobBroker(ORM):
    """Lives in the pusher process. Everything with a connection is made lazily there: the pusher is forked."""

    _watchdog: Watchdog
    _listener: Listener | None = None
    _tender: Tender | None = None
    _last_due: list[str] = []
    _pause = SHORTEST_PAUSE
    _look_at = 0.0

    def dequeue(self) -> list[Package] | None:
        """Return Django-Q2's own tasks, or a "run what is due" package, or nothing after a second at most."""
        try:
            self._start()
            tasks: list[Package] | None = super().dequeue()  # type: ignore[no-untyped-call]
            return tasks or self._wait_for_due()
        except DatabaseError as error:
            # Raising would cost ten seconds and the pusher's process.
            log.warning("job.broker_lost_database", error=str(error))
            connection.close()
            time.sleep(LONGEST_WAIT)
            return None

    def _start(self) -> None:
        if self._listener is None:
            self._listener = Listener()
            self._watchdog = Watchdog()
            self._tender = Tender(worker_name(), self._watchdog)
            self._tender.start()
            # The pusher ends like any child of multiprocessing: without atexit, but with these.
            Finalize(None, self._tender.stop, exitpriority=0)

    def _wait_for_due(self) -> list[Package] | None:
        assert self._listener is not None  # noqa: S101 - set by _start
        until = time.monotonic() + LONGEST_WAIT
        settings = conf.current()
        while True:
            if settings.enabled and time.monotonic() >= self._look_at:
                ready = heads.ready()
                if any(head.seconds <= 0 for head in ready):
                    return self._go([head.job_id for head in ready if head.seconds <= 0])
                seconds = min((head.seconds for head in ready), default=float("inf"))
                self._look_at = time.monotonic() + min(seconds, settings.check_interval.total_seconds())
            wait = min(until, self._look_at) - time.monotonic() if settings.enabled else until - time.monotonic()
            if self._listener.wait(max(wait, 0)):
                self._look_at = 0.0
            if time.monotonic() >= until:
                return None

    def _go(self, due: list[str]) -> list[Package]:
        """Send a worker. While the same jobs stay due the workers are busy, or others hold them: send fewer then."""
        assert self._listener is not None  # noqa: S101 - set by _start
        if due == self._last_due:
            time.sleep(SHORTEST_PAUSE)
            self._listener.wait(self._pause)
            self._pause = min(2 * self._pause, LONGEST_PAUSE)
        else:
            self._pause = SHORTEST_PAUSE
        self._last_due = due
        self._look_at = 0.0
        self._watchdog.package_sent()
        return [(None, _package())]


def _package() -> str:
    """A Django-Q2 task that leaves no row behind and has no time-out: leases guard the jobs, not the package."""
    task: dict[str, Any] = {
        "id": uuid.uuid4().hex,
        "name": "due jobs",
        "func": "jobs.runner.run_due",
        "args": (),
        "kwargs": {},
        "started": timezone.now(),
        "save": False,
        "timeout": -1,
    }
    return str(SignedPackage.dumps(task))
