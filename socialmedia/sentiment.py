"""How a comment sounds: VADER's English word list and the emoji of `sentiment.toml`, without a network.

Public comments are short and of every language. What is not English is read by its emoji alone; without a telling one
it has no feeling, which is not the same as neutral. Private messages are read with more care: `followups.emotion`.
"""

import re
import string
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, Final

from socialmedia.models import Sentiment

NEUTRAL_WITHIN: Final = Decimal("0.05")
"""VADER's own borders."""
_READ: Final = 2_000
_MOST_WORDS: Final = 200
_CENT: Final = Decimal("0.01")

_FILE: Final = tomllib.loads((Path(__file__).parent / "sentiment.toml").read_text(encoding="utf-8"))
_WORTH_OF_EMOJI: Final = {sign: entry["worth"] for entry in _FILE["emoji"] for sign in entry["signs"]}
_ENGLISH: Final = frozenset(_FILE["languages"]["english"])
_OTHER: Final = frozenset(_FILE["languages"]["other"])
_EMOJI: Final = re.compile("([" + "".join(_WORTH_OF_EMOJI) + "])")
_NOT_WORDS: Final = re.compile("https?://\\S+|www\\.\\S+|@\\S+|[\ufe0e\ufe0f\U0001f3fb-\U0001f3ff\x00-\x08]")


@dataclass(frozen=True)
class Feeling:
    """How a text sounds."""

    score: Decimal
    """From -1, unhappy, to 1, happy, in hundredths."""

    @property
    def label(self) -> Sentiment:
        """Neutral within 0.05 of 0."""
        if abs(self.score) < NEUTRAL_WITHIN:
            return Sentiment.NEUTRAL
        return Sentiment.POSITIVE if self.score > 0 else Sentiment.NEGATIVE


def read(text: str) -> Feeling | None:
    """Read how a text sounds; None when it cannot be read: another language, or no words at all."""
    plain = _NOT_WORDS.sub(" ", text[:_READ]).replace("’", "'").replace("#", " ")
    tokens = _EMOJI.sub(r" \1 ", plain).split()[:_MOST_WORDS]
    if not _is_english(tokens):
        tokens = [token for token in tokens if token in _WORTH_OF_EMOJI]
    if not tokens:
        return None
    compound = _analyzer().polarity_scores(" ".join(tokens))["compound"]
    return Feeling(Decimal(compound).quantize(_CENT))


@cache
def _analyzer() -> Any:
    """VADER with our emoji. Imported at the first reading, because it takes long; its own 3,500 descriptions of emoji
    make a knife unhappy.
    """
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    analyzer = SentimentIntensityAnalyzer()  # type: ignore[no-untyped-call]
    analyzer.lexicon = {**analyzer.lexicon, **_WORTH_OF_EMOJI}
    analyzer.emojis = {}
    return analyzer


def _is_english(tokens: Sequence[str]) -> bool:
    """Whether any word is clearly English, or in the word list, and more of them than clearly of another language."""
    words = [token.strip(string.punctuation).lower() for token in tokens if token not in _WORTH_OF_EMOJI]
    other = sum(word in _OTHER or _has_foreign_letter(word) for word in words)
    english = sum(word in _ENGLISH for word in words)
    telling = sum(word in _analyzer().lexicon for word in words) if not other else 0
    return english > other or (not other and english + telling > 0)


def _has_foreign_letter(word: str) -> bool:
    return not word.isascii() and any(sign.isalpha() and not sign.isascii() for sign in word)
