"""Reading DiscordChatExporter's JSON files (github.com/Tyrrrz/DiscordChatExporter), of any size, in little memory."""

import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, NamedTuple

import ijson
from ijson.common import JSONError

_BOM = b"\xef\xbb\xbf"
_CHUNK = 64 * 1024
_DEEPEST_HEADER = 8
_LARGEST_ID = 2**63 - 1
_LONGEST_NAME = 255

# A number is how the exporter writes a kind it has no name for: 20 and 23 are commands, 21 starts a thread.
_WRITTEN_BY_SOMEBODY = frozenset(
    {"Default", "Reply", "ThreadStarterMessage", "ApplicationCommand", "ChatInputCommand", "ContextMenuCommand"}
    | {"0", "19", "20", "21", "23"}
)
_DIRECT = frozenset({"DirectTextChat", "1"})
_PRIVATE = _DIRECT | {"DirectGroupTextChat", "DirectTextGroupChat", "3"}


class ExportError(Exception):
    """A file that cannot be imported. The text is one sentence for the person who named the file."""


class UnreadableExport(ExportError):
    """The file is missing, not a file, closed to us, or empty."""


class NotAnExport(ExportError):
    """The file is JSON, but not an export of one channel."""


class BrokenExport(ExportError):
    """The file is an export, but damaged. `ordinal` counts messages from 1, `position` bytes from 0."""

    def __init__(
        self,
        reason: str,
        *,
        ordinal: int | None = None,
        message_id: str | None = None,
        position: int | None = None,
    ) -> None:
        where = f"Message {ordinal}" if ordinal else ""
        if message_id:
            where += f" (id {message_id})"
        if position is not None:
            where += f"{', byte' if where else 'Byte'} {position}"
        super().__init__(f"{where}: {reason}" if where else reason)
        self.reason = reason
        self.ordinal = ordinal
        self.message_id = message_id
        self.position = position


@dataclass(frozen=True)
class Header:
    """What the file says before its messages."""

    guild_id: str
    guild_name: str
    channel_id: str
    channel_name: str
    channel_type: str
    exported_at: datetime | None
    """When the names were true; old versions of the exporter don't say."""

    @property
    def is_private(self) -> bool:
        """A direct message or a group of them, rather than a channel of a community."""
        return self.channel_type in _PRIVATE

    @property
    def is_direct(self) -> bool:
        """A direct message between two."""
        return self.channel_type in _DIRECT


class Author(NamedTuple):
    """Who wrote. Webhooks are bots here, as they are for the exporter; names are cut to what a column holds."""

    id: int
    name: str
    display_name: str
    is_bot: bool


class ExportedMessage(NamedTuple):
    """One message. A named tuple, because making a frozen dataclass costs as much as parsing the message."""

    id: int
    author: Author
    sent_at: datetime
    """Aware."""
    is_system: bool
    """Discord's own note ("joined the server", "pinned a message"), not somebody's words."""
    text: str
    attachment_url: str
    attachment_name: str
    """Of the first attachment or sticker, for messages without words."""


