"""Taking over a MediaPoster database, table by table."""

from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime, tzinfo

from django.db import transaction

from socialmedia import hashtags
from socialmedia.importing import comments, conversations, logs, sources, taking
from socialmedia.importing.accounts import AccountTaker, DayTaker, FetchTaker
from socialmedia.importing.comments import CommentTaker
from socialmedia.importing.conversations import ConversationTaker, MessageTaker
from socialmedia.importing.logs import SETTINGS, ActionTaker, TemplateTaker, UsageTaker
from socialmedia.importing.posts import PostTaker
from socialmedia.importing.reports import Report
from socialmedia.importing.snapshots import SnapshotTaker
from socialmedia.importing.sources import CannotRead, Source
from socialmedia.importing.taking import Journey, Taker
from socialmedia.importing.words import HashtagTaker, LinkTaker, MentionTaker
from socialmedia.tracking import timetable

# What others belong to comes first.
TAKERS: tuple[type[Taker], ...] = (
    *(AccountTaker, PostTaker, SnapshotTaker, CommentTaker, HashtagTaker, LinkTaker, MentionTaker),
    *(DayTaker, FetchTaker, UsageTaker, ConversationTaker, MessageTaker, ActionTaker, TemplateTaker),
)
Progress = Callable[[str, int, int], None]
"""Is told the table, how many rows of it are read, and how many there are."""


def take_over(
    url: str,
    *,
    schema: str,
    zone: tzinfo,
    with_settings: bool = False,
    is_trial: bool = False,
    progress: Progress = lambda table, done, total: None,
    now: datetime,
) -> Report:
    """Take everything over that is not here yet; a trial takes all of it back.

    Running it again adds nothing twice, and completes what a crash cut off. Must not be called inside a transaction,
    unless it is to be taken back.

    Raises:
        CannotRead: their database cannot be read. What was taken over before that stays.
    """
    with ExitStack() as stack:
        source = stack.enter_context(sources.opened(url, schema=schema))
        if is_trial:
            stack.enter_context(transaction.atomic())
        journey = Journey(zone, now)
        _survey(source, journey.report)
        for kind in TAKERS:
            if source.has(kind.table):
                _take_table(source, kind(journey), progress)
        if source.has(SETTINGS, "setting_key") and source.has(SETTINGS, "setting_value"):
            logs.take_settings(source, journey, is_theirs=with_settings)
        conversations.connect_replies(source, journey)
        if is_trial:
            transaction.set_rollback(True)
        else:
            finish(now=now)
    return journey.report


def finish(*, now: datetime) -> None:
    """Connect and count what only the whole tells, and let the posts that are tracked be checked."""
    comments.link()
    hashtags.count_day(now=now)
    timetable.make_up(now=now)


def _take_table(source: Source, taker: Taker, progress: Progress) -> None:
    total, done = source.count(taker.table), 0
    progress(taker.table, done, total)
    for rows in taker.batches(source):
        taking.take(taker, rows)
        done += len(rows)
        progress(taker.table, done, total)


def _survey(source: Source, report: Report) -> None:
    """Say which tables are missing, and which columns nobody knows what to do with."""
    known = {kind.table: {*kind.columns} for kind in TAKERS} | {SETTINGS: {*logs.SETTING_COLUMNS}}
    if not any(source.has(table) for table in known):
        raise CannotRead(
            f"Schema {source.schema} of that database has none of MediaPoster's tables: name another one with --schema."
        )
    needed = {kind.table: kind.needed for kind in TAKERS}
    for table in sorted(needed.keys() & source.columns.keys()):
        if lacking := [name for name in needed[table] if not source.has(table, name)]:
            raise CannotRead(
                f"The table {table} in schema {source.schema} has no column {lacking[0]}: it is not MediaPoster's. "
                f"Nothing was taken over."
            )
    report.missing_tables = sorted(table for table in known if not source.has(table))
    for table in sorted(known.keys() & source.columns.keys()):
        if ignored := sorted({*source.columns[table]} - known[table]):
            report.ignored_columns[table] = ignored
