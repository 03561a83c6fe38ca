"""Requests to the REST API as its endpoints see them."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from aiohttp import web

from bots.practice import uploads
from bots.practice.refusals import invalid_form
from bots.practice.uploads import Upload


@dataclass(frozen=True)
class Recorded:
    """A request as it came, for tests to look at."""

    method: str
    path: str
    body: Any
    at: datetime


@dataclass
class Call:
    """A request being answered."""

    request: web.Request
    body: Any
    files: list[Upload] = field(default_factory=list)

    def number(self, name: str) -> int:
        text = self.request.match_info[name]
        if not text.isdecimal():
            raise invalid_form(name, "NUMBER_TYPE_COERCE", f'Value "{text}" is not snowflake.')
        return int(text)

    def text(self, name: str) -> str:
        return self.request.match_info[name]

    def asked_number(self, name: str) -> int | None:
        value = self.request.query.get(name)
        return int(value) if value is not None and value.isdecimal() else None


Handler = Callable[[Call], Any]
Route = tuple[str, str, Handler]


async def read_call(request: web.Request) -> Call:
    """Return a request with its body and files; raises Refusal when it is too large."""
    try:
        if request.content_type.startswith("multipart/"):
            form = await request.post()
            return Call(request, json.loads(str(form["payload_json"])), uploads.of_form(form))
        raw = await request.read()
        return Call(request, json.loads(raw) if raw else {})
    except web.HTTPRequestEntityTooLarge:
        raise uploads.too_large() from None
    except (KeyError, ValueError):
        return Call(request, {})
