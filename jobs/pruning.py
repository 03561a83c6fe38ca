"""Deleting rows that have grown old: oldest first, in small batches that hold up nobody."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from django.db import transaction
from django.db.models import Min, QuerySet

from jobs.pagination import ESTIMATE_ABOVE, estimated_count, planned_count

BATCH = 2_000


@dataclass(frozen=True)
class Survey:
    """What is there of one kind, and what of it is old."""

    kind: str
    before: datetime
    """Older than this is old."""
    total: int
    is_estimate: bool
    """The table is too large to be counted: `total` is from the planner's statistics."""
    removable: int
    oldest: datetime | None
    """Of all, removable or not."""
    removable_bytes: int | None = None
    """None for rows: what a deleted row took is used again by the next ones, the table does not shrink."""


@dataclass(frozen=True)
class Step:
    """What one committed step of a clean-up deleted."""

    removed: int
    removed_bytes: int = 0
    left: int = 0
    """Old, but could not be deleted."""


class Kind(Protocol):
    """Something that grows old and is then deleted."""

    @property
    def name(self) -> str:
        """Its name in reports."""
        ...

    @property
    def keep(self) -> Callable[[], timedelta]:
        """How long it is kept, by the settings as they are now."""
        ...

    def survey(self, *, before: datetime) -> Survey:
        """Count, and change nothing."""
        ...

    def delete(self, *, before: datetime) -> Iterator[Step]:
        """Delete what is older, step by step. Ending between two steps loses nothing; the next run goes on."""
        ...


@dataclass(frozen=True)
class Rows:
    """The old rows of one table."""

    name: str
    keep: Callable[[], timedelta]
    old: Callable[[datetime], QuerySet[Any]]
    """The rows that may go when all before this time is old."""
    by: str
    """The indexed column that tells their age."""
    among: Callable[[], QuerySet[Any]] | None = None
    """The rows of this kind, where the table has others, too."""

    def survey(self, *, before: datetime) -> Survey:
        """Count, and change nothing."""
        rows = self.old(before)
        total = 0 if self.among else estimated_count(rows.model)
        is_estimate = total > ESTIMATE_ABOVE
        everything = self.among() if self.among else rows.model._base_manager.all()  # noqa: SLF001 - documented
        return Survey(
            kind=self.name,
            before=before,
            total=total if is_estimate else everything.count(),
            is_estimate=is_estimate,
            removable=rows.count(),
            oldest=everything.aggregate(oldest=Min(self.by))["oldest"],
        )

    def delete(self, *, before: datetime) -> Iterator[Step]:
        """Delete in batches, each a short transaction of its own.

        Rows that somebody else has locked are left for the next run, so this waits for nobody; that includes a second
        clean-up, with which it shares the work. Each batch starts where the one before ended: neither the rows that
        must stay nor the dead ones are read again and again.
        """
        reached: datetime | None = None
        while True:
            rows = self.old(before)
            if reached is not None:
                rows = rows.filter(**{f"{self.by}__gte": reached})
            with transaction.atomic():
                # Locked, they are judged again as they are now: a job that was just retried stays.
                locked = rows.order_by(self.by).select_for_update(skip_locked=True)
                taken = list(locked.values_list("pk", self.by)[:BATCH])
                rows.model._base_manager.filter(pk__in=[key for key, _ in taken]).delete()  # noqa: SLF001
            if taken:
                yield Step(len(taken))
                reached = taken[-1][1]
            if len(taken) < BATCH:
                return


@dataclass(frozen=True)
class Contents:
    """What old rows of one table hold beside what stays: it is emptied, and the rows stay."""

    name: str
    keep: Callable[[], timedelta]
    full: Callable[[], QuerySet[Any]]
    """The rows that still hold it, by an index that has no others."""
    by: str
    """The column of that index, which tells their age."""
    empty: Mapping[str, Any]
    """The columns to be emptied, each with what it then holds."""

    def survey(self, *, before: datetime) -> Survey:
        """Count, and change nothing."""
        rows = self.full()
        planned = planned_count(rows)
        is_estimate = planned > ESTIMATE_ABOVE
        return Survey(
            kind=self.name,
            before=before,
            total=planned if is_estimate else rows.count(),
            is_estimate=is_estimate,
            removable=rows.filter(**{f"{self.by}__lt": before}).count(),
            oldest=rows.aggregate(oldest=Min(self.by))["oldest"],
        )

    def delete(self, *, before: datetime) -> Iterator[Step]:
        """Empty them, oldest first, in batches as `Rows` deletes them: waiting for nobody, each a transaction."""
        old = self.full().filter(**{f"{self.by}__lt": before}).order_by(self.by)
        reached: datetime | None = None
        while True:
            rows = old if reached is None else old.filter(**{f"{self.by}__gte": reached})
            with transaction.atomic():
                locked = rows.select_for_update(skip_locked=True, of=("self",))
                taken = list(locked.values_list("pk", self.by)[:BATCH])
                rows.model._base_manager.filter(pk__in=[key for key, _ in taken]).update(**self.empty)  # noqa: SLF001
            if taken:
                yield Step(len(taken))
                reached = taken[-1][1]
            if len(taken) < BATCH:
                return
