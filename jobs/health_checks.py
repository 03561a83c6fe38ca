"""What the engine needs to work: its checks of the check-up."""

import shutil
import socket
from datetime import datetime, timedelta
from pathlib import Path

import humanize
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.db.models import Max, Min

from jobs import backup, checkup, conf, sql, stats
from jobs.checkup import Finding, degraded, failed, ok
from jobs.errors import JobError
from jobs.models import ClusterHeartbeat, JobStatus, ScheduledJob
from jobs.postgres_programs import APPLICATION_NAME

MOST_CONNECTIONS = 0.8
"""Of those that the server allows."""
OLDEST_TRANSACTION = timedelta(hours=1)
OLDEST_DUE = timedelta(minutes=30)
LATE = timedelta(minutes=1)
JUST_NOW = timedelta(minutes=15)
FEWEST_ATTEMPTS = 20
RECENT = timedelta(days=1)
LOW_SPACE, NO_SPACE = 2 * 10**9, 2 * 10**8
"""Bytes."""
STALE_BACKUPS = 7
"""So many times BACKUP_MAX_AGE_HOURS without a good backup are a failure."""


def database(*, now: datetime) -> Finding:
    """The database answers, and nobody keeps it from working."""
    with connection.cursor() as cursor:
        cursor.execute(sql.read("database_vitals_v1"), {"backup": APPLICATION_NAME})
        version, used, allowed, oldest = cursor.fetchone()
    figures = {"version": version, "connections": used, "connections_allowed": allowed, "oldest_transaction_s": oldest}
    if oldest is not None and oldest > OLDEST_TRANSACTION.total_seconds():
        age = humanize.naturaldelta(timedelta(seconds=oldest))
        return degraded(f"A transaction has been open for {age}; until it ends, no table is cleaned up.", **figures)
    if used > MOST_CONNECTIONS * allowed:
        return degraded(f"{used} of {allowed} connections are in use: raise max_connections, or run less.", **figures)
    return ok(f"PostgreSQL {version} answers; {used} of {allowed} connections are in use.", **figures)


def clusters(*, now: datetime) -> Finding:
    """Somebody runs the jobs."""
    health = stats.scheduler_health(now=now)
    if not health.enabled:
        return degraded("The scheduler is switched off (JOB_SCHEDULER_ENABLED): jobs wait.", clusters=health.clusters)
    if not health.clusters:
        return failed("No cluster is alive: start one with manage.py qcluster.", clusters=0)
    noun = "cluster is" if health.clusters == 1 else "clusters are"
    return ok(f"{health.clusters} {noun} alive.", clusters=health.clusters)


def overdue_jobs(*, now: datetime) -> Finding:
    """What is due gets its turn."""
    health = stats.scheduler_health(now=now)
    late = now - health.oldest_due_at if health.oldest_due_at else timedelta(0)
    figures = {"overdue": health.overdue, "oldest_due_s": round(late.total_seconds())}
    if health.overdue > stats.MOST_OVERDUE or (health.overdue and late > OLDEST_DUE):
        return degraded(
            f"{health.overdue:,} jobs are overdue, the oldest by {humanize.naturaldelta(late)}: run more workers, or "
            "restart a cluster that takes none.",
            **figures,
        )
    return ok(f"{health.overdue:,} jobs are overdue." if health.overdue else "No job is overdue.", **figures)


def lateness(*, now: datetime) -> Finding:
    """Jobs start when they are due."""
    found = stats.lateness(since=now - JUST_NOW)
    figures = {**found.buckets, "p99_s": None if found.p99 is None else round(found.p99, 3)}
    if found.attempts < FEWEST_ATTEMPTS or found.p99 is None:
        return ok("Too few jobs ran just now to say how late they start.", **figures)
    words = (
        f"Of {found.attempts:,} jobs in the last {JUST_NOW // timedelta(minutes=1)} minutes one in a hundred started"
    )
    if found.p99 > LATE.total_seconds():
        length = humanize.naturaldelta(timedelta(seconds=found.p99))
        return degraded(f"{words} {length} late or more: run more workers, or look for slow ones.", **figures)
    return ok(f"{words} more than {found.p99:.2f} s late.", **figures)


