"""The engine's SQL, one object per file. A file that a migration names never changes: a change is a new version."""

from functools import cache
from pathlib import Path


@cache
def read(name: str) -> str:
    """Return the text of `<name>.sql`."""
    return (Path(__file__).parent / f"{name}.sql").read_text()
