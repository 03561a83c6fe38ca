"""What conversations and posts give to the engine, one module per subject."""

from socialmedia.handlers import check_backs, discoveries, inbox, upkeep

__all__ = ["check_backs", "discoveries", "inbox", "upkeep"]
