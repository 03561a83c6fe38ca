"""Hashtags and mentions in the words of a post. Pure.

What counts as a hashtag: `#`, also the full-width one, and then letters of any script with their marks, digits and
underscores, up to the first other sign: a space, an emoji, punctuation. Digits alone count, as they do on TikTok
(#2026). Letters before the `#` do not hinder it: scripts without spaces write so. Addresses are not read.
"""

import re
import unicodedata
from collections.abc import Iterator
from typing import Final

LONGEST: Final = 255
"""Characters of a hashtag or handle. A longer one is no name of anything: it is passed over, not cut."""
_READ: Final = 10_000
"""Characters of a text that are read. The networks allow fewer."""

_ADDRESS: Final = re.compile(r"(?:https?://|www\.)\S+|(?<![\w.@-])[\w-][\w.-]{0,252}\.[a-z]{2,63}/\S*", re.IGNORECASE)
# Handles are ASCII on TikTok. What stands in an e-mail address is none; a dot at the end belongs to the sentence.
_MENTION: Final = re.compile(r"(?<![\w.+/@-])@([A-Za-z0-9_.]+)")
_JOINERS: Final = "\u200c\u200d"
"""Invisible, but within words of some scripts (Persian, Hindi) part of their spelling."""


def hashtags(text: str) -> list[str]:
    """Return the hashtags of a text in its order, each once, in small letters and without `#`."""
    return list(dict.fromkeys(_hashtags(_readable(text))))


def mentions(text: str) -> list[str]:
    """Return the handles that a text names, in its order, each once, in small letters and without `@`."""
    found = (name.rstrip(".").lower() for name in _MENTION.findall(_readable(text)))
    return list(dict.fromkeys(name for name in found if 0 < len(name) <= LONGEST))


def _readable(text: str) -> str:
    """Without addresses; full-width and decorated letters as plain ones."""
    return _ADDRESS.sub(" ", unicodedata.normalize("NFKC", text[:_READ]))


def _hashtags(text: str) -> Iterator[str]:
    for begin, sign in enumerate(text):
        if sign != "#" or text[begin - 1 : begin] == "&":  # "&#39;" is a sign that somebody escaped
            continue
        end = begin + 1
        while end < len(text) and _is_part(text[end]):
            end += 1
        name = folded(text[begin + 1 : end])
        if len(name) <= LONGEST and any(part.isalnum() for part in name):
            yield name


def _is_part(sign: str) -> bool:
    """A letter, mark, digit or underscore; not the marks that only color an emoji."""
    is_of_emoji = "\ufe00" <= sign <= "\ufe0f" or sign == "\u20e3"
    return sign == "_" or sign in _JOINERS or (unicodedata.category(sign)[0] in "LMN" and not is_of_emoji)


def bare(name: str) -> str:
    """Return a hashtag that stands by itself, with its `#` or without, as those of captions are stored."""
    return folded(unicodedata.normalize("NFKC", name).strip().lstrip("#"))


def folded(name: str) -> str:
    """Small letters. The Turkish İ becomes i, so that #İstanbul, #Istanbul and #istanbul are one; ß stays."""
    small = name.strip(_JOINERS).replace("\u0130", "i").lower()
    return unicodedata.normalize("NFKC", small)
