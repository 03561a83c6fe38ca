"""Handlers that do what their payload says."""

import os
import time
from asyncio import CancelledError
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from jobs import outcomes, pauses, recurring
from jobs.errors import OutcomeUnknown, PermanentFailure, RateLimited, Snooze
from jobs.policies import Policy, Rate
from jobs.registry import Attempt, handler
from tests.jobs.sample import effects


@dataclass(frozen=True)
class Sample:
    key: str = ""
    behave: str = ""
    gate: str = ""
    release: str = ""


@dataclass(frozen=True)
class Picky(Sample):
    def __post_init__(self) -> None:
        # Meant for text; a number has no such method, which is neither a TypeError nor a ValueError.
        self.key.upper()


class _Wordless(Exception):
    def __str__(self) -> str:
        raise ValueError("it cannot even say what it is")


def _error(behave: str) -> Exception | None:
    in_two_hours = timezone.now() + timedelta(hours=2)
    errors: dict[str, Exception] = {
        "fail": RuntimeError("it broke"),
        "permanent": PermanentFailure("it can never work"),
        "limited": RateLimited("slow down", retry_after=timedelta(seconds=90)),
        "unknown": OutcomeUnknown("no answer"),
        "snooze": Snooze("not now", until=in_two_hours),
        "half a character": RuntimeError("half \ud800 of one"),
        "no words": _Wordless(),
        "limited for ever": RateLimited("slow down", retry_after=timedelta.max),
        "snooze in odd words": Snooze("nul \x00, half \ud800" + "x" * 20_000, until=in_two_hours),
        "snooze for ever": Snooze("not now", until=datetime.max.replace(tzinfo=timezone.get_fixed_timezone(-60))),
    }
    return errors.get(behave)


def _behave(payload: Sample) -> None:
    if error := _error(payload.behave):
        raise error
    if payload.behave == "wait":
        Path(payload.gate).read_text()  # a pipe: until somebody writes
    if payload.behave == "lose the database":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")
    if payload.behave == "exit":
        raise SystemExit(1)
    if payload.behave == "interrupt":
        raise KeyboardInterrupt
    if payload.behave == "cancelled":
        raise CancelledError
    if payload.behave == "limited in seconds":
        raise RateLimited("slow down", retry_after=90)  # type: ignore[arg-type]  # as a careless author writes it
    if payload.behave == "hang":
        # Tells who runs it, then waits to be killed.
        Path(payload.gate).write_text(str(os.getpid()))
        time.sleep(600)


def _reach(moment: str, payload: Sample) -> None:
    """Dawdle at every moment, or stop at the one that the payload names until the release file is there.

    A stop is made once: the next attempt finds the gate and passes.
    """
    if payload.behave == "dawdle":
        time.sleep(0.005)
    if payload.behave == f"stop_{moment}":
        with suppress(FileExistsError):
            with Path(payload.gate).open("x") as gate:
                gate.write(str(os.getpid()))
            while not Path(payload.release).exists():
                time.sleep(0.02)


@handler("sample_one", Sample)
def run_one(attempt: Attempt[Sample]) -> None:
    _behave(attempt.payload)
    _reach("before_effect", attempt.payload)
    effects.add(attempt.payload.key)
    _reach("after_effect", attempt.payload)


@handler("sample_own_transaction", Sample)
def run_own_transaction(attempt: Attempt[Sample]) -> None:
    _reach("before_effect", attempt.payload)
    with transaction.atomic():
        effects.add(attempt.payload.key)
        outcomes.complete([attempt], now=timezone.now())
        _behave(attempt.payload)
        if attempt.payload.behave == "change its mind":
            transaction.set_rollback(True)
        _reach("after_effect", attempt.payload)
    _reach("after_outcome", attempt.payload)


@handler("sample_once_only", Sample, policy=Policy(repeatable=False))
def run_once_only(attempt: Attempt[Sample]) -> None:
    _behave(attempt.payload)
    _reach("before_effect", attempt.payload)
    effects.add(attempt.payload.key)
    _reach("after_effect", attempt.payload)


@handler("sample_one_at_a_time", Sample, policy=Policy(concurrency=1))
def run_one_at_a_time(attempt: Attempt[Sample]) -> None:
    _behave(attempt.payload)
    effects.add(attempt.payload.key)


@handler("sample_three_a_minute", Sample, policy=Policy(rate=Rate(3, timedelta(minutes=1))))
def run_three_a_minute(attempt: Attempt[Sample]) -> None:
    _behave(attempt.payload)
    effects.add(attempt.payload.key)


@handler("sample_pauses_itself", Sample)
def run_and_pause(attempt: Attempt[Sample]) -> None:
    effects.add(attempt.payload.key)
    pauses.pause(attempt.job_type, by="itself", now=timezone.now())
    time.sleep(1.5 * pauses.LOOK_EVERY_SECONDS)  # until the next look is due


@handler("sample_switches_off", Sample)
def run_and_switch_off(attempt: Attempt[Sample]) -> None:
    effects.add(attempt.payload.key)
    settings.JOB_SCHEDULER_ENABLED = False


SHORT = timedelta(milliseconds=200)


@handler("sample_short", Sample, policy=Policy(timeout=SHORT))
def run_short(attempt: Attempt[Sample]) -> None:
    _overrun(attempt.payload)


@handler("sample_short_once_only", Sample, policy=Policy(timeout=SHORT, repeatable=False))
def run_short_once_only(attempt: Attempt[Sample]) -> None:
    _overrun(attempt.payload)


@handler("sample_short_many", Sample, many=True, policy=Policy(timeout=SHORT))
def run_short_many(attempts: Sequence[Attempt[Sample]]) -> None:
    for attempt in attempts:
        effects.add(attempt.payload.key)
        _overrun(attempt.payload)


def _overrun(payload: Sample) -> None:
    """Take longer than the time-out, in the way that the payload names."""
    if payload.behave == "compute":
        while True:
            pass
    if payload.behave == "swallow":
        while True:
            with suppress(BaseException):
                time.sleep(60)
    if payload.behave == "query":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(60)")
    if payload.behave == "transaction":
        with transaction.atomic(), connection.cursor() as cursor:
            effects.add(payload.key)
            cursor.execute("UPDATE scheduled_jobs SET priority = priority WHERE status = 'running'")  # holds the rows
            cursor.execute("SELECT pg_sleep(60)")


@handler(
    "sample_with_defaults",
    Sample,
    policy=Policy(
        max_retries=1, priority=4, max_lateness=timedelta(hours=2), unique_key=lambda payload: payload.key or None
    ),
)
def run_with_defaults(attempt: Attempt[Sample]) -> None:
    effects.add(attempt.payload.key)


@handler("sample_many", Sample, many=True)
def run_many(attempts: Sequence[Attempt[Sample]]) -> None:
    for attempt in attempts:
        _reach("before_effect", attempt.payload)
        effects.add(attempt.payload.key)
        _behave(attempt.payload)
        _reach("after_effect", attempt.payload)


@handler("sample_picky", Picky)
def run_picky(attempt: Attempt[Picky]) -> None:
    effects.add(attempt.payload.key)


@dataclass(frozen=True)
class Planned:
    key: str = ""
    planned_at: str = ""


@handler("sample_planned", Planned)
def run_planned(attempt: Attempt[Planned]) -> None:
    effects.add(attempt.payload.planned_at)


# Too rare to come in between the tests of other things.
recurring.register(
    "sample-leap-day",
    job_type="sample_planned",
    payload=Planned(key="kept"),
    cron="0 0 29 2 *",
    catch_up=recurring.CatchUp.ALL,
    describe="Notes the planned time.",
)
