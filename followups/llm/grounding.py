"""Is a model's text fit to be sent? Pure: the answer and what it may rest on in, the first problem in words out.

The checks are lexical and strict: a good text that fails one costs nothing but its charm, the template goes instead.
"""

import json
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, Final

from followups.llm import vocabulary
from followups.llm.context import Context, Line

LONGEST_TEXT: Final = 700
LONGEST_SAYS: Final = 300
LONGEST_ANSWER: Final = 20_000
MOST_CLAIMS: Final = 10
OLDEST_SOURCE: Final = timedelta(days=180)
ENOUGH: Final = 3 / 4
"""So much of a claim's own words must stand in its source."""

_STEM: Final = 5
_CLAIMED: Final = "·"
_WORD: Final = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_SENTENCE: Final = re.compile(r"(?<=[.!?…])\s+|\n+")
_SOURCE: Final = re.compile(r"m[0-9]{1,19}")
_JOINERS: Final = {"\u200d", "\ufe0f"}
_CLAUSE: Final = re.compile(r"[.!?…,;:\n]+")
_SPELLED: Final = re.compile(r"(?:\b[^\W\d_]\s+){4}")
_ASIDE: Final = re.compile(r"[^\w\s'·.,!?;:]+")
_UNREADABLE: Final = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
_FORBIDDEN: Final[tuple[tuple[str, re.Pattern[str]], ...]] = (
    ("a mention or an address", re.compile(r"@|<(?!3)")),
    (
        "a link",
        re.compile(
            r"://|www\.|\]\(|\b[\w-]+\.[^\W\d_]{2,}(?:/|\b)|\b\d{1,3}(?:\.\d{1,3}){3}\b|\b(?:https?|mailto|tel|ftp)\s*:"
            # The same with gaps, or in words, for the reader to put together.
            r"|\w\s+\.\s*\w|[a-z0-9]\s*。\s*[a-z]{2}|\bdiscord(?:app)?\s*\.\s*(?:gg|com)\b|\bgg\s*/"
            r"|\(\s*(?:dot|punkt|punto|point|ponto)\s*\)|\b(?:dot|punkt|punto|point|ponto)\s+(?:gg|com|net|org|io|me)\b",
            re.IGNORECASE,
        ),
    ),
    ("a telephone number", re.compile(r"\d(?:[\s().\-/]*\d){6,}")),
    ("a placeholder", re.compile(r"[{}\[\]]|%\(|%s|\$\w|_{3,}|\bX{2,}\b")),
    ("code", re.compile(r"`|^\s*(?:#|>|-#)", re.MULTILINE)),
    ("the id of a message", re.compile(r"\bm\d+\b")),
)


class Unreadable(ValueError):
    """The model's answer does not have the form that it was asked for; the message says what is wrong."""


@dataclass(frozen=True)
class Claim:
    """Words of the text that say something about the member, and what they rest on."""

    says: str
    source: str


@dataclass(frozen=True)
class Answer:
    """What the model wrote."""

    text: str
    claims: tuple[Claim, ...]


def parse(raw: str) -> Answer:
    """Read the model's JSON. A code fence around it is forgiven, anything else is not.

    Raises:
        Unreadable: it is not what was asked for.
    """
    if len(raw) > LONGEST_ANSWER:
        raise Unreadable("The model's answer is far too long.")
    try:
        data = json.loads(_unfenced(raw))
    except (ValueError, RecursionError) as error:
        raise Unreadable("The model did not answer with JSON.") from error
    if not isinstance(data, dict) or set(data) != {"text", "claims"}:
        raise Unreadable("The model's JSON is not an object with `text` and `claims`.")
    if not isinstance(data["text"], str) or not isinstance(data["claims"], list):
        raise Unreadable("The model's `text` is no text, or its `claims` are no list.")
    if len(data["claims"]) > MOST_CLAIMS:
        raise Unreadable(f"The model makes more than {MOST_CLAIMS} claims.")
    return Answer(text=data["text"].strip(), claims=tuple(_claim(entry) for entry in data["claims"]))


def _unfenced(raw: str) -> str:
    bare = raw.strip()
    if bare.startswith("```") and bare.endswith("```"):
        return bare.removeprefix("```").removeprefix("json").removesuffix("```")
    return bare


def _claim(entry: Any) -> Claim:
    if not isinstance(entry, dict) or set(entry) != {"says", "source"}:
        raise Unreadable("A claim is not an object with `says` and `source`.")
    if not isinstance(entry["says"], str) or not isinstance(entry["source"], str):
        raise Unreadable("A claim's `says` or `source` is no text.")
    return Claim(says=entry["says"].strip(), source=entry["source"].strip())


def problem_of(answer: Answer, context: Context, *, vouched: bool = False, now: datetime) -> str:
    """Say what is wrong with the answer; nothing when it may be sent.

    `vouched`: a person has approved the words. Then they may say what the sources don't; sources must still be there.
    """
    form = problem_in(answer.text, language=context.language)
    if form:
        return form
    if not vouched and _is_disguised(answer.text, context.name):
        return "The text has letters or signs in it that may pass for others."
    for claim in answer.claims:
        problem = _problem_of_claim(claim, answer.text, context, vouched=vouched, now=now)
        if problem:
            return problem
    return "" if vouched else _unclaimed(answer, context)