class Export:
    """An open export: `header` at once, then `messages()`, once. A context manager that closes the file."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self.size = _size(self.path)
        self._source = _Source(self.path)
        try:
            self.header = _read_header(self._source)
        except BaseException:
            self._source.close()
            raise

    @property
    def bytes_read(self) -> int:
        """How far `messages()` has come, for a progress bar. Runs ahead by up to one chunk."""
        return self._source.offset

    def messages(self) -> Iterator[ExportedMessage]:
        """Yield every message in the file's order.

        Raises:
            BrokenExport: at the first message that is not one, or where the JSON ends or breaks.
        """
        parse = _Records().parse
        self._source.rewind()
        items = ijson.items(self._source, "messages.item", buf_size=_CHUNK)
        ordinal = 0
        while True:
            try:
                for item in items:
                    ordinal += 1
                    yield parse(item, ordinal)
                return
            except (JSONError, UnicodeDecodeError) as error:
                raise _broken_json(self._source, error, ordinal=ordinal + 1) from None
            except OSError as error:
                raise UnreadableExport(f"Reading stopped: {error.strerror}.") from None

    def close(self) -> None:
        """Close the file."""
        self._source.close()

    def __enter__(self) -> "Export":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Source:
    """The file as bytes, without a byte-order mark, counting what was read."""

    def __init__(self, path: Path) -> None:
        try:
            self._file: IO[bytes] = path.open("rb", buffering=0)
        except OSError as error:
            raise UnreadableExport(f"Cannot be opened: {error.strerror}.") from None
        self._start = len(_BOM) if self._file.read(len(_BOM)) == _BOM else 0
        self.offset = 0
        self.rewind()

    def rewind(self) -> None:
        self.offset = self._file.seek(self._start)

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size)
        self.offset += len(data)
        return data

    def close(self) -> None:
        self._file.close()


def _size(path: Path) -> int:
    try:
        state = path.stat()
    except FileNotFoundError:
        raise UnreadableExport("There is no such file.") from None
    except OSError as error:
        raise UnreadableExport(f"Cannot be read: {error.strerror}.") from None
    if stat.S_ISDIR(state.st_mode):
        raise UnreadableExport("Is a directory; name the .json files in it.")
    if not stat.S_ISREG(state.st_mode):
        raise UnreadableExport("Is not a regular file.")
    if not state.st_size:
        raise UnreadableExport("The file is empty.")
    return state.st_size


def _read_header(source: _Source) -> Header:
    """Read up to the first message, and no further."""
    try:
        return _header_of(_fields_before_messages(source))
    except (JSONError, UnicodeDecodeError) as error:
        broken = _broken_json(source, error)
        first = _first_byte(source)
        if first not in b"{[":
            raise NotAnExport("Is not JSON: export the channel with the format JSON.") from None
        raise broken from None
    except OSError as error:
        raise UnreadableExport(f"Cannot be read: {error.strerror}.") from None


def _first_byte(source: _Source) -> bytes:
    source.rewind()
    return source.read(_CHUNK).lstrip()[:1]


def _fields_before_messages(source: _Source) -> dict[str, Any]:
    """Return the scalars before `messages`, by dotted path ("channel.id")."""
    fields: dict[str, Any] = {}
    path: list[str] = []
    for event, value in ijson.basic_parse(source, buf_size=_CHUNK):
        if event == "map_key":
            path[-1] = value
            continue
        if not path and event != "start_map":
            raise NotAnExport("Is JSON of another kind: an export is an object with a channel and its messages.")
        if path == ["messages"]:
            if event != "start_array":
                raise NotAnExport('Its "messages" are not a list, so this is no DiscordChatExporter file.')
            return fields
        if event in {"start_map", "start_array"}:
            path.append("")
            if len(path) > _DEEPEST_HEADER:  # ijson's memory grows with the square of the depth
                raise NotAnExport("Is JSON of another kind: nested too deeply before any messages.")
        elif event in {"end_map", "end_array"}:
            path.pop()
        else:
            fields[".".join(path)] = value
    raise NotAnExport('Is JSON of another kind: it has no "messages".')


def _header_of(fields: dict[str, Any]) -> Header:
    channel_id = _digits(fields.get("channel.id"))
    if channel_id is None:
        raise NotAnExport('Its header has no "channel" with an id before the messages.')
    exported_at = fields.get("exportedAt")
    try:
        exported = None if exported_at is None else _moment(exported_at)
    except ValueError as error:
        raise BrokenExport(f"exportedAt {error}") from None
    return Header(
        guild_id=str(fields.get("guild.id") or ""),
        guild_name=_name(fields.get("guild.name")),
        channel_id=str(channel_id),
        channel_name=_name(fields.get("channel.name")),
        channel_type=str(fields.get("channel.type", "")),
        exported_at=exported,
    )


class _Records:
    """Makes records out of parsed JSON, and each author once."""

    def __init__(self) -> None:
        self._authors: dict[tuple[Any, ...], Author] = {}

    def parse(self, item: Any, ordinal: int) -> ExportedMessage:
        try:
            return self._message(item)
        except KeyError as error:
            reason = f"{error.args[0]} is missing."
        except (TypeError, AttributeError):
            reason = "is not a message."
        except ValueError as error:
            reason = str(error)
        message_id = item.get("id") if isinstance(item, dict) else None
        raise BrokenExport(reason, ordinal=ordinal, message_id=None if message_id is None else str(message_id)[:40])

    def _message(self, item: dict[str, Any]) -> ExportedMessage:
        number = _digits(item["id"])
        if number is None:
            raise ValueError("its id is not a Discord id.")
        try:
            sent_at = _moment(item["timestamp"])
        except ValueError as error:
            raise ValueError(f"timestamp {error}") from None
        text = item.get("content") or ""
        url = name = ""
        if not text:
            url, name = _attachment(item)
        return ExportedMessage(
            number,
            self._author(item["author"]),
            sent_at,
            str(item.get("type", "Default")) not in _WRITTEN_BY_SOMEBODY,
            _clean(text),
            url,
            name,
        )

    def _author(self, raw: dict[str, Any]) -> Author:
        key = (raw["id"], raw.get("name"), raw.get("nickname"), raw.get("isBot"))
        known = self._authors.get(key)
        if known is None:
            number = _digits(raw["id"])
            if number is None:
                raise ValueError("its author's id is not a Discord id.")
            name = _name(raw.get("name"))
            known = Author(number, name, _name(raw.get("nickname")) or name, raw.get("isBot") is True)
            self._authors[key] = known
        return known


def _attachment(item: dict[str, Any]) -> tuple[str, str]:
    for key, url, name in (("attachments", "url", "fileName"), ("stickers", "sourceUrl", "name")):
        for part in item.get(key) or ():
            return _clean(str(part.get(url) or "")), _clean(str(part.get(name) or ""))
    return "", ""


def _digits(value: Any) -> int | None:
    """Return a Discord id as a number, or None when it is not one."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20:
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and 0 < value <= _LARGEST_ID:
        return value
    return None


