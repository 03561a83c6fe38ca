"""Taking a community's past in from a chat export: who was active when. Everything of a file, or nothing.

A channel leaves times only, never words. A direct message between a person and exactly one bot becomes a
conversation, already read. An imported message is activity, but neither an answer nor a reason to cancel a
follow-up: whether a plan still makes sense is the policy's question when it is due. Only a stop word is obeyed.
"""

import os
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from django.db import connection, transaction

from followups import consent, privacy
from followups.models import ConsentState
from socialmedia import exports
from socialmedia.exports import Author, Export, ExportedMessage
from socialmedia.models import Channel, ChatImport, Conversation, Message, Platform

Progress = Callable[[int, int], None]
"""Called now and then with the bytes and the messages read so far."""

_PROGRESS_EVERY = 2_000

_STAGE = """
    DROP TABLE IF EXISTS pg_temp.import_messages, pg_temp.import_authors;
    CREATE TEMPORARY TABLE import_messages (
        message_id bigint, author_id bigint, is_bot boolean, sent_at timestamptz, words text, media_url text
    ) ON COMMIT DROP;
    CREATE TEMPORARY TABLE import_authors (
        external_id text, username text, display_name text, is_bot boolean, true_at timestamptz
    ) ON COMMIT DROP
"""


@dataclass(frozen=True)
class ImportReport:
    """What came of one file."""

    file_name: str
    channel: str
    messages_read: int
    """All messages of the file."""
    messages_new: int
    """Those stored by this import."""
    members_new: int
    """People who had no profile before."""
    system_messages: int
    """Discord's own notes, which are nobody's activity."""
    bot_messages: int
    """What bots and webhooks wrote; kept only in a direct message."""
    first_message_at: datetime | None
    last_message_at: datetime | None
    note: str = ""
    """What the person who imports should know."""


def import_export(
    path: str | os.PathLike[str], *, now: datetime, progress: Progress | None = None, dry_run: bool = False
) -> ImportReport:
    """Import one file in one transaction; `dry_run` does everything and rolls back, so its numbers are true.

    A repeated or newer export adds only what is new, counted by Discord's message id.

    Raises:
        exports.ExportError: the file is not readable, not an export, or broken; nothing of it was imported.
    """
    with Export(path) as export, transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(_STAGE)
            tally = _stage(cursor, export, progress or _silent)
            report = _merge(cursor, export, tally, now=now)
        if dry_run:
            transaction.set_rollback(True)
    return report


@dataclass
class _Tally:
    """What staging saw, all that is kept in memory."""

    read: int = 0
    system: int = 0
    by_bots: int = 0
    first_at: datetime | None = None
    last_at: datetime | None = None
    authors: dict[int, tuple[datetime, Author]] = field(default_factory=dict)
    """Each author as in their latest message."""

    def authors_of_kind(self, *, is_bot: bool) -> int:
        return sum(author.is_bot is is_bot for _, author in self.authors.values())

    def see(self, message: ExportedMessage) -> None:
        sent_at = message.sent_at
        if self.first_at is None or sent_at < self.first_at:
            self.first_at = sent_at
        if self.last_at is None or sent_at > self.last_at:
            self.last_at = sent_at


def _stage(cursor: Any, export: Export, progress: Progress) -> _Tally:
    """Copy the messages, then their authors, into the temporary tables."""
    tally = _Tally()
    # Words are staged only where they will be stored: nowhere else do they leave the file.
    row = _row_with_words if export.header.is_direct else _row
    with _copy(
        cursor,
        "import_messages (message_id, author_id, is_bot, sent_at, words, media_url)",
        ["int8", "int8", "bool", "timestamptz", "text", "text"],
    ) as copy:
        for message in export.messages():
            tally.read += 1
            tally.see(message)
            if tally.read % _PROGRESS_EVERY == 0:
                progress(export.bytes_read, tally.read)
            if message.is_system:
                tally.system += 1
                continue
            author = message.author
            tally.by_bots += author.is_bot
            if not author.is_bot or export.header.is_direct:
                known = tally.authors.get(author.id)
                if known is None or message.sent_at >= known[0]:
                    tally.authors[author.id] = (message.sent_at, author)
                copy.write_row(row(message))
    progress(export.bytes_read, tally.read)
    return tally


def _row(message: ExportedMessage) -> tuple[Any, ...]:
    return (message.id, message.author.id, message.author.is_bot, message.sent_at, None, None)


def _row_with_words(message: ExportedMessage) -> tuple[Any, ...]:
    words = message.text or message.attachment_name or "(no text)"
    return (message.id, message.author.id, message.author.is_bot, message.sent_at, words, message.attachment_url)


