"""Making what others wrote safe inside a message: names, events, goals. Pure."""

import re
import unicodedata
from typing import Final

_UNREADABLE: Final = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
# Persian, Indic and other scripts, and emoji of several parts, are misspelt without these between two of their signs.
_JOINER: Final = re.compile(r"(?<=[^\x00-\x7f\u2000-\u206f])[\u200c\u200d](?=[^\x00-\x7f\u2000-\u206f])")
_MARKDOWN: Final = re.compile(r"([\\*_~`|>#\[\]()<:])")
_LINK: Final = re.compile(r"://|www\.|discord(?:app)?\.(?:gg|com)", re.IGNORECASE)
_BRACES: Final = str.maketrans("", "", "{}")


def plain(text: str, *, longest: int) -> str:
    """Make untrusted text safe inside a Discord message: no control characters, no markdown, no mention, no link, and
    nothing that looks like a placeholder.

    Returns an empty text when nothing readable is left, or when it is a link: then it is no name.
    """
    joiners = {found.start() for found in _JOINER.finditer(text)}
    readable = "".join(
        " " if unicodedata.category(char) in _UNREADABLE and place not in joiners else char
        for place, char in enumerate(text)
    )
    words = " ".join(readable.translate(_BRACES).split())[:longest].strip()
    if _LINK.search(words) or not any(char.isalnum() for char in words):
        return ""
    return _MARKDOWN.sub(r"\\\1", words).replace("@", "@\u200b")
