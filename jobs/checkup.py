"""The check-up: each app registers checks of what it needs to work; a job runs them and keeps what they found."""

import math
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

import structlog
from django.db import Error as DatabaseError
from django.db import connection, transaction

from jobs import outcomes
from jobs.models import HealthResult, HealthStatus

log = structlog.get_logger(__name__)

JOB_TYPE = "health_check"
EVERY = timedelta(minutes=5)
FRESH = 3 * EVERY
"""What was found longer ago says nothing about now."""
KEEP = timedelta(days=30)
TIME_LIMIT = timedelta(seconds=10)
LONGEST_NAME = 50

Numbers = Mapping[str, float | int | str | None]


@dataclass(frozen=True)
class Finding:
    """What a check found."""

    status: HealthStatus
    detail: str
    """One sentence: what is so, and how to mend it."""
    numbers: Numbers = field(default_factory=dict)


class Check(Protocol):
    """Looks, and tells. What it raises counts as `failed`."""

    def __call__(self, *, now: datetime) -> Finding: ...


@dataclass(frozen=True)
class Report:
    """One run of one check."""

    check_name: str
    finding: Finding
    checked_at: datetime
    duration_ms: int


@dataclass(frozen=True)
class _Registered:
    check: Check
    time_limit: timedelta


_registered: dict[str, _Registered] = {}
_hanging: dict[str, threading.Thread] = {}


def register(name: str, check: Check, *, time_limit: timedelta = TIME_LIMIT) -> None:
    """Add a check, at import of an app's `health_checks.py`. A check that takes longer than `time_limit` has failed."""
    if not 0 < len(name) <= LONGEST_NAME or outcomes.storable(name) != name:
        raise ValueError(f"A check's name has 1 to {LONGEST_NAME} characters, unlike {name!r}.")
    known = _registered.get(name)
    if known is not None and known.check is not check:
        raise ValueError(f"There is already a check called {name!r}.")
    _registered[name] = _Registered(check, time_limit)


def ok(detail: str, **numbers: float | str | None) -> Finding:
    """All is well."""
    return Finding(HealthStatus.OK, detail, numbers)


def degraded(detail: str, **numbers: float | str | None) -> Finding:
    """It works, and somebody should look."""
    return Finding(HealthStatus.DEGRADED, detail, numbers)


def failed(detail: str, **numbers: float | str | None) -> Finding:
    """It does not work."""
    return Finding(HealthStatus.FAILED, detail, numbers)


def run_all(*, now: datetime) -> list[Report]:
    """Run every check, one after the other. None can hold up the others, nor make them fail."""
    return [_run(name, entry, now=now) for name, entry in sorted(_registered.items())]


def record(reports: Sequence[Report], *, worker: str, now: datetime) -> list[HealthResult]:
    """Keep the reports, and forget what is older than KEEP. Returns the changes of state, which are logged too.

    A row is a time during which a check found the same: a report of the same state renews it, another one ends it.
    So the table grows with changes only.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            # One recorder after the other: each must see what the one before it has made current.
            cursor.execute("LOCK TABLE health_results IN SHARE ROW EXCLUSIVE MODE")
        current = {row.check_name: row for row in HealthResult.objects.filter(is_current=True)}
        changes = [
            change
            for report in reports
            if (change := _keep(report, current.get(report.check_name), worker=worker, now=now)) is not None
        ]
        HealthResult.objects.filter(checked_at__lt=now - KEEP).delete()
    for change in changes:
        before = current.get(change.check_name)
        tell = log.info if change.status == HealthStatus.OK else log.warning
        if before is not None or change.status != HealthStatus.OK:
            was = before.status if before is not None else None
            tell("health.changed", check=change.check_name, status=change.status, was=was, detail=change.detail)
    return changes


def latest() -> list[HealthResult]:
    """What each check found last."""
    return list(HealthResult.objects.filter(is_current=True).order_by("check_name"))


def is_fresh(result: HealthResult, *, now: datetime) -> bool:
    """Whether it still says something about now."""
    return abs(now - result.checked_at) < FRESH  # one from the future is of a host whose clock is wrong


def is_trouble(result: HealthResult, *, now: datetime) -> bool:
    """Whether something is wrong now, by this result."""
    return result.status != HealthStatus.OK and is_fresh(result, now=now)


def _keep(report: Report, before: HealthResult | None, *, worker: str, now: datetime) -> HealthResult | None:
    """Write one report; return the new row if the state has changed."""
    finding = report.finding
    # Farther ahead than a run can last is a host whose clock was wrong: the state must not freeze until then.
    if before is not None and report.checked_at < before.checked_at < now + EVERY:
        return None  # a slower run, overtaken by a newer one
    values = {
        "checked_at": report.checked_at,
        "detail": finding.detail,
        "numbers": dict(finding.numbers),
        "duration_ms": report.duration_ms,
        "worker": worker,
    }
    if before is not None and before.status == finding.status:
        began_at = min(before.began_at, report.checked_at)
        HealthResult.objects.filter(pk=before.pk).update(began_at=began_at, **values)
        return None
    if before is not None:
        HealthResult.objects.filter(pk=before.pk).update(is_current=False)
    return HealthResult.objects.create(
        check_name=report.check_name, status=finding.status, began_at=report.checked_at, is_current=True, **values
    )


def _run(name: str, entry: _Registered, *, now: datetime) -> Report:
    began = time.monotonic()
    finding = _in_time(name, entry, now=now)
    return Report(name, finding, now, round((time.monotonic() - began) * 1000))


def _in_time(name: str, entry: _Registered, *, now: datetime) -> Finding:
    """Run the check in a thread of its own: a file system that does not answer cannot be interrupted."""
    hanging = _hanging.get(name)
    if hanging is not None and hanging.is_alive():
        return failed("An earlier run of this check still hangs in this process.")
    answers: list[Finding] = []
    thread = threading.Thread(target=_ask, args=(entry, now, answers), name=f"health check {name}", daemon=True)
    thread.start()
    thread.join(entry.time_limit.total_seconds())
    if answers:
        return answers[0]
    _hanging[name] = thread
    return failed(f"There was no answer within {entry.time_limit.total_seconds():g} seconds.")


def _ask(entry: _Registered, now: datetime, answers: list[Finding]) -> None:
    try:
        _limit_statements(entry.time_limit)
        answers.append(_proper(entry.check(now=now)))
    except Exception as error:  # of any kind: it is what the check found
        first_line = next(iter(outcomes.describe(error).splitlines()), "")
        answers.append(failed(f"The check itself failed. {first_line}"))
    finally:
        connection.close()


def _proper(found: object) -> Finding:
    """The finding, fit to be stored: a bad one must not take those of the others with it. Raises TypeError and
    ValueError.
    """
    if not isinstance(found, Finding):
        raise TypeError(f"It returned {type(found).__name__} in place of a finding.")
    numbers = {outcomes.storable(name): _proper_number(name, value) for name, value in found.numbers.items()}
    return Finding(HealthStatus(found.status), outcomes.storable(found.detail), numbers)


def _proper_number(name: str, value: object) -> float | int | str | None:
    if isinstance(value, str):
        return outcomes.storable(value)
    if value is None or (isinstance(value, int | float) and math.isfinite(value)):
        return value
    raise ValueError(f"Its number {name!r} cannot be stored: {value!r}.")


def _limit_statements(limit: timedelta) -> None:
    """Let the server end what we no longer wait for. Without a database the check itself will say so."""
    with suppress(DatabaseError), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('statement_timeout', %s, false)", [f"{limit.total_seconds() * 1000:.0f}"])
