"""Figures of each day, kept for good: what the apps count, in one small table that the console reads.

A day is a day in UTC, for every figure and every installation: schedules run by UTC, and changing the community's time
zone does not give old figures another meaning.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from django.db import connection

from jobs import conf, sql, stats
from jobs.models import DailyFigure, ScheduledJob

JOB_TYPE = "analytics"
DAY = timedelta(days=1)
MOST_DAYS = 30
"""So far back the daily run looks for days that nobody has collected, as after a long stop."""
SETTLED_AFTER = timedelta(days=7)
"""So long a day is collected again: the bot learns late what happened while it was away, and attempts end later."""
ALL = 2**31 - 1

_collectors: dict[str, "Collector"] = {}


class CannotCollect(ValueError):
    """There are no true figures of that day to be had; the message says why."""


@dataclass(frozen=True)
class Span:
    """One day: from `since`, up to and without `until`."""

    since: datetime
    until: datetime


Collect = Callable[[Span], Mapping[str, float | None]]


@dataclass(frozen=True)
class Collector:
    """Where an app's figures come from."""

    collect: Collect
    """The figures of a day by name; None where nothing was measured."""
    keep: Callable[[], timedelta]
    """How long the rows stay that they are made from."""
    measured_over: Mapping[str, str]
    """The figures that are no counts, each with the name of the count that it is measured over."""


@dataclass(frozen=True)
class Analytics:
    """Payload: the day, like 2026-05-04. None: yesterday, and what is missing of the days before."""

    day: str | None = None

    def __post_init__(self) -> None:
        if self.day is not None:
            read_day(self.day)


def register(
    prefix: str, collect: Collect, *, keep: Callable[[], timedelta], measured_over: Mapping[str, str] | None = None
) -> None:
    """Take an app's figures in, named `prefix.name`, at import of its `handlers.py`.

    `collect` must read no more than the day, by an index. Collected again, a count never falls, since rows are only
    deleted; a figure of `measured_over` is replaced unless the count that it names is lower by then.
    """
    _collectors[prefix] = Collector(collect, keep, measured_over or {})


def read_day(text: object) -> date:
    """The day that a payload names. Raises CannotCollect."""
    try:
        return date.fromisoformat(text)  # type: ignore[arg-type]  # whatever it is, it is judged here
    except (TypeError, ValueError):
        raise CannotCollect(f"The day {text!r} is no date: write it like 2026-05-04, or null for yesterday.") from None


def collect_for(payload: Analytics, *, now: datetime) -> dict[date, dict[str, float]]:
    """Collect what a job asks for, and return the figures by day. Raises CannotCollect."""
    if payload.day is None:
        return collect_recent(now=now)
    day = read_day(payload.day)
    return {day: collect(day, now=now)}


def collect(day: date, *, now: datetime) -> dict[str, float]:
    """Fill the table for one day, and return what it now holds of it. Doing it again lowers no count.

    Raises:
        CannotCollect: the day is not over, or so long ago that rows it is counted from may have been deleted.
    """
    span = _span(day)
    if span.until > now:
        raise CannotCollect(f"{day} is not over yet (days end at midnight UTC).")
    if day < _first_day(now):
        raise CannotCollect(f"{day} is too long ago: the rows it would be counted from may have been deleted since.")
    found = {
        f"{prefix}.{name}": float(value)
        for prefix, collector in _collectors.items()
        for name, value in collector.collect(span).items()
        if value is not None
    }
    over = {
        f"{prefix}.{name}": f"{prefix}.{count}"
        for prefix, collector in _collectors.items()
        for name, count in collector.measured_over.items()
    }
    with connection.cursor() as cursor:
        cursor.execute(
            sql.read("daily_figures_v1"),
            {
                "day": day,
                "names": list(found),
                "values": list(found.values()),
                "measured_over": [over.get(name) for name in found],
            },
        )
    return dict(DailyFigure.objects.filter(day=day).values_list("name", "value"))


def collect_recent(*, now: datetime) -> dict[date, dict[str, float]]:
    """Collect yesterday, the days of the week before once more, and those before that which are missing."""
    yesterday = now.astimezone(UTC).date() - DAY
    first = max(_first_day(now), yesterday - (MOST_DAYS - 1) * DAY)
    known = set(DailyFigure.objects.filter(day__gte=first).values_list("day", flat=True).distinct())
    unsettled = yesterday - SETTLED_AFTER + DAY
    days = [first + number * DAY for number in range((yesterday - first).days + 1)]
    return {day: collect(day, now=now) for day in days if day >= unsettled or day not in known}


def series(names: Sequence[str], *, since: date) -> dict[str, dict[date, float]]:
    """Some figures of each day from `since` on."""
    found: dict[str, dict[date, float]] = {name: {} for name in names}
    rows = DailyFigure.objects.filter(day__gte=since, name__in=names).order_by("day")
    for day, name, value in rows.values_list("day", "name", "value"):
        found[name][day] = value
    return found


def _span(day: date) -> Span:
    since = datetime.combine(day, time(), UTC)
    return Span(since, since + DAY)


def _first_day(now: datetime) -> date:
    """The first day whose rows are certainly all there. Yesterday always is: a clean-up keeps a day at least."""
    today = now.astimezone(UTC).date()
    kept = min((collector.keep() for collector in _collectors.values()), default=MOST_DAYS * DAY)
    return min(today - DAY, today - kept + DAY)


def of_jobs(span: Span) -> Mapping[str, float | None]:
    """The engine's own figures. The attempts by idx_job_history_time, the jobs by idx_scheduled_jobs_time_status.

    Jobs are counted by when they were due, since no index tells when they were enqueued.
    """
    attempts = stats.attempts_between(span.since, span.until, most=ALL)
    return {
        "executions": attempts.executions,
        "successes": attempts.successes,
        "failures": attempts.failures,
        "unknown": attempts.unknown,
        "expired": attempts.expired,
        "average_ms": attempts.average_ms,
        "p95_ms": attempts.p95_ms,
        "lateness_p99_seconds": attempts.lateness_p99,
        "due": ScheduledJob.objects.filter(scheduled_time__gte=span.since, scheduled_time__lt=span.until).count(),
    }


MEASURED = dict.fromkeys(("average_ms", "p95_ms", "lateness_p99_seconds"), "executions")
"""Those of `of_jobs` that are no counts."""


def keep_jobs() -> timedelta:
    """How long the rows stay that `of_jobs` counts."""
    settings = conf.current()
    return min(settings.keep_jobs, settings.keep_history)
