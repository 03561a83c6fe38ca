"""The breaker in front of a model's endpoint, one row for all workers. Uses the database's clock."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from django.db import connection
from django.db.models import Value
from django.db.models.functions import Now

from followups.models import LlmCircuit

OPENS_AFTER: Final = 3
FIRST_WAIT: Final = timedelta(minutes=5)
LONGEST_WAIT: Final = timedelta(hours=1)
_LONGEST_ERROR: Final = 255
_FAILURE: Final = (Path(__file__).parent.parent / "sql" / "llm_circuit_failure_v1.sql").read_text()


@dataclass(frozen=True)
class Permit:
    """The right to ask once. Whoever has it says afterwards how it went, by `succeed` or `fail`."""

    endpoint: str
    is_trial: bool
    """The one call that is let through after the wait, to see whether the endpoint is well again."""


def is_closed(endpoint: str) -> bool:
    """Whether asking may be worth while. Only `enter` gives the right to ask."""
    return not LlmCircuit.objects.filter(pk=endpoint, open_until__gt=Now()).exists()


def enter(endpoint: str, *, trial: timedelta) -> Permit | None:
    """Return the right to ask, or None while nobody may.

    After the wait exactly one caller gets it: the update that moves `open_until` on decides who. Should that caller
    die, the next one may try when `trial` has passed.
    """
    opened = LlmCircuit.objects.filter(pk=endpoint, open_until__isnull=False)
    if not opened.exists():
        return Permit(endpoint, is_trial=False)
    taken = opened.filter(open_until__lte=Now()).update(open_until=Now() + Value(trial), updated_at=Now())
    return Permit(endpoint, is_trial=True) if taken else None


def succeed(permit: Permit) -> None:
    """The endpoint has answered: forget its failures. A row without any is not written."""
    troubled = LlmCircuit.objects.filter(pk=permit.endpoint).exclude(failures=0, open_until=None)
    troubled.update(failures=0, open_until=None, last_error="", updated_at=Now())


def fail(permit: Permit, *, error: str, retry_after: timedelta | None = None) -> None:
    """The endpoint has failed. `retry_after` is how long it wants to be left alone, if it said so."""
    values: dict[str, Any] = {
        "endpoint": permit.endpoint,
        "is_trial": permit.is_trial,
        "opens_after": OPENS_AFTER,
        "first": FIRST_WAIT,
        "longest": LONGEST_WAIT,
        "retry_after": retry_after,
        "error": error[:_LONGEST_ERROR],
    }
    with connection.cursor() as cursor:
        cursor.execute(_FAILURE, values)