def problem_in(text: str, *, language: str) -> str:
    """Say what is wrong with the words themselves, whoever wrote them; nothing when they are fit to be sent."""
    if not any(char.isalnum() for char in text):
        return "The text is empty."
    if len(text) > LONGEST_TEXT:
        return f"The text is longer than {LONGEST_TEXT} characters."
    if any(unicodedata.category(char) in _UNREADABLE and char not in {"\n", *_JOINERS} for char in text):
        return "The text has characters that cannot be read."
    same = unicodedata.normalize("NFKC", "".join(char for char in text if char not in _JOINERS))
    for what, pattern in _FORBIDDEN:
        if pattern.search(same):
            return f"The text has {what} in it."
    if any(leak in _bare(same) for leak in vocabulary.LEAKS):
        return "The model speaks of itself or of its instructions."
    topic = sensitive_topic(same)
    if topic is not None:
        return f"The text touches on {topic}."
    return "" if _is_in(same, language) else "The text is in another language than the member's."


def _is_disguised(text: str, name: str) -> bool:
    """Whether something in it, but for the member's own name, may look like words that no check finds: letters of
    other alphabets, letters as signs or one by one, markup.
    """
    for part in name.split():
        text = text.replace(part, "")
    both = unicodedata.normalize("NFC", text) + unicodedata.normalize("NFKC", text)
    is_plain = all(char in _JOINERS or _is_plain(char) for char in both)
    return not is_plain or _SPELLED.search(text) is not None


def _is_plain(char: str) -> bool:
    """Whether it is a letter of the checked languages, a digit, a space, a mark of punctuation or an emoji."""
    kind, place = unicodedata.category(char), ord(char)
    if kind[0] == "L":
        is_latin = place < 0x180 or 0x1E00 <= place < 0x1F00
        return is_latin and (_bare(char).isascii() or char.casefold() in "æœ")
    if kind == "So":
        return place >= 0x2190 and not re.search("LETTER|BRAILLE", unicodedata.name(char, "LETTER"))
    if kind == "Sk":
        return 0x1F3FB <= place <= 0x1F3FF  # tones of skin
    if kind in {"Sm", "Sc"}:
        return char in "+=<>€$£"
    return char not in "*\\" and kind != "Pc" and (kind[0] not in "NM" or char.isascii())


def sensitive_topic(text: str) -> str | None:
    """The first sensitive topic that a text touches on: health, money, law or relationships."""
    words = _words(text)
    for topic, entries in vocabulary.SENSITIVE.items():
        if any(_is_listed(word, entries) for word in words):
            return topic
    return None


def shared_words(says: str, source: str) -> set[str]:
    """The words of a source that bear a claim out, as they stand there (for the console)."""
    wanted = {_stem(word) for word in _content(says)}
    return {match for match in _WORD.findall(source) if _stem(_bare(match)) in wanted}


def _problem_of_claim(claim: Claim, text: str, context: Context, *, vouched: bool, now: datetime) -> str:
    source = _source_text(claim.source, context, now=now)
    if source is None:
        return f"A claim rests on {claim.source[:30]!r}, which is no recent message of this member."
    if sensitive_topic(source) is not None:
        return f"A claim rests on {claim.source[:30]!r}, which is about {sensitive_topic(source)}."
    if vouched:
        return ""
    if not claim.says or len(claim.says) > LONGEST_SAYS:
        return "A claim says nothing, or too much."
    if not any(_whole(claim).search(_plain(sentence)) for sentence in _SENTENCE.split(text)):
        return "A claim is about words that are not in the text."
    is_true = _is_borne_out(claim.says, source) and _agree(claim.says, source, context.language)
    return "" if is_true else f"Its source {claim.source!r} does not say what a claim says."


def _source_text(source: str, context: Context, *, now: datetime) -> str | None:
    """The words of a source that may be used: a fact, or a message of this member that is not too old."""
    if source in context.facts:
        return context.facts[source]
    if not _SOURCE.fullmatch(source):
        return None
    line = next((line for line in context.lines if line.source == source), None)
    return line.text if line is not None and _is_usable(line, now=now) else None


def _is_usable(line: Line, *, now: datetime) -> bool:
    return line.is_theirs and line.sent_at > now - OLDEST_SOURCE


def _is_borne_out(says: str, source: str) -> bool:
    """Whether enough of the claim's own words stand in the source, and every number and name of it does."""
    wanted, there = _content(says), {_stem(word) for word in _words(source)}
    exact = {_stem(_bare(word)) for word in [*re.findall(r"\d+", says), *_names(says)]}
    if not wanted or not exact <= there | {_stem(number) for number in re.findall(r"\d+", source)}:
        return False
    return sum(_stem(word) in there for word in wanted) >= ENOUGH * len(wanted)


