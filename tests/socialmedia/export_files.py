"""Small files in DiscordChatExporter's format."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

START = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
ADA, BRUNO, BOT = 1001, 1002, 9001
NAMES = {ADA: "ada", BRUNO: "bruno", BOT: "lamp"}


def message(number: int, writer: int = ADA, /, **changes: Any) -> dict[str, Any]:
    """The message with id `number`, written `number` minutes after START."""
    return {
        "id": str(number),
        "type": "Default",
        "timestamp": (START + timedelta(minutes=number)).isoformat(),
        "timestampEdited": None,
        "callEndedTimestamp": None,
        "isPinned": False,
        "content": f"words {number}",
        "author": person(writer),
        "attachments": [],
        "embeds": [],
        "stickers": [],
        "reactions": [],
        "mentions": [],
        **changes,
    }


def person(number: int, /, **changes: Any) -> dict[str, Any]:
    """An author; 9000 and above are bots."""
    name = NAMES.get(number, f"person{number}")
    return {
        "id": str(number),
        "name": name,
        "discriminator": "0000",
        "nickname": name.title(),
        "color": None,
        "isBot": number >= 9000,
        "roles": [],
        "avatarUrl": "",
        **changes,
    }


def document(messages: Iterable[dict[str, Any]], **changes: Any) -> dict[str, Any]:
    """A whole export of the channel 77."""
    listed = list(messages)
    return {
        "guild": {"id": "55", "name": "Harbor", "iconUrl": ""},
        "channel": {
            "id": "77",
            "type": "GuildTextChat",
            "categoryId": None,
            "category": None,
            "name": "general",
            "topic": None,
        },
        "dateRange": {"after": None, "before": None},
        "exportedAt": "2026-06-01T00:00:00+00:00",
        "messages": listed,
        "messageCount": len(listed),
        **changes,
    }


def direct(**changes: Any) -> dict[str, Any]:
    """The header's two parts of a direct message."""
    return {
        "guild": {"id": "0", "name": "Direct Messages", "iconUrl": ""},
        "channel": {"id": "88", "type": "DirectTextChat", "name": "ada", "topic": None, **changes},
    }


def write(path: Path, messages: Iterable[dict[str, Any]], **changes: Any) -> Path:
    """Write an export to `path`."""
    path.write_text(json.dumps(document(messages, **changes), ensure_ascii=False, indent=2), encoding="utf-8")
    return path
