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


@dataclass(frozen=True)
class _File:
    """One file, by the open folder it is in: nobody can put a link in the way between looking and deleting."""

    folder: int
    name: str
    path: str
    size: int
    changed_at: datetime


@dataclass(frozen=True)
class Files:
    """The old files in some folders and below. Links are neither followed nor deleted; folders stay."""

    name: str
    keep: Callable[[], timedelta]
    folders: Callable[[], Sequence[Path]]

    def survey(self, *, before: datetime) -> Survey:
        """Count, and change nothing."""
        total, old, size, oldest = 0, 0, 0, None
        for file in self._files():
            total += 1
            oldest = min(oldest or file.changed_at, file.changed_at)
            if file.changed_at < before:
                old, size = old + 1, size + file.size
        return Survey(self.name, before, total, False, old, oldest, removable_bytes=size)

    def delete(self, *, before: datetime) -> Iterator[Step]:
        """Delete one by one. A file that cannot be deleted is left, and counted."""
        for file in self._files():
            if file.changed_at >= before:
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

    def _files(self) -> Iterator[_File]:
        for folder in self.folders():
            if not folder.is_dir():
                continue
            # Works with open folders and looks at each anew, so a folder that becomes a link is not entered.
            for path, _, names, open_folder in os.fwalk(folder, onerror=_note, follow_symlinks=False):
                for name in names:
                    try:
                        found = os.stat(name, dir_fd=open_folder, follow_symlinks=False)
                    except OSError:
                        continue  # gone since
                    if stat.S_ISREG(found.st_mode):
                        changed_at = datetime.fromtimestamp(found.st_mtime, UTC)
                        yield _File(open_folder, name, str(Path(path) / name), found.st_size, changed_at)


def _note(error: OSError) -> None:
    log.warning("cleanup.folder_left", path=error.filename, error=error.strerror)
