"""Taking back jobs from workers that died, and saying that a cluster is alive. Runs beside the worker pool."""

import threading

import structlog
from django.db import connection

from jobs import registry, sql
from jobs.watchdog import Watchdog

log = structlog.get_logger(__name__)

EVERY_SECONDS = 5.0
LARGEST_SWEEP = 1000
FORGET_CLUSTERS_AFTER_SECONDS = 24 * 3600


def rescue() -> int:
    """Return jobs with an expired lease to the queue, or to `failed` or `unknown`. Returns how many."""
    with connection.cursor() as cursor:
        cursor.execute(sql.read("rescue_v1"), {"size": LARGEST_SWEEP, "repeatable": registry.repeatable()})
        count = int(cursor.fetchone()[0])
    if count:
        log.warning("job.rescued", jobs=count)
    return count


def beat(cluster: str, *, is_first: bool = False) -> None:
    """Record that this cluster is alive, and forget clusters that have been silent for a day.

    Its first beat tells when it started: another one of the same name, host and process, may have ended without a word.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO job_clusters AS known (cluster, beat_at) VALUES (%s, now()) ON CONFLICT (cluster) DO UPDATE "
            "SET beat_at = now(), started_at = CASE WHEN %s THEN now() ELSE known.started_at END",
            [cluster, is_first],
        )
        cursor.execute(
            "DELETE FROM job_clusters WHERE beat_at < now() - %s * interval '1 second'", [FORGET_CLUSTERS_AFTER_SECONDS]
        )


def leave(cluster: str) -> None:
    """Remove the cluster's heartbeat at a clean stop."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM job_clusters WHERE cluster = %s", [cluster])


class Tender(threading.Thread):
    """Beats, rescues and watches every few seconds, in a thread of the cluster's pusher process.

    Not in the worker pool: when every worker is busy or stuck is just when it is needed.
    """

    def __init__(self, cluster: str, watchdog: Watchdog) -> None:
        super().__init__(name="job-tender", daemon=True)
        self._watchdog = watchdog
        self._cluster = cluster
        self._done = threading.Event()

    def stop(self) -> None:
        """End the thread and take the heartbeat back."""
        self._done.set()
        self.join(timeout=EVERY_SECONDS)

    def run(self) -> None:
        """Until stopped. Whatever goes wrong is tried again next time."""
        is_first = True
        while True:
            try:
                beat(self._cluster, is_first=is_first)
                is_first = False
                while rescue() == LARGEST_SWEEP:
                    pass
                self._watchdog.look()
            except Exception as error:  # of any kind: without this thread nobody rescues here, and nobody would notice
                log.warning("job.tender_failed", error=str(error))
                connection.close()
            if self._done.wait(EVERY_SECONDS):
                break
        try:
            leave(self._cluster)
        except Exception as error:
            log.warning("job.tender_failed", error=str(error))
        connection.close()
