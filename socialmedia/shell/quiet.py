"""Keeping the log out of what people read: a command says itself what it does."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

_LOGGER = logging.getLogger("socialmedia")


@contextmanager
def quietly() -> Iterator[None]:
    """Log only warnings of posts inside the block, unless LOG_LEVEL asks for more than usual."""
    before = _LOGGER.level
    if _LOGGER.getEffectiveLevel() == logging.INFO:
        _LOGGER.setLevel(logging.WARNING)
    try:
        yield
    finally:
        _LOGGER.setLevel(before)
