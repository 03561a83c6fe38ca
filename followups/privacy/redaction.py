"""Taking a member out of rows that are kept: jobs of others, what staff did, names of imported files."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from django.contrib.admin.models import LogEntry
from django.db.models import JSONField, Model, Q, QuerySet, TextField, Value
from django.db.models.functions import Cast, StrIndex
from django_q.models import OrmQ, Task

from followups.models import FollowUp, StaffFlag
from followups.planning import JOB_TYPE
from followups.privacy.holdings import table_of
from jobs.models import JobExecution, JobPause, RecurringRun, Report, ScheduledJob
from socialmedia.models import Channel, ChatImport, Message


@dataclass(frozen=True)
class Kept:
    """Rows that are nobody's, and where in them somebody may be named."""

    model: type[Model]
    columns: tuple[str, ...]
    without: Q = field(default_factory=Q)
    """Rows that certainly name nobody else than their own member."""


KEPT: Final = [
    # Millions of follow-ups' jobs hold nothing but the id of their follow-up, and go with it.
    Kept(ScheduledJob, ("payload", "error_message", "unique_key"), without=Q(job_type=JOB_TYPE)),
    Kept(JobExecution, ("error_message",), without=Q(error_message=None)),
    Kept(Report, ("report",)),
    Kept(RecurringRun, ("skipped_because", "backfill_id")),
    Kept(StaffFlag, ("subject", "detail", "note")),
    Kept(ChatImport, ("file_name",)),
    Kept(LogEntry, ("object_id", "object_repr", "change_message")),
    # Who was of the team and did something to others.
    Kept(FollowUp, ("trigger_data",), without=~Q(trigger_data__has_key="planned_by")),
    Kept(JobPause, ("paused_by", "reason")),
    Kept(Message, ("metadata",), without=~Q(metadata__has_key="staff")),  # by idx_messages_staff
    # Threads, whose names may name somebody.
    Kept(Channel, ("name",)),
]
"""Read through as a whole: forgetting is rare."""


def keep(kept: Kept) -> None:
    """Add a table of a layer above, once, when its app is ready."""
    if kept.model not in {known.model for known in KEPT}:
        KEPT.append(kept)


@dataclass(frozen=True)
class Redactor:
    """Replaces a member's id, wherever it stands by itself, and in the same row their names too."""

    user_id: str
    names: tuple[str, ...]
    stand_in: str
    """What stands there instead; new for each erasure, so that it leads nowhere."""

    def text(self, words: str) -> str:
        """Return the words without the member."""
        for known in (self.user_id, *sorted(self.names, key=len, reverse=True)):
            words = re.sub(rf"(?<!\w){re.escape(known)}(?!\w)", self.stand_in, words)
        return words

    def value(self, value: Any) -> Any:
        """Return JSON without the member, whether they are named in a text, a key or as a number."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {self.text(key): self.value(inner) for key, inner in value.items()}
        if isinstance(value, list | tuple):
            return [self.value(inner) for inner in value]
        is_number = isinstance(value, int) and not isinstance(value, bool)
        return self.stand_in if is_number and str(value) == self.user_id else value


def redact_kept(redactor: Redactor) -> dict[str, int]:
    """Redact every kept row that names the member; table -> rows."""
    counts = {table_of(kept.model): _redact(kept, redactor) for kept in KEPT}
    return {table: count for table, count in counts.items() if count}


def _redact(kept: Kept, redactor: Redactor) -> int:
    rows = list(_mentions(kept, redactor).order_by("pk").values("pk", *kept.columns))
    for row in rows:
        changes = {name: _fitting(_column(kept.model, name), redactor.value(row[name])) for name in kept.columns}
        _all(kept.model).filter(pk=row["pk"]).update(**changes)
    return len(rows)


def _mentions(kept: Kept, redactor: Redactor) -> QuerySet[Any]:
    """The rows in one of whose columns the id stands, alone or within a text."""
    rows, found = _all(kept.model).exclude(kept.without), Q()
    for name in kept.columns:
        as_text = f"{name}_as_text"
        wanted = redactor.user_id
        if isinstance(_column(kept.model, name), JSONField):
            wanted = json.dumps(wanted, ensure_ascii=False)[1:-1]
        rows = rows.alias(**{as_text: StrIndex(Cast(name, TextField()), Value(wanted))})
        found |= Q(**{f"{as_text}__gt": 0})
    return rows.filter(found)


def drop_tasks(redactor: Redactor) -> dict[str, int]:
    """Delete Django-Q2's own tasks that name the member. It pickles their arguments, so each must be read."""
    finished = _naming(Task.objects.all(), lambda task: (task.name, task.args, task.kwargs, task.result), redactor)
    queued = _naming(OrmQ.objects.all(), lambda queued: queued.task, redactor)
    counts = {
        table_of(Task): Task.objects.filter(pk__in=finished).delete()[0],
        table_of(OrmQ): OrmQ.objects.filter(pk__in=queued).delete()[0],
    }
    return {table: count for table, count in counts.items() if count}


def _naming(rows: QuerySet[Any], content: Callable[[Any], object], redactor: Redactor) -> list[Any]:
    return [row.pk for row in rows.iterator() if redactor.user_id in repr(content(row))]


def _all(model: type[Model]) -> QuerySet[Any]:
    return model._default_manager.all()  # noqa: SLF001 - Django's documented interface


def _column(model: type[Model], name: str) -> Any:
    return model._meta.get_field(name)  # noqa: SLF001 - Django's documented interface


def _fitting(column: Any, value: Any) -> Any:
    return value[: column.max_length] if column.max_length and isinstance(value, str) else value
