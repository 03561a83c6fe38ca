"""Old files in the folders for temporary files that an operator named."""

import os
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog

from jobs.pruning import Step, Survey

log = structlog.get_logger(__name__)

KEEP = timedelta(hours=24)
DEEPEST = 100
"""Folders in folders: each level takes an open file and a part of Python's stack. What is below is left, and told."""


@dataclass(frozen=True)
class _File:
    """One file, by the open folder it is in: nobody can put a link in the way between looking and deleting."""

    folder: int
    name: str
    path: str
    size: int
    changed_at: float
    """Seconds since 1970, which may be a year that Python cannot name: anybody may set a file's time."""


@dataclass(frozen=True)
class Files:
    """The old files in some folders and below. Links are neither followed nor deleted; folders stay.

    A file is as old as it has been there unchanged: one that was just unpacked may bear an old time.
    """

    name: str
    keep: Callable[[], timedelta]
    folders: Callable[[], Sequence[Path]]

    def survey(self, *, before: datetime) -> Survey:
        """Count, and change nothing."""
        total, old, size = 0, 0, 0
        oldest: float | None = None
        for file in self._files():
            if file is None:
                continue
            total += 1
            oldest = file.changed_at if oldest is None else min(oldest, file.changed_at)
            if file.changed_at < before.timestamp():
                old, size = old + 1, size + file.size
        since = None if oldest is None else _moment(oldest)
        return Survey(self.name, before, total, False, old, since, removable_bytes=size)

    def delete(self, *, before: datetime) -> Iterator[Step]:
        """Delete one by one. A file that cannot be deleted is left, and counted."""
        for file in self._files():
            if file is None:
                yield Step(0, left=1)
                continue
            if file.changed_at >= before.timestamp():
                continue
            try:
                os.unlink(file.name, dir_fd=file.folder)
            except FileNotFoundError:
                continue  # somebody else was faster
            except OSError as error:
                log.warning("cleanup.file_left", path=file.path, error=error.strerror)
                yield Step(0, left=1)
            else:
                yield Step(1, file.size)

    def _files(self) -> Iterator[_File | None]:
        """Every file; None for a folder that lies too deep to be entered."""
        for folder in self.folders():
            if not folder.is_dir():
                continue
            # Works with open folders and looks at each anew, so a folder that becomes a link is not entered.
            for path, below, names, open_folder in os.fwalk(folder, onerror=_note, follow_symlinks=False):
                for name in names:
                    found = _look(name, open_folder)
                    if found is not None and stat.S_ISREG(found.st_mode):
                        changed_at = max(found.st_mtime, found.st_ctime)
                        yield _File(open_folder, name, str(Path(path) / name), found.st_size, changed_at)
                if len(Path(path).parts) - len(folder.parts) >= DEEPEST:
                    for name in below:
                        found = _look(name, open_folder)
                        if found is not None and stat.S_ISDIR(found.st_mode):
                            log.warning("cleanup.folder_left", path=str(Path(path) / name), error="It lies too deep.")
                            yield None
                    below.clear()  # so that it is not entered


def _look(name: str, folder: int) -> os.stat_result | None:
    try:
        return os.stat(name, dir_fd=folder, follow_symlinks=False)
    except OSError:
        return None  # gone since


def _moment(seconds: float) -> datetime:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return datetime.max.replace(tzinfo=UTC)


def _note(error: OSError) -> None:
    log.warning("cleanup.folder_left", path=error.filename, error=error.strerror)
