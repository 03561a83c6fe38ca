"""Copies of the database, made by pg_dump: written aside, read back, given their name at once, pruned by age."""

import errno
import fcntl
import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import humanize
import structlog
from django.db import connection

from jobs import conf, postgres_programs
from jobs.errors import JobError, PermanentFailure

log = structlog.get_logger(__name__)

JOB_TYPE = "backup"
LABEL = re.compile(r"[A-Za-z0-9_-]{0,40}")
PARTIAL = ".partial"
LOCK_PATIENCE = "60s"
"""So long pg_dump waits for a table that, say, a migration has locked."""
CLOCKS_DIFFER = timedelta(minutes=5)
"""So far apart the clocks of two hosts may be that share the folder."""
_TIME = "%Y%m%dT%H%M%SZ"
# What pg_dump says -> what to tell, where trying again cannot help.
_LOST_CAUSES = [
    (r"password authentication failed|no password supplied", "the user or the password is wrong: mend DATABASE_URL"),
    (r"permission denied for", "the database's user may not read all of it: give it the right, or use the owner"),
    (r"server version mismatch", "pg_dump is older than the server: install that version's, or set PG_BIN_DIR"),
]


class BackupFailed(JobError):
    """There is no new backup, and the message says why. Later it may work."""


class BackupRefused(PermanentFailure):
    """There is no new backup, and will be none until somebody mends what the message says."""


@dataclass(frozen=True)
class Backup:
    """A finished backup, as its file's name and size tell."""

    path: Path
    made_at: datetime
    label: str
    size: int
    """Bytes."""


def make(*, now: datetime, label: str = "", on_progress: Callable[[int], None] | None = None) -> Backup:
    """Save the database into BACKUP_DIR, and remove backups that are older than BACKUP_KEEP_DAYS.

    `on_progress` is told now and then how many bytes are written. Until the whole file was read back it has
    another name, so whatever bears a backup's name is one. No transaction is open meanwhile.

    Raises:
        BackupRefused, postgres_programs.ProgramMissing: trying again will not help.
        BackupFailed: no space, a backup that runs already, pg_dump gave up.
    """
    require_label(label)
    pg_dump, pg_restore = postgres_programs.find("pg_dump"), postgres_programs.find("pg_restore")
    for program in (pg_dump, pg_restore):
        _require_version(program)
    folder = conf.current().backup_dir
    with _folder_locked(folder) as lock:
        for stale in _partials(folder):  # nobody else holds the lock, so nobody writes them any more
            stale.unlink(missing_ok=True)
        _require_space(folder)
        tables = set(connection.introspection.django_table_names(only_existing=True, include_views=False))
        name = f"{_prefix()}-{now.astimezone(UTC).strftime(_TIME)}{'-' if label else ''}{label}.dump"
        final, partial = folder / name, folder / (name + PARTIAL)
        try:
            _write(pg_dump, partial, lock, on_progress)
            _require_readable(pg_restore, partial, tables)
            _publish(partial, final)
        except OSError as error:
            raise BackupFailed(_in_words(folder, error)) from error
        finally:
            partial.unlink(missing_ok=True)
        made = _read_name(final)
        assert made is not None  # noqa: S101 - for the type checker: it was named by us
        log.info("backup.made", file=final.name, size=made.size)
        prune(now=now, survivor=made)
    return made


def require_label(label: object) -> None:
    """Raise BackupRefused for what cannot be a label."""
    if not isinstance(label, str) or not LABEL.fullmatch(label):
        raise BackupRefused(f"The label {label!r} cannot be part of a file's name: up to 40 letters, digits, - and _.")


def listing() -> list[Backup]:
    """The backups of this database that lie in BACKUP_DIR, newest first."""
    try:
        found = [_read_name(path) for path in conf.current().backup_dir.iterdir()]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise BackupRefused(_in_words(conf.current().backup_dir, error)) from error
    return sorted((one for one in found if one), key=lambda one: (one.made_at, one.path.name), reverse=True)


def is_readable(backup: Backup) -> bool:
    """Whether pg_restore can read the table of contents. What follows it was read when the backup was made."""
    try:
        return "TABLE DATA" in postgres_programs.run([postgres_programs.find("pg_restore"), "--list", str(backup.path)])
    except postgres_programs.ProgramFailed:
        return False


def is_whole(backup: Backup) -> bool:
    """Whether pg_restore can read all of it. That takes as long as a restore takes to read."""
    try:
        postgres_programs.run([postgres_programs.find("pg_restore"), f"--file={os.devnull}", str(backup.path)])
    except postgres_programs.ProgramFailed:
        return False
    return True


def is_from_the_future(backup: Backup, *, now: datetime) -> bool:
    """Whether its name cannot be true: a clock was wrong, so nobody knows how old it is."""
    return backup.made_at > now + CLOCKS_DIFFER


def newest_good(*, now: datetime) -> Backup | None:
    """The newest backup that can be read, of those whose age is known."""
    known = (backup for backup in listing() if not is_from_the_future(backup, now=now))
    return next((backup for backup in known if is_readable(backup)), None)


