"""Jobs that leave one row each, set by set and one by one."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from benchmarks import effects
from jobs import outcomes
from jobs.registry import Attempt, handler

TYPES = [f"bench_type_{number}" for number in range(10)]


@dataclass(frozen=True)
class Numbered:
    number: int = 0


@handler("bench_many", Numbered, many=True)
def run_many(attempts: Sequence[Attempt[Numbered]]) -> None:
    """The effects of the whole set, in the transaction of its outcomes."""
    effects.record_many([attempt.payload.number for attempt in attempts])


@handler("bench_one", Numbered)
def run_one(attempt: Attempt[Numbered]) -> None:
    """One effect and its outcome in one transaction."""
    with transaction.atomic():
        effects.record(attempt.payload.number)
        outcomes.complete([attempt], now=timezone.now())


@handler("bench_warm", Numbered)
def warm_up(attempt: Attempt[Numbered]) -> None:
    """Leaves nothing."""


for _name in TYPES:
    handler(_name, Numbered, many=True)(run_many)
