"""Request bodies: JSON of a bounded size that PostgreSQL can store as it is."""

import json
import math
from collections.abc import Iterator, Mapping
from typing import IO, Any

from django.conf import settings
from rest_framework.exceptions import APIException, ParseError, ValidationError
from rest_framework.parsers import BaseParser

DEEPEST = 50


class BodyTooLarge(APIException):
    """The body is longer than DATA_UPLOAD_MAX_MEMORY_SIZE."""

    status_code = 413
    default_code = "body_too_large"


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON.")


def _unstorable(value: object) -> str | None:
    """Say why PostgreSQL could not store a leaf, or None."""
    if isinstance(value, str):
        if "\x00" in value:
            return "NUL characters are not allowed in text."
        if any("\ud800" <= character <= "\udfff" for character in value):
            return "This text holds half a character (a lone UTF-16 surrogate)."
    if isinstance(value, float) and not math.isfinite(value):
        return "This number is too large."
    return None


def _leaves(body: object) -> Iterator[tuple[str, object]]:
    """Every key and every value with its dotted path. A loop, not recursion: the depth is the sender's choice."""
    todo: list[tuple[str, int, object]] = [("", 0, body)]
    while todo:
        path, depth, value = todo.pop()
        if depth > DEEPEST:
            raise ParseError(f"The body is nested deeper than {DEEPEST} levels.")
        if isinstance(value, Mapping):
            for name, item in value.items():
                inner = f"{path}.{name}" if path else str(name)
                yield path or "body", name
                todo.append((inner, depth + 1, item))
        elif isinstance(value, list):
            todo.extend(
                (f"{path}.{index}" if path else str(index), depth + 1, item) for index, item in enumerate(value)
            )
        else:
            yield path, value


class JSONBodyParser(BaseParser):
    """JSON only. Refuses, each with a sentence, what would otherwise fail deep inside: too long, too deep,
    NUL characters, lone surrogates, numbers beyond a double.
    """

    media_type = "application/json"

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        """Return the parsed body."""
        limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        raw = stream.read(limit + 1)
        if len(raw) > limit:
            raise BodyTooLarge(f"The body is longer than {limit} bytes.")
        try:
            body = json.loads(raw.decode("utf-8"), parse_constant=_no_constant)
        except RecursionError:
            raise ParseError(f"The body is nested deeper than {DEEPEST} levels.") from None
        except ValueError as error:
            raise ParseError(f"The body is not JSON: {str(error)[:200]}") from None
        for path, value in _leaves(body):
            if problem := _unstorable(value):
                field = path.replace("\x00", "").encode("utf-8", "replace").decode() or "body"
                raise ValidationError({field: [problem]})
        return body