def _whole(claim: Claim) -> re.Pattern[str]:
    """Finds the claim's words, none of them cut off."""
    return re.compile(rf"(?<!\w){re.escape(_plain(claim.says))}(?!\w)")


def _agree(says: str, source: str, language: str) -> bool:
    """Whether both say yes or both say no: of the source those clauses count that have words of the claim."""
    wanted = {_stem(word) for word in _content(says)}
    clauses = [clause for clause in _CLAUSE.split(source) if wanted & {_stem(word) for word in _words(clause)}]
    return any(_denies(clause, language) for clause in clauses) is _denies(says, language)


def _denies(text: str, language: str) -> bool:
    denials = vocabulary.DENIALS.get(language, frozenset())
    return any(_is_listed(word, denials) or word.endswith("n't") for word in _words(text.replace("’", "'")))


def _unclaimed(answer: Answer, context: Context) -> str:
    """Say which sentence tells of the member's life without a claim: by a number, a name, "you said", "your …"."""
    known = {_stem(word) for text in (context.name, *context.facts.values()) for word in _words(text)}
    for sentence in _SENTENCE.split(answer.text):
        rest = _without(sentence, answer.claims)
        if any(_stem(word) not in known for word in re.findall(r"\d+", rest)):
            return "The text names a number without a source."
        if any(_stem(_bare(name)) not in known | _harmless(context.language) for name in _names(rest)):
            return "The text names somebody or something without a source."
        if _tells(rest, context.language, known):
            return "The text tells of the member's life without a source."
    return ""


def _without(sentence: str, claims: Iterable[Claim]) -> str:
    rest = _plain(sentence).replace("<3", "")
    for claim in sorted(claims, key=lambda claim: len(claim.says), reverse=True):
        rest = _whole(claim).sub(_CLAIMED, rest)
    return rest


def _names(sentence: str) -> list[str]:
    """Words written large, but for the first one and for `I`: names, mostly."""
    found = list(_WORD.finditer(sentence))
    starts_alone = bool(found) and not sentence[: found[0].start()].count(_CLAIMED)
    rest = [match[0] for match in (found[1:] if starts_alone else found)]
    return [word for word in rest if word[0].isupper() and re.split("['’]", word)[0] != "I"]


def _tells(rest: str, language: str, known: set[str]) -> bool:
    bare = " ".join(_ASIDE.sub(" ", _bare(rest)).split())
    # In each of the languages: a sentence may be in another one than the rest.
    if any(re.search(saying, bare) for saying in vocabulary.SAYING.values()):
        return True
    if re.search(vocabulary.CONGRATULATING.get(language, r"(?!)"), bare):
        return True
    owners, words = vocabulary.POSSESSIVES.get(language, frozenset()), bare.split()
    harmless = _harmless(language) | known
    for owner, owned in pairwise(words):
        match = _WORD.match(owned)
        if owner.strip("'·,;:.") in owners and match is not None and _stem(match[0]) not in harmless:
            return True
    return False


def _harmless(language: str) -> set[str]:
    return {_stem(word) for word in vocabulary.HARMLESS.get(language, frozenset())}


def _is_in(text: str, language: str) -> bool:
    """Whether it is, roughly, in the language: by its script, and by which language's small words it has most of."""
    if language not in vocabulary.LANGUAGES:
        return True
    letters = [char for char in text if char.isalpha()]
    if sum("LATIN" in unicodedata.name(char, "") for char in letters) < 0.8 * len(letters):
        return False
    words = _words(text)
    hits = {name: sum(word in stop for word in words) for name, stop in vocabulary.STOP_WORDS.items()}
    return hits[language] >= max(hits.values()) - 2 or hits[language] * 2 >= max(hits.values())


def _plain(text: str) -> str:
    """One kind of quotes and spaces."""
    return " ".join(text.replace("’", "'").split())


def _bare(text: str) -> str:
    """Without case and accents."""
    apart = unicodedata.normalize("NFKD", _plain(text).casefold())
    return "".join(char for char in apart if not unicodedata.combining(char))


def _words(text: str) -> list[str]:
    return _WORD.findall(_bare(text))


def _content(text: str) -> set[str]:
    """The words that carry meaning in any of the languages."""
    small: frozenset[str] = frozenset().union(*vocabulary.STOP_WORDS.values())
    cores = {_core(word) for word in _words(text)}
    return {word for word in cores if word not in small and (len(word) > 2 or word.isdigit())}


def _core(word: str) -> str:
    """`examen` of `l'examen`, `ada` of `Ada's`."""
    return max(_bare(word).split("'"), key=len)


def _stem(word: str) -> str:
    """The beginning of a word, which its forms share."""
    core = _core(word)
    return (core.removesuffix("s") if len(core) > 3 else core)[:_STEM]


def _is_listed(word: str, entries: frozenset[str]) -> bool:
    core = _core(word)
    return core in entries or any(entry[-1] == "*" and core.startswith(entry[:-1]) for entry in entries)