def unknown_jobs(*, now: datetime) -> Finding:
    """Nobody has to look whether a job has run. Older ones have been seen: `unknown` may stay for good."""
    unknown = ScheduledJob.objects.filter(status=JobStatus.UNKNOWN)
    recent, everything = unknown.filter(completed_at__gt=now - RECENT).count(), unknown.count()
    figures = {"last_24_hours": recent, "all": everything}
    if recent:
        noun = "job was" if recent == 1 else "jobs were"
        return degraded(f"{recent:,} {noun} left in doubt in the last 24 hours: see whether they have run.", **figures)
    return ok("No job was left in doubt in the last 24 hours.", **figures)


def disk(*, now: datetime) -> Finding:
    """There is room for what is written."""
    settings = conf.current()
    free = {path: shutil.disk_usage(_existing(path)).free for path in (settings.data_dir, settings.backup_dir)}
    tightest = min(free, key=lambda path: free[path])
    words = f"{humanize.naturalsize(free[tightest])} are free at {tightest}"
    figures = {"data_free": free[settings.data_dir], "backup_free": free[settings.backup_dir]}
    if free[tightest] < LOW_SPACE:
        judge = failed if free[tightest] < NO_SPACE else degraded
        return judge(f"Only {words}: make room.", **figures)
    return ok(f"{words}.", **figures)


def _existing(path: Path) -> Path:
    """The folder, or the one that it will be made in."""
    return path if path.exists() or path == path.parent else _existing(path.parent)


def newest_backup(*, now: datetime) -> Finding:
    """The database was saved lately."""
    allowed = conf.current().backup_max_age
    if allowed is None:
        return ok("Backups are not watched (BACKUP_MAX_AGE_HOURS is 0).")
    made_at = _last_backup_at(now=now)
    if made_at is None:
        applied_at = MigrationRecorder.Migration.objects.aggregate(first=Min("applied"))["first"]
        if applied_at is not None and now - applied_at < allowed:
            return ok("There is no backup yet: the first one comes in the night.")
        return failed("There is no good backup: look at the job `backup`, or run manage.py backup.")
    age = now - made_at
    words = f"The newest good backup is {humanize.naturaldelta(age)} old"
    figures = {"age_s": round(age.total_seconds())}
    if age > allowed:
        judge = failed if age > STALE_BACKUPS * allowed else degraded
        return judge(f"{words}: look at the job `backup`, or run manage.py backup.", **figures)
    if strange := _from_the_future(now):
        return degraded(f"{words}, but the name of {strange} lies in the future: rename or remove it.", **figures)
    return ok(f"{words}.", **figures)


def _from_the_future(now: datetime) -> str | None:
    """The file name of a backup that some wrong clock has named."""
    try:
        return next((one.path.name for one in backup.listing() if backup.is_from_the_future(one, now=now)), None)
    except JobError:
        return None


def _last_backup_at(*, now: datetime) -> datetime | None:
    """When the newest good backup was made: by the files of this host, and by the jobs of other hosts that live.

    The files of a host that is gone may be gone with it.
    """
    try:
        here = backup.newest_good(now=now)
    except JobError:  # no pg_restore, or no such folder: somebody else may make them
        here = None
    alive = ClusterHeartbeat.objects.filter(beat_at__gt=now - stats.FRESH).values_list("cluster", flat=True)
    others = {_host(cluster) for cluster in alive} - {socket.gethostname()}
    done = ScheduledJob.objects.filter(job_type=backup.JOB_TYPE, status=JobStatus.COMPLETED)
    made = done.values_list("worker").annotate(newest=Max("completed_at"))
    there = [newest for worker, newest in made if worker and newest and _host(worker) in others]
    return max([*there, *([here.made_at] if here else [])], default=None)


def _host(process: str) -> str:
    return process.rpartition(":")[0]


checkup.register("database", database)
checkup.register("clusters", clusters)
checkup.register("overdue jobs", overdue_jobs)
checkup.register("lateness", lateness)
checkup.register("unknown jobs", unknown_jobs)
checkup.register("disk", disk)
checkup.register("backup", newest_backup, time_limit=timedelta(seconds=30))
