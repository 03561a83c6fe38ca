"""Writing the text of a follow-up when it is due: the member and the occasion in, words out. No network."""

from followups.composing.choice import NothingPublished
from followups.composing.untrusted import plain
from followups.composing.variables import LONGEST_MESSAGE, check_own_text, rules
from followups.composing.writing import (
    STOP_LINE,
    Composed,
    Preview,
    compose,
    preview,
)

__all__ = [
    "LONGEST_MESSAGE",
    "STOP_LINE",
    "Composed",
    "NothingPublished",
    "Preview",
    "check_own_text",
    "compose",
    "plain",
    "preview",
    "rules",
]