def prune(*, now: datetime, survivor: Backup | None = None) -> list[Backup]:
    """Remove backups that are older than BACKUP_KEEP_DAYS, never the newest good one. Returns those removed.

    Before anything goes, that one is read to its end, unless it is the `survivor`, which was just made. Without any
    good one nothing is removed: then the old ones may be all there is.
    """
    oldest = now - timedelta(days=conf.current().backup_keep_days)
    found = listing()
    expired = [backup for backup in found if backup.made_at < oldest]
    if expired and survivor is None:
        known = (backup for backup in found if not is_from_the_future(backup, now=now))
        survivor = next((backup for backup in known if is_whole(backup)), None)
    removed = []
    for backup in expired:
        if survivor is None or backup.path == survivor.path:
            continue
        try:
            backup.path.unlink(missing_ok=True)
        except OSError as error:
            log.warning("backup.not_removed", file=backup.path.name, error=error.strerror)
        else:
            removed.append(backup)
            log.info("backup.removed", file=backup.path.name)
    return removed


def _prefix() -> str:
    """What the files of this database begin with."""
    return re.sub(r"[^A-Za-z0-9_]", "_", str(connection.settings_dict["NAME"]))


def _read_name(path: Path) -> Backup | None:
    """The backup at this path; None when the file is not one of ours, or just gone."""
    found = re.fullmatch(rf"{_prefix()}-(\d{{8}}T\d{{6}}Z)(?:-({LABEL.pattern}))?\.dump", path.name)
    if found is None or path.is_symlink() or not path.is_file():
        return None
    with suppress(FileNotFoundError, ValueError):
        made_at = datetime.strptime(found[1], _TIME).replace(tzinfo=UTC)
        return Backup(path, made_at, found[2] or "", path.stat().st_size)
    return None


def _partials(folder: Path) -> list[Path]:
    named = re.compile(rf"{_prefix()}-\d{{8}}T\d{{6}}Z(?:-{LABEL.pattern})?\.dump{re.escape(PARTIAL)}")
    return [path for path in folder.iterdir() if named.fullmatch(path.name)]


@contextmanager
def _folder_locked(folder: Path) -> Iterator[int]:
    """Hold the folder for one backup inside the block, made if need be, and give the lock's descriptor."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(folder))
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise BackupRefused(_in_words(folder, error)) from error
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BackupFailed(f"Another backup is just being written to {folder}: wait for it to end.") from None
        yield handle
    finally:
        os.close(handle)


def _require_version(program: str) -> None:
    server, ours = connection.get_database_version()[0], postgres_programs.major_version(program)
    if ours < server:
        raise BackupRefused(
            f"{program} is of PostgreSQL {ours} and the server of PostgreSQL {server}, which it cannot save: install "
            f"the client programs of PostgreSQL {server}, and set PG_BIN_DIR to their folder."
        )


def _require_space(folder: Path) -> None:
    """Refuse to begin what will not fit. A dump is smaller than its database: the last one tells by how much."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_database_size(current_database())")
        needed = int(cursor.fetchone()[0])
    before = listing()
    if before:
        needed = min(needed, 2 * before[0].size)
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise BackupFailed(
            f"{folder} has {humanize.naturalsize(free)} free, and the backup may need {humanize.naturalsize(needed)}: "
            "make room there, or set BACKUP_DIR to a larger disk."
        )


def _write(pg_dump: str, partial: Path, lock: int, on_progress: Callable[[int], None] | None) -> None:
    os.close(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))  # pg_dump keeps the mode

    def tell() -> None:
        if on_progress:
            on_progress(partial.stat().st_size)

    command = [pg_dump, "--format=custom", "--no-password", f"--lock-wait-timeout={LOCK_PATIENCE}", f"--file={partial}"]
    try:
        # It inherits the lock: should we be killed, nobody begins another backup until it has ended too.
        postgres_programs.run(command, keep_open=[lock], on_tick=tell)
    except postgres_programs.ProgramFailed as error:
        if re.search(r"No space left on device|Disk quota exceeded", error.said):
            reason = f"{partial.parent} is full: make room there, or set BACKUP_DIR to a larger disk"
            raise BackupFailed(f"No backup was made, {reason}.") from error
        for pattern, reason in _LOST_CAUSES:
            if re.search(pattern, error.said):
                raise BackupRefused(f"No backup was made, {reason}. ({error})") from error
        raise BackupFailed(f"No backup was made. {error}") from error


def _require_readable(pg_restore: str, partial: Path, tables: set[str]) -> None:
    """Read it all back, and find all our tables in it. Listing alone would not notice a missing end."""
    try:
        contents = postgres_programs.run([pg_restore, "--list", str(partial)])
        postgres_programs.run([pg_restore, f"--file={os.devnull}", str(partial)])
    except postgres_programs.ProgramFailed as error:
        raise BackupFailed(f"What pg_dump wrote cannot be read back, so it was thrown away. {error}") from error
    missing = tables - set(re.findall(r"TABLE DATA \S+ (\S+) ", contents))
    if missing:
        raise BackupFailed(f"What pg_dump wrote lacks tables, so it was thrown away: {', '.join(sorted(missing))}.")


def _publish(partial: Path, final: Path) -> None:
    """Give it its name. What has the name is on the disk, also after a power cut."""
    _sync(partial)
    partial.rename(final)
    _sync(final.parent)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _in_words(folder: Path, error: OSError) -> str:
    """What the system says about the folder, and what to do."""
    return f"Backups cannot be written to {folder} ({error.strerror}): mend that, or set BACKUP_DIR to another folder."
