"""The community's own words: `words.toml`, read and checked once per process."""

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from followups.emotion.scale import SCORE_OF, Emotion

FILE: Final = Path(__file__).parent / "words.toml"
_STRONGEST: Final = 4.0
_WORTH_OF_ONE: Final = 3.5
"""What a score of 1 is worth, on the lexicon's scale."""


class WordsBroken(ValueError):
    """`words.toml` can't be used; the message says where and how to mend it."""


@dataclass(frozen=True)
class Words:
    """The file as the reader needs it. A phrase is kept as one word, its spaces and apostrophes as underscores."""

    emotion_of: Mapping[str, Emotion]
    """Each cue: a word, a phrase as one word, or an emoji."""
    worth: Mapping[str, float]
    """What to put over the lexicon's own worth."""
    worth_if_unknown: Mapping[str, float]
    """What to put where the lexicon has nothing."""
    phrases: "re.Pattern[str]"
    crisis: "re.Pattern[str]"
    emoji: frozenset[str]
    other_languages: frozenset[str]
    english: frozenset[str]


def joined(phrase: str) -> str:
    """Write a phrase as one word. Without the apostrophe, which VADER would take for a negation of what follows."""
    return phrase.replace("'", "").replace(" ", "_")


@cache
def read() -> Words:
    """Return the words.

    Raises:
        WordsBroken: the file is missing or wrong.
    """
    try:
        return parse(FILE.read_text(encoding="utf-8"))
    except OSError as error:
        raise WordsBroken(f"{FILE} can't be read ({error.strerror}): restore it from the release.") from error


def parse(text: str) -> Words:
    """Read the file's text.

    Raises:
        WordsBroken: it is no TOML, an emotion is unknown, or an entry is not what it should be.
    """
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise WordsBroken(f"{FILE.name} is not TOML: {error}.") from error
    emotion_of: dict[str, Emotion] = {}
    phrases: list[str] = []
    for name, cues in _table(data, "emotions").items():
        emotion = _emotion(name)
        own_phrases = _strings(cues, "phrases", f"emotions.{name}")
        phrases += own_phrases
        for cue in (*_strings(cues, "words", f"emotions.{name}"), *map(joined, own_phrases), *cues.get("emoji", "")):
            emotion_of[cue] = emotion
    compounds = {joined(phrase) for phrase in phrases}
    languages = _table(data, "languages")
    return Words(
        emotion_of=emotion_of,
        worth={**{cue: _worth_of(emotion_of[cue]) for cue in emotion_of if _is_ours(cue, compounds)}, **_worth(data)},
        worth_if_unknown={cue: _worth_of(emotion) for cue, emotion in emotion_of.items()},
        phrases=_any_of(phrases),
        emoji=frozenset(cue for cue in emotion_of if _is_emoji(cue)),
        crisis=_any_of(_strings(_table(data, "crisis"), "phrases", "crisis")),
        other_languages=frozenset(_strings(languages, "other", "languages")),
        english=frozenset(_strings(languages, "english", "languages")),
    )


def _is_ours(cue: str, compounds: set[str]) -> bool:
    """Whether the lexicon can't have its own opinion: a phrase or an emoji."""
    return cue in compounds or _is_emoji(cue)


def _is_emoji(cue: str) -> bool:
    return len(cue) == 1 and not cue.isalnum()


def _worth_of(emotion: Emotion) -> float:
    return round((SCORE_OF[emotion] - 0.5) * 2 * _WORTH_OF_ONE, 2)


def _any_of(phrases: Iterable[str]) -> "re.Pattern[str]":
    longest_first = sorted(phrases, key=len, reverse=True)
    return re.compile(r"(?<!\w)(?:" + "|".join(map(_pattern, longest_first)) + ")", re.IGNORECASE)


def _pattern(phrase: str) -> str:
    """With any white space between its words; one that ends in a dot, at the end of a sentence only."""
    spaced = r"\s+".join(map(re.escape, phrase.removesuffix(".").split()))
    return spaced + (r"(?=\s*(?:[.!?…,;)]|\Z))" if phrase.endswith(".") else r"(?!\w)")


def _emotion(name: str) -> Emotion:
    try:
        return Emotion(name)
    except ValueError:
        raise WordsBroken(f"{FILE.name}: [emotions.{name}] is no emotion; use one of {', '.join(Emotion)}.") from None


def _table(data: Mapping[str, Any], name: str) -> dict[str, Any]:
    table = data.get(name)
    if not isinstance(table, dict) or not table:
        raise WordsBroken(f"{FILE.name}: the table [{name}] is missing or empty.")
    return table


def _strings(table: Any, name: str, where: str) -> list[str]:
    values = table.get(name, []) if isinstance(table, dict) else None
    if not isinstance(values, list) or not all(isinstance(value, str) and value.strip() for value in values):
        raise WordsBroken(f'{FILE.name}: {name} of [{where}] is no list of words, like ["one", "two"].')
    if wrong := next((value for value in values if value != value.lower()), ""):
        raise WordsBroken(f"{FILE.name}: {wrong!r} of [{where}] must be written in small letters.")
    return list(values)


def _worth(data: Mapping[str, Any]) -> dict[str, float]:
    worth = _table(data, "worth")
    for word, value in worth.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not -_STRONGEST <= value <= _STRONGEST:
            raise WordsBroken(f"{FILE.name}: {word} of [worth] is {value!r}; write a number from -4 to 4.")
    return {word: float(value) for word, value in worth.items()}
