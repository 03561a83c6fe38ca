"""Cutting a long text into the messages that Discord takes."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile
from typing import Final

LIMIT: Final = 2000
"""Discord counts code points (discord/discord-api-docs#1315), as Python does."""
_FENCE: Final = "```"
_NEW_LINE: Final = "\n"
_CLOSING: Final = f"\n{_FENCE}"

_BLOCK: Final = re.compile(r"```([\w+#.-]{0,20}\n)?.*?```", re.DOTALL)
_PARAGRAPH_END: Final = re.compile(r"(?=\n[ \t]*\n)")
_SENTENCE_END: Final = re.compile(r"(?<=[.!?…。！？])[\"'”’)\]*_]*(?=\s)|(?=\n)")
_BLANK: Final = re.compile(r"\s*")
_WORD_END: Final = re.compile(r"(?=\s)")
_MARKS: Final = (
    "\u0300-\u036f\u1ab0-\u1aff\u20d0-\u20ff\ufe00-\ufe0f\ufe20-\ufe2f\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f"
)
"""What belongs to the character before it: accents, colors of skin, the letters of some flags."""
_CHARACTER: Final = re.compile(rf"(?:[\U0001f1e6-\U0001f1ff]{{2}}|.)(?:[{_MARKS}]|\u200d.)*", re.DOTALL)


@dataclass(frozen=True)
class _Block:
    """A block of code, by its place in the text."""

    start: int
    end: int
    opening: str

    def surrounds(self, position: int) -> bool:
        return self.start < position < self.end


def parts(text: str, limit: int = LIMIT) -> list[str]:
    """The text as messages of at most `limit` (50 or more) characters, in order.

    Cut at the end of a paragraph, else of a sentence or line, else of a word, and in the worst case between two
    characters, never inside one (an emoji may be many code points). A block of code that fits into one message is
    kept whole; a longer one is closed and opened again. Nothing but white space is lost.
    """
    if len(text) <= limit:
        return [text]
    blocks = [_Block(*found.span(), f"{_FENCE}{found[1] or _NEW_LINE}") for found in _BLOCK.finditer(text)]
    return [part for part in _cut(text, blocks, limit) if part.strip()] or [text[:limit]]


def _cut(text: str, blocks: list[_Block], limit: int) -> Iterator[str]:
    position = _skip(text, 0)
    while position < len(text):
        part, position = _next(text, position, blocks, limit)
        yield part


def _next(text: str, position: int, blocks: list[_Block], limit: int) -> tuple[str, int]:
    """The part that begins at `position`, and where the one after it begins."""
    opened = next((block.opening for block in blocks if block.surrounds(position)), "")
    stop = position + limit - len(opened)
    if stop >= len(text):
        return opened + text[position:], len(text)
    end = _prose_end(text, position, stop)
    block = next((block for block in blocks if block.surrounds(end)), None)
    if block is None:
        return opened + text[position:end].rstrip(), _skip(text, end)
    if block.end <= stop:
        return opened + text[position : block.end], _skip(text, block.end)
    code, last = max(position, block.start + len(block.opening)), stop - len(_CLOSING)
    if block.start > position and (block.end - block.start <= limit or last <= code):
        return opened + text[position : block.start].rstrip(), block.start
    end = _line_end(text, code, last)
    return opened + text[position:end] + _CLOSING, _after_code(text, end, block)


def _prose_end(text: str, position: int, stop: int) -> int:
    """The best place for a cut after `position`, not after `stop`. No paragraph makes a part less than half full."""
    half = (position + stop) // 2
    for ending, low in ((_PARAGRAPH_END, half), (_SENTENCE_END, half), (_WORD_END, position)):
        if found := [match.end() for match in ending.finditer(text, low, stop + 2) if low < match.end() <= stop]:
            return found[-1]
    return _character_end(text, position, stop)


def _line_end(text: str, position: int, stop: int) -> int:
    """The last end of a line of code after `position`, not after `stop`."""
    found = text.rfind("\n", position + 1, stop + 1)
    return found if found > 0 else _character_end(text, position, stop)


def _character_end(text: str, position: int, stop: int) -> int:
    """The last place between two characters; one that is longer than a whole part is cut."""
    ends = (match.end() for match in _CHARACTER.finditer(text, position, stop + 2))
    return max(takewhile(lambda end: end <= stop, ends), default=stop)


def _after_code(text: str, end: int, block: _Block) -> int:
    """Where to go on in a block of code that was cut: behind it when nothing but its own closing is left."""
    position = end + 1 if text[end] == "\n" else end
    return _skip(text, block.end) if text[position : block.end].strip() == _FENCE else position


def _skip(text: str, position: int) -> int:
    """The first position from here on that is no white space."""
    found = _BLANK.match(text, position)
    return found.end() if found else position
