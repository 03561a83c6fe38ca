"""Handlers that do what their payload says."""

import os
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from django.db import transaction
from django.utils import timezone

from jobs import outcomes
from jobs.errors import OutcomeUnknown, PermanentFailure, RateLimited, Snooze
from jobs.registry import Attempt, handler
from tests.jobs.sample import effects


@dataclass(frozen=True)
class Sample:
    key: str = ""
    behave: str = ""
    gate: str = ""
    release: str = ""


def _behave(payload: Sample) -> None:
    if payload.behave == "fail":
        raise RuntimeError("it broke")
    if payload.behave == "permanent":
        raise PermanentFailure("it can never work")
    if payload.behave == "limited":
        raise RateLimited("slow down", retry_after=timedelta(seconds=90))
    if payload.behave == "unknown":
        raise OutcomeUnknown("no answer")
    if payload.behave == "snooze":
        raise Snooze("not now", until=timezone.now() + timedelta(hours=2))
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
        _reach("after_effect", attempt.payload)
    _reach("after_outcome", attempt.payload)


@handler("sample_once_only", Sample, repeatable=False)
def run_once_only(attempt: Attempt[Sample]) -> None:
    _behave(attempt.payload)
    _reach("before_effect", attempt.payload)
    effects.add(attempt.payload.key)
    _reach("after_effect", attempt.payload)


@handler("sample_many", Sample, many=True)
def run_many(attempts: Sequence[Attempt[Sample]]) -> None:
    for attempt in attempts:
        _reach("before_effect", attempt.payload)
        effects.add(attempt.payload.key)
        _behave(attempt.payload)
        _reach("after_effect", attempt.payload)