def _moment(value: Any) -> datetime:
    try:
        moment = datetime.fromisoformat(value)
    except (ValueError, TypeError):
        raise ValueError(f"{str(value)[:40]!r} is not a time.") from None
    if moment.tzinfo is None:
        raise ValueError(f"{value!r} has no UTC offset, so nobody can tell when that was.")
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError(f"{value!r} is out of range.") from None


def _name(value: Any) -> str:
    return _clean(str(value or ""))[:_LONGEST_NAME]


def _clean(text: str) -> str:
    """PostgreSQL stores no NUL character."""
    return text.replace("\x00", "") if "\x00" in text else text


def _broken_json(source: _Source, error: Exception, *, ordinal: int | None = None) -> BrokenExport:
    position, at_end = _find_break(source)
    if at_end:
        return BrokenExport("the file ends in the middle; export it again.", ordinal=ordinal, position=position)
    first_line = str(error).partition("\n")[0].removeprefix("b'").split("\\n")[0].rstrip(".")
    return BrokenExport(f"the JSON is broken ({first_line}).", ordinal=ordinal, position=position)


def _find_break(source: _Source) -> tuple[int, bool]:
    """Return the byte at which the JSON breaks, and whether that is the file's end.

    The parser does not tell, so it is fed again: the chunk that broke, byte by byte.
    """
    broken_at = source.offset
    source.rewind()
    swallow = _Swallow()
    parser = ijson.basic_parse_coro(swallow)
    if not _feeds(parser, source, until=broken_at - _CHUNK, step=_CHUNK):
        return source.offset, False
    position = source.offset
    while data := source.read(1):
        if not _accepts(parser.send, data):
            return position, False
        position += 1
    return position, True


class _Swallow:
    """A target of parser events that keeps none."""

    def append(self, event: Any) -> None:
        """Forget it."""

    send = append


def _feeds(parser: Any, source: _Source, *, until: int, step: int) -> bool:
    while source.offset < until and (data := source.read(step)):
        if not _accepts(parser.send, data):
            return False
    return True


def _accepts(send: Callable[[bytes], Any], data: bytes) -> bool:
    try:
        send(data)
    except (JSONError, UnicodeDecodeError):
        return False
    return True
