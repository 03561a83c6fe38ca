"""Files that the bot sends: taken from a request, limited, kept in memory, and served for download."""

import mimetypes
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

from aiohttp import web

from bots.practice.refusals import Refusal, invalid_form
from bots.practice.world import Attachment, World

LARGEST_FILE = 10 << 20
MOST_FILES = 10
_FIELD = re.compile(r"files\[(\d{1,3})\]")


@dataclass(frozen=True)
class Upload:
    """A file of a request, before it belongs to a message."""

    filename: str
    data: bytes


def too_large() -> Refusal:
    return Refusal(413, 40005, "Request entity too large")


def of_form(form: Mapping[str, object]) -> list[Upload]:
    """Return the files of a multipart form, in the order of their fields' numbers: `files[0]` first."""
    found = [(match, form[name]) for name in form if (match := _FIELD.fullmatch(name))]
    found.sort(key=lambda each: int(each[0][1]))
    return [Upload(file.filename, file.file.read()) for _match, file in found if isinstance(file, web.FileField)]


def require_small(files: list[Upload]) -> None:
    """Raise what Discord says of files that are too large or too many."""
    if any(len(each.data) > LARGEST_FILE for each in files):
        raise too_large()
    if len(files) > MOST_FILES:
        raise invalid_form("files", "BASE_TYPE_MAX_LENGTH", f"Must be {MOST_FILES} or fewer in length.")


def attached(world: World, files: list[Upload], *, now: datetime) -> list[Attachment]:
    """Return files as attachments, with ids and with the types that their names tell."""
    return [
        Attachment(world.new_id(now), each.filename, _type_of(each.filename), len(each.data), each.data)
        for each in files
    ]


def _type_of(filename: str) -> str:
    guessed = mimetypes.guess_type(filename)[0] or "application/octet-stream"
    return f"{guessed}; charset=utf-8" if guessed.startswith("text/") else guessed


class Downloads:
    """Serves the files at the addresses that messages bear."""

    def __init__(self, world: World) -> None:
        self.world = world

    def add_routes(self, app: web.Application) -> None:
        app.router.add_get(r"/attachments/{channel_id:\d+}/{attachment_id:\d+}/{name}", self.serve)

    async def serve(self, request: web.Request) -> web.Response:
        row = self.world.attachments.get(int(request.match_info["attachment_id"]))
        if row is None or len(row.data) != row.size:
            return web.Response(status=404, text="This file is gone: the practice Discord keeps files in memory only.")
        headers = {
            "Content-Type": row.content_type,
            "Content-Disposition": f"attachment; filename*=UTF-8''{quote(row.filename, safe='')}",
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "default-src 'none'; sandbox",
        }
        return web.Response(body=row.data, headers=headers)