def _merge(cursor: Any, export: Export, tally: _Tally, *, now: datetime) -> ImportReport:
    """Move what is new from the temporary tables into ours. Locks are held only from here to the end."""
    header = export.header
    cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"chat import {header.channel_id}"])
    if _leave_out_forgotten(cursor, tally) and header.is_private:
        return _nothing_of(tally)
    as_conversation = (
        header.is_direct and tally.authors_of_kind(is_bot=True) == tally.authors_of_kind(is_bot=False) == 1
    )
    _stage_authors(cursor, tally, exported_at=header.exported_at, now=now)
    cursor.execute("ANALYZE import_messages; ANALYZE import_authors")
    channel = _remember_channel(cursor, header, last_at=tally.last_at)
    cursor.execute(_sql("import_accounts_v1"))
    cursor.execute(_sql("import_renames_v1"))
    cursor.execute(_sql("import_profiles_v1"))
    members_new = cursor.rowcount
    _one(cursor, "import_lock_profiles_v1")
    cursor.execute(_sql("import_names_v1"))
    if as_conversation:
        conversation = _one(cursor, "import_conversation_v1", external_channel=header.channel_id)
        messages_new = _one(cursor, "import_direct_messages_v2", conversation=conversation, now=now)
        _hear_stop(conversation, now=now)
    else:
        messages_new = _one(cursor, "import_activity_v2", channel=channel, now=now)
    report = ImportReport(
        file_name=_printable(export.path.name),
        channel=header.channel_name or header.channel_id,
        messages_read=tally.read,
        messages_new=messages_new,
        members_new=members_new,
        system_messages=tally.system,
        bot_messages=tally.by_bots,
        first_message_at=tally.first_at,
        last_message_at=tally.last_at,
        note=_note(header, as_conversation=as_conversation),
    )
    ChatImport.objects.create(
        channel_id=channel,
        file_name=report.file_name[:255],
        messages_read=report.messages_read,
        messages_new=report.messages_new,
        members_new=report.members_new,
        first_message_at=report.first_message_at,
        last_message_at=report.last_message_at,
    )
    return report


def _leave_out_forgotten(cursor: Any, tally: _Tally) -> bool:
    """Take out of the staging what people wrote before they were forgotten. True when there were any. Whoever wrote
    again since is met anew, by their later messages only.
    """
    privacy.hold_off()
    people = {str(author.id): author for _, author in tally.authors.values() if not author.is_bot}
    forgotten = privacy.erased_at(people)
    for user_id, erased_at in forgotten.items():
        cursor.execute(
            "DELETE FROM import_messages WHERE author_id = %s AND sent_at <= %s", [people[user_id].id, erased_at]
        )
        if tally.authors[people[user_id].id][0] <= erased_at:
            del tally.authors[people[user_id].id]
    return bool(forgotten)


def _nothing_of(tally: _Tally) -> ImportReport:
    """A private chat with somebody who was forgotten: even its name is theirs."""
    return ImportReport(
        file_name="(a private chat)",
        channel="(a private chat)",
        messages_read=tally.read,
        messages_new=0,
        members_new=0,
        system_messages=tally.system,
        bot_messages=tally.by_bots,
        first_message_at=tally.first_at,
        last_message_at=tally.last_at,
        note="Nothing of it was imported: somebody in it has been forgotten for good.",
    )


def _hear_stop(conversation_id: int, *, now: datetime) -> None:
    """Obey a stop word said to one of our bots since the member's yes: when the bot reads what it missed, it will take
    the message for known.
    """
    thread = Conversation.objects.select_related("account").get(pk=conversation_id)
    newest = consent.current(thread.participant_id)
    if not thread.account.is_own or newest is None or newest.state != ConsentState.GRANTED:
        return
    later = Message.objects.filter(conversation=thread, is_outgoing=False, sent_at__gt=newest.recorded_at)
    imported = later.filter(metadata__has_key="imported").order_by("sent_at")
    for key, text in imported.values_list("external_message_id", "message_text"):
        if consent.asks_to_stop(text):
            consent.withdraw(
                user_id=thread.participant_id,
                source="import",
                evidence=f"message {key}",
                actor=thread.participant_id,
                now=now,
            )
            return


def _remember_channel(cursor: Any, header: exports.Header, *, last_at: datetime | None) -> int:
    values = {
        "external_id": header.channel_id,
        "name": header.channel_name,
        "guild_id": "" if header.is_private else header.guild_id,
        "guild_name": "Direct messages" if header.is_private else header.guild_name,
        "last_at": last_at,
    }
    cursor.execute(_sql("import_channel_v1"), values)
    cursor.execute(_sql("import_channel_name_v1"), values)
    return Channel.objects.get(platform=Platform.DISCORD, external_id=header.channel_id).pk


def _stage_authors(cursor: Any, tally: _Tally, *, exported_at: datetime | None, now: datetime) -> None:
    """Names are true at the time of the export; where the file does not say, at the author's latest message."""
    with _copy(
        cursor,
        "import_authors (external_id, username, display_name, is_bot, true_at)",
        ["text", "text", "text", "bool", "timestamptz"],
    ) as copy:
        for seen_at, author in tally.authors.values():
            name = author.name or str(author.id)
            copy.write_row((str(author.id), name, author.display_name, author.is_bot, min(exported_at or seen_at, now)))


def _note(header: exports.Header, *, as_conversation: bool) -> str:
    if as_conversation:
        return "Direct message: imported as a conversation, already read."
    if header.is_private:
        return "Private chat that is not between one person and one bot: only its times were kept."
    return ""


@contextmanager
def _copy(cursor: Any, target: str, types: list[str]) -> Any:
    with cursor.copy(f"COPY {target} FROM STDIN (FORMAT BINARY)") as copy:
        copy.set_types(types)
        yield copy


def _one(cursor: Any, statement: str, /, **parameters: Any) -> int:
    """Run the named statement, which answers one number."""
    cursor.execute(_sql(statement), parameters)
    return int(cursor.fetchone()[0])


@cache
def _sql(statement: str) -> str:
    return (Path(__file__).parent / "sql" / f"{statement}.sql").read_text(encoding="utf-8")


def _printable(name: str) -> str:
    """A file name need not be text; our column is."""
    return os.fsencode(name).decode("utf-8", "replace")


def _silent(_bytes_read: int, _messages: int) -> None:
    """Report to nobody."""
