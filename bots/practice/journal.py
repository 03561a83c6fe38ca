"""The practice server's memory: an append-only file of JSON lines, replayed at start."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any, TextIO

from bots.practice.world import Attachment, Channel, Json, Message, UnknownThing, User, World


class Journal:
    """Records what happened after the world was built. A line that a crash cut short is dropped at the next start."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: TextIO | None = None

    def open(self, world: World) -> None:
        """Replay the file into the world, then keep it open for more."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        whole = self.path.read_bytes() if self.path.exists() else b""
        kept = whole[: whole.rfind(b"\n") + 1]
        for line in kept.decode().splitlines():
            _replay(world, line)
        self._file = self.path.open("a", encoding="utf-8")
        self._file.truncate(len(kept))

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def write(self, event: str, **fields: Any) -> None:
        if self._file is not None:
            self._file.write(json.dumps({"event": event, **fields}, ensure_ascii=False) + "\n")
            self._file.flush()

    def message(self, world: World, row: Message, event: str = "message") -> None:
        place = world.channel(row.channel_id)
        self.write(event, recipients=list(place.recipients), message=_packed(row))

    def thread(self, row: Channel) -> None:
        self.write("thread", thread=_packed_thread(row))


def _packed(row: Message) -> Json:
    return {
        "id": row.id,
        "channel_id": row.channel_id,
        "author_id": row.author_id,
        "content": row.content,
        "sent_at": row.sent_at.isoformat(),
        "edited_at": row.edited_at.isoformat() if row.edited_at else None,
        "nonce": row.nonce,
        "embeds": row.embeds,
        "components": row.components,
        "reactions": {emoji: sorted(users) for emoji, users in row.reactions.items()},
        "interaction_id": row.interaction_id,
        "interaction_name": row.interaction_name,
        "interaction_user_id": row.interaction_user_id,
        "reply_to": row.reply_to,
        "attachments": [
            {"id": each.id, "filename": each.filename, "content_type": each.content_type, "size": each.size}
            for each in row.attachments
        ],
        "flags": row.flags,
    }


def _unpacked(packed: Json) -> Message:
    edited = packed["edited_at"]
    moments = {
        "sent_at": datetime.fromisoformat(packed["sent_at"]),
        "edited_at": datetime.fromisoformat(edited) if edited else None,
        "reactions": {emoji: set(users) for emoji, users in packed["reactions"].items()},
        "attachments": [Attachment(**each) for each in packed.get("attachments", [])],
    }
    return Message(**(packed | moments))


_THREAD = ("id", "name", "guild_id", "kind", "parent_id", "owner_id", "is_archived", "is_locked")


def _packed_thread(row: Channel) -> Json:
    return {
        **{name: getattr(row, name) for name in _THREAD},
        "auto_archive_minutes": row.auto_archive_minutes,
        "created_at": row.created_at.isoformat() if row.created_at else None,
        "archived_at": row.archived_at.isoformat() if row.archived_at else None,
        "members": {str(user_id): joined.isoformat() for user_id, joined in row.members.items()},
    }


def _unpacked_thread(packed: Json) -> Channel:
    moments: Json = {
        name: datetime.fromisoformat(packed[name]) if packed[name] else None for name in ("created_at", "archived_at")
    }
    moments["members"] = {int(key): datetime.fromisoformat(joined) for key, joined in packed["members"].items()}
    return Channel(**(packed | moments))


def _replay(world: World, line: str) -> None:
    """Apply one line; one about people or channels that the world no longer has is passed over."""
    try:
        entry = json.loads(line)
        _APPLY[entry["event"]](world, entry)
    except (UnknownThing, KeyError, TypeError, ValueError):
        return


def _message(world: World, entry: Json) -> None:
    if entry["recipients"]:
        world.open_dm(*entry["recipients"])
    row = _unpacked(entry["message"])
    world.channel(row.channel_id)
    world.user(row.author_id)
    world.add_message(row)


def _deleted(world: World, entry: Json) -> None:
    world.delete_message(entry["channel_id"], entry["message_id"])


def _commands(world: World, entry: Json) -> None:
    world.commands[entry["guild_id"]] = entry["commands"]


def _joined(world: World, entry: Json) -> None:
    if entry["user_id"] not in world.users:
        world.add_user(User(entry["user_id"], entry["username"], entry["display_name"], entry["is_bot"]))
    world.join(entry["guild_id"], entry["user_id"], now=datetime.fromisoformat(entry["at"]), nickname=entry["nickname"])


def _left(world: World, entry: Json) -> None:
    world.leave(entry["guild_id"], entry["user_id"])


def _renamed(world: World, entry: Json) -> None:
    world.guild(entry["guild_id"]).members[entry["user_id"]].nickname = entry["nickname"]


def _thread(world: World, entry: Json) -> None:
    row = _unpacked_thread(entry["thread"])
    world.channel(row.parent_id or 0)
    world.add_channel(row)


def _channel_deleted(world: World, entry: Json) -> None:
    world.delete_channel(world.channel(entry["channel_id"]))


_APPLY = {
    "message": _message,
    "deleted": _deleted,
    "commands": _commands,
    "joined": _joined,
    "left": _left,
    "renamed": _renamed,
    "thread": _thread,
    "channel_deleted": _channel_deleted,
}
