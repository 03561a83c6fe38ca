"""Describing an exception for the log without anybody's words in it."""

import traceback
from pathlib import Path


def describe(error: BaseException) -> dict[str, object]:
    """The error's type and the places it came through. Its text is left out: a database error quotes the row."""
    frames = traceback.extract_tb(error.__traceback__)[-6:]
    return {
        "error": type(error).__name__,
        "where": " < ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in reversed(frames)),
    }
