"""Reading a text with VADER, an English word list, and the community's own words."""

import re
import string
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import islice
from typing import Any, Final

from followups.emotion import words
from followups.emotion.scale import SCORE_OF, UNREAD, Emotion, Label, Reading, category_of_score, label_of
from followups.emotion.words import Words, joined

METHOD: Final = "vader"
LONGEST: Final = 4_000
"""Characters that are read: a whole message of Discord."""
_MOST_WORDS: Final = 400
_MOST_CUES: Final = 5
_HIGHEST_CONFIDENCE: Final = 0.8
_FULL_WORTH: Final = 4.0
_WORDS_PER_CUE: Final = 12

# What is not the member's own words: code, quotes, links, mentions, custom emoji, and the bridge's notes of what came
# without words.
_NOT_WORDS: Final = re.compile(
    r"```.*?(?:```|\Z)|`[^`\n]*`|^>{1,3} .*?$|https?://\S+|www\.\S+|<(?:[@#:]|a:)[^<>\s]{1,100}>"
    r"|\[(?:attachment|sticker): [^\]\n]*\]|\[no text\]",
    re.DOTALL | re.MULTILINE | re.IGNORECASE,
)
_NEGATIONS: Final = frozenset({"not", "no", "never", "without", "hardly", "isnt", "wasnt", "dont", "cant", "aint"})
_NEGATION_REACH: Final = 3
_VARIATIONS: Final = re.compile("[\ufe0e\ufe0f\U0001f3fb-\U0001f3ff]")  # of one emoji: colored or not, tones of skin
_DRAWN_OUT: Final = re.compile(r"([a-z])\1{2,}", re.IGNORECASE)


@cache
def _analyzer() -> Any:
    """VADER with our words. Imported at the first reading, because it takes long; emoji count only as our file says:
    VADER's own 3,500 descriptions make a knife unhappy, and 4,000 emoji take it seconds.
    """
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    analyzer, ours = SentimentIntensityAnalyzer(), words.read()  # type: ignore[no-untyped-call]
    analyzer.lexicon = {**ours.worth_if_unknown, **analyzer.lexicon, **ours.worth}
    analyzer.emojis = {}
    return analyzer


def read(text: str) -> Reading:
    """Read how a text sounds. What has no telling word is neutral with confidence 0; of other languages only the
    emoji are read. Only the first 4,000 characters count.
    """
    ours, analyzer = words.read(), _analyzer()
    plain = _plain(text, ours)
    if crisis := ours.crisis.search(plain):
        return Reading(
            score=0.02, category=Emotion.SAD, intensity=1.0, confidence=1.0, cues=(" ".join(crisis[0].lower().split()),)
        )
    plain = ours.phrases.sub(lambda found: joined(" ".join(found[0].lower().split())), plain)
    tokens = [_shortened(token, analyzer.lexicon) for token in islice(plain.split(), _MOST_WORDS)]
    if _is_foreign(tokens, ours):
        tokens = [token for token in tokens if token in ours.emoji]
    telling = [word for token in tokens if analyzer.lexicon.get(word := _word(token))]
    return _reading(tokens, telling, ours, analyzer) if telling else UNREAD


def has_words(text: str) -> bool:
    """Whether the member wrote any word of their own, in any language."""
    return any(map(str.isalpha, _plain(text, words.read())))


def _reading(tokens: Sequence[str], telling: Sequence[str], ours: Words, analyzer: Any) -> Reading:
    polarity = analyzer.polarity_scores(" ".join(tokens))
    score = round((polarity["compound"] + 1) / 2, 4)
    cues = list(_cues(tokens, ours))
    category = _category(score, Counter(emotion for _, emotion in cues))
    named = dict.fromkeys([cue for cue, emotion in cues if emotion is category] or telling)
    return Reading(
        score=score,
        category=category,
        intensity=round(abs(polarity["compound"]), 4),
        confidence=_confidence(tokens, telling, polarity, analyzer),
        cues=tuple(cue[:50] for cue in islice(named, _MOST_CUES)),
    )


def _confidence(tokens: Sequence[str], telling: Sequence[str], polarity: dict[str, float], analyzer: Any) -> float:
    """How far to trust it: strong words, enough of them for the length, and not some for and some against."""
    strength = min(1.0, sum(abs(analyzer.lexicon[word]) for word in telling) / _FULL_WORTH)
    coverage = min(1.0, len(telling) * _WORDS_PER_CUE / len(tokens))
    good, bad = polarity["pos"], polarity["neg"]
    agreement = abs(good - bad) / (good + bad) if good + bad else 0.0
    return round(float(_HIGHEST_CONFIDENCE * strength * coverage * agreement), 4)


def _category(score: float, cued: "Counter[Emotion]") -> Emotion:
    """The emotion with the most cues among those that the score allows, else the one that the score stands for."""
    label = label_of(score)
    allowed = [emotion for emotion in cued if label_of(SCORE_OF[emotion]) is label]
    if not allowed and label is Label.NEUTRAL and len(cued) == 1:
        allowed = list(cued)
    if not allowed:
        return category_of_score(score)
    return max(allowed, key=lambda emotion: (cued[emotion], abs(SCORE_OF[emotion] - 0.5)))


def _cues(tokens: Sequence[str], ours: Words) -> Iterator[tuple[str, Emotion]]:
    """Each cue that is not negated, with its emotion."""
    plain = [_word(token) for token in tokens]
    for place, word in enumerate(plain):
        emotion = ours.emotion_of.get(word)
        before = plain[max(0, place - _NEGATION_REACH) : place]
        if emotion is not None and not any(_negates(other) for other in before):
            yield word.replace("_", " "), emotion


def _negates(word: str) -> bool:
    return word in _NEGATIONS or word.endswith("n't")


def _plain(text: str, ours: Words) -> str:
    """The member's own words, in plain letters, each emoji apart."""
    text = _VARIATIONS.sub("", _NOT_WORDS.sub(" ", text[:LONGEST]))
    text = unicodedata.normalize("NFKC", text)[:LONGEST].replace("’", "'")  # it makes 18 letters of some signs
    return "".join(f" {sign} " if sign in ours.emoji else sign for sign in text if not _is_invisible(sign))


def _is_invisible(sign: str) -> bool:
    """NUL, marks of direction, joiners: they would split or hide a word."""
    return unicodedata.category(sign) in {"Cc", "Cf", "Cs"} and not sign.isspace()


def _word(token: str) -> str:
    """A token as VADER looks it up: without the signs around it, unless it is an emoticon."""
    stripped = token.strip(string.punctuation)
    return (token if len(stripped) <= 2 else stripped).lower()


def _shortened(token: str, lexicon: dict[str, float]) -> str:
    """A drawn-out word ("yayyyy", "goooood") as the lexicon knows it, if it does."""
    for short in (_DRAWN_OUT.sub(r"\1\1", token), _DRAWN_OUT.sub(r"\1", token)):
        if short != token and _word(short) in lexicon:
            return short
    return token


def _is_foreign(tokens: Sequence[str], ours: Words) -> bool:
    """Whether more words are clearly of another language than clearly English."""
    plain = [_word(token) for token in tokens]
    other = sum(word in ours.other_languages or _has_foreign_letter(word) for word in plain)
    return other > sum(word in ours.english for word in plain)


def _has_foreign_letter(word: str) -> bool:
    return not word.isascii() and any(sign.isalpha() and not sign.isascii() for sign in word)
