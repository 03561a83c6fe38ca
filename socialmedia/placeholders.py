"""Texts with placeholders. Pure.

`{name}` stands for a value. A part in double brackets is left out when a value in it is missing: `Hi[[ {name}]]!` is
"Hi Ada!" or "Hi!". There is nothing else: no conditions, no nesting, and no braces of another kind.
"""

import re
from collections.abc import Collection, Mapping

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_OPTIONAL = re.compile(r"\[\[((?:(?!\[\[|\]\]).)*)\]\]", re.DOTALL)
# A missing value takes the space and the comma before it along: "Hello, {name}!" becomes "Hello!". A brace without its
# other half goes too: what is left around a filled place must not become a placeholder itself, as in "{{}name}".
_WITH_SPACE = re.compile(r"((?:,? )?)\{([^{}]*)\}|[{}]")


class BadPlaceholder(ValueError):
    """A text that cannot be rendered; the message says where it is wrong and how to mend it."""


def check(text: str, *, known: Collection[str]) -> None:
    """Raise BadPlaceholder for an unknown name, and for a brace or a bracket without its other half."""
    for name in _PLACEHOLDER.findall(text):
        if name not in known:
            offered = ", ".join(f"{{{one}}}" for one in sorted(known))
            raise BadPlaceholder(f"{{{name}}} is not known here: use {offered}.")
    outside = _OPTIONAL.sub("", text)
    if "[[" in outside or "]]" in outside:
        raise BadPlaceholder("A part in [[ ]] lacks its beginning or its end; such parts cannot contain each other.")
    for part in _OPTIONAL.findall(text):
        if not _PLACEHOLDER.search(part):
            raise BadPlaceholder(f"[[{part}]] has no placeholder in it, so it would always stay: leave the [[ ]] away.")
    rest = _PLACEHOLDER.sub("", text)
    if "{" in rest or "}" in rest:
        raise BadPlaceholder("A { or } lacks its other half; placeholders are written like {name}.")


def used(text: str) -> set[str]:
    """Return the names in the text."""
    return set(_PLACEHOLDER.findall(text))


def required(text: str) -> set[str]:
    """Return the names without which the text does not read well: those outside of optional parts."""
    return used(_OPTIONAL.sub("", text))


def render(text: str, values: Mapping[str, str]) -> str:
    """Put the values in. No placeholder stays, known or not; braces in a value are the value's own."""

    def keep(part: re.Match[str]) -> str:
        return part[1] if all(values.get(name) for name in used(part[1])) else ""

    def fill(place: re.Match[str]) -> str:
        value = values.get(place[2] or "")
        return (place[1] or "") + value if value else ""

    return _WITH_SPACE.sub(fill, _OPTIONAL.sub(keep, text)).strip()
