"""How a message sounds, by a word list and without a network: pure, the same for the same text."""

from followups.emotion.lexicon import METHOD, has_words, read
from followups.emotion.scale import (
    CHEERFUL,
    UNHAPPY,
    UNREAD,
    Emotion,
    Label,
    Reading,
    category_of_score,
    label_of,
    score_of_category,
)

__all__ = [
    "CHEERFUL",
    "METHOD",
    "UNHAPPY",
    "UNREAD",
    "Emotion",
    "Label",
    "Reading",
    "category_of_score",
    "has_words",
    "label_of",
    "read",
    "score_of_category",
]
