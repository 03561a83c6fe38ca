"""Taking over the files of MediaPoster's scripts: each whole, or not at all."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Any, NoReturn

from django.db import transaction

from socialmedia import hashtags
from socialmedia.importing import database, extracts, taking, trackers
from socialmedia.importing.accounts import AccountTaker, DayTaker
from socialmedia.importing.comments import CommentTaker
from socialmedia.importing.posts import PostTaker
from socialmedia.importing.reports import CannotTake, Report
from socialmedia.importing.snapshots import SnapshotTaker
from socialmedia.importing.taking import Journey, Taker
from socialmedia.models import Post

LARGEST_BYTES = 100 * 1024 * 1024
"""A tracker that measured every five minutes for a year is far smaller."""
_TAKERS: Mapping[str, type[Taker]] = {
    "accounts": AccountTaker,
    "posts": PostTaker,
    "snapshots": SnapshotTaker,
    "comments": CommentTaker,
    "days": DayTaker,
}
Progress = Callable[[str, int, int], None]


def take_over(
    paths: Sequence[Path],
    *,
    zone: tzinfo,
    is_resumed: bool = False,
    is_trial: bool = False,
    progress: Progress = lambda what, done, total: None,
    now: datetime,
) -> Report:
    """Take over what these files hold, and those in these folders; a trial takes it back.

    A file that cannot be read is named in the report, and the others are taken all the same.
    """
    journey = Journey(zone, now)
    found = list(_found(paths, journey.report))
    with ExitStack() as stack:
        if is_trial:
            stack.enter_context(transaction.atomic())
        for done, path in enumerate(found):
            progress("files", done, len(found))
            try:
                _take_file(path, journey, is_resumed=is_resumed)
            except CannotTake as reason:
                journey.report.left_out("files", path, str(reason))
        progress("files", len(found), len(found))
        if is_trial:
            transaction.set_rollback(True)
        else:
            database.finish(now=now)
    return journey.report


def _found(paths: Sequence[Path], report: Report) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            inside = sorted(one for one in path.rglob("*.json") if one.is_file())
            if not inside:
                report.remarks.append(f"{path} has no JSON files.")
            yield from inside
        else:
            yield path


def _take_file(path: Path, journey: Journey, *, is_resumed: bool) -> None:
    files = journey.report.of("files")
    files.read += 1
    content = _read(path)
    if extracts.is_list_of_endpoints(content):
        files.known += 1
        journey.report.remarks.append(f"{path} lists endpoints of the provider: there is nothing in it to take.")
        return
    if trackers.is_one(content):
        rows = trackers.rows(content, zone=journey.zone, is_resumed=is_resumed, report=journey.report, now=journey.now)
    elif extracts.is_one(content):
        rows = extracts.rows(content, name=path.name, zone=journey.zone, report=journey.report)
    else:
        raise CannotTake("it is neither a tracked post nor extracted data of MediaPoster")
    with transaction.atomic():
        for kind, taker in _TAKERS.items():
            if of_kind := rows.get(kind):
                named = [{**row, "id": f"{path.name} {row.get('id', '')}".strip()} for row in of_kind]
                taking.take(taker(journey), named)
        _note_words(rows["posts"][0])
    files.added += 1


def _note_words(row: Mapping[str, Any]) -> None:
    """Its hashtags and mentions: the files have no tables of them."""
    key = {name: row[name] for name in ("platform", "external_post_id")}
    for post in Post.objects.filter(**key):
        hashtags.store(post)


def _read(path: Path) -> dict[str, Any]:
    """Return the file's object. Raises CannotTake."""
    try:
        if not path.exists():
            raise CannotTake("there is no such file")
        if not path.is_file():
            raise CannotTake("it is not a file")
        if path.stat().st_size > LARGEST_BYTES:
            raise CannotTake(f"it is larger than {LARGEST_BYTES // 1024 // 1024} MB, which no file of MediaPoster is")
        content = json.loads(path.read_text("utf-8-sig"), parse_constant=_refuse)
    except OSError as error:
        raise CannotTake(f"it cannot be read: {error.strerror}") from None
    except json.JSONDecodeError as error:
        raise CannotTake(f"its JSON is broken in line {error.lineno}") from None
    except (ValueError, RecursionError):
        raise CannotTake("it is not JSON in UTF-8") from None
    if not isinstance(content, dict):
        raise CannotTake("it holds no JSON object")
    return content


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)
