"""Taking a member out of rows that are kept: jobs of others, what staff did, names of imported files."""

import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.contrib.admin.models import LogEntry
from django.db.models import JSONField, Model, Q, QuerySet, TextField, Value
from django.db.models.functions import Cast, StrIndex
from django_q.models import OrmQ, Task

from followups.models import StaffFlag
from followups.privacy.holdings import table_of
from jobs.models import JobExecution, RecurringRun, Report, ScheduledJob
from socialmedia.models import ChatImport

KEPT: Final[tuple[tuple[type[Model], tuple[str, ...]], ...]] = (
    (ScheduledJob, ("payload", "error_message", "unique_key")),
    (JobExecution, ("error_message",)),
    (Report, ("report",)),
    (RecurringRun, ("skipped_because", "backfill_id")),
    (StaffFlag, ("subject", "detail", "note")),
    (ChatImport, ("file_name",)),
    (LogEntry, ("object_id", "object_repr", "change_message")),
)
"""Rows that are nobody's, and where in them somebody may be named. They are read through: that is rare enough."""


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
    counts = {table_of(model): redact(mentions(model, names, redactor), names, redactor) for model, names in KEPT}
    return {table: count for table, count in counts.items() if count}


def mentions(model: type[Model], names: Iterable[str], redactor: Redactor) -> QuerySet[Any]:
    """The rows in one of whose columns the id stands, alone or within a text."""
    rows, found = _all(model), Q()
    for name in names:
        as_text = f"{name}_as_text"
        wanted = redactor.user_id
        if isinstance(_field(model, name), JSONField):
            wanted = json.dumps(wanted, ensure_ascii=False)[1:-1]
        rows = rows.alias(**{as_text: StrIndex(Cast(name, TextField()), Value(wanted))})
        found |= Q(**{f"{as_text}__gt": 0})
    return rows.filter(found)


def redact(rows: QuerySet[Any], names: Sequence[str], redactor: Redactor) -> int:
    """Rewrite the columns of these rows and return how many there were."""
    found = list(rows.order_by("pk").values("pk", *names))
    for row in found:
        changes = {name: _fitting(_field(rows.model, name), redactor.value(row[name])) for name in names}
        _all(rows.model).filter(pk=row["pk"]).update(**changes)
    return len(found)


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


def _field(model: type[Model], name: str) -> Any:
    return model._meta.get_field(name)  # noqa: SLF001 - Django's documented interface


def _fitting(field: Any, value: Any) -> Any:
    return value[: field.max_length] if field.max_length and isinstance(value, str) else value
