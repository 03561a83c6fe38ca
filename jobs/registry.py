"""Which handler runs which job type, and with what payload."""

import dataclasses
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar, overload
from uuid import UUID

from jobs.policies import Policy

P = TypeVar("P")


@dataclass
class Ending:
    """What is known here of an attempt's end."""

    is_recorded: bool = False
    """The transaction that completed the job is committed."""


@dataclass(frozen=True)
class Attempt(Generic[P]):
    """One run of one job, as its handler sees it."""

    job_id: str
    job_type: str
    payload: P
    scheduled_time: datetime
    number: int
    """1 for the first attempt."""
    lease_token: UUID
    """Names this attempt: `outcomes.complete` lets a handler finish the job inside its own transaction with it."""
    started_at: datetime | None = None
    """When the handler was entered."""
    ending: Ending = field(default_factory=Ending, compare=False, repr=False)


@dataclass(frozen=True)
class Handler:
    """A registered function and how the engine must treat its jobs."""

    job_type: str
    payload_type: type[Any]
    function: Callable[..., None]
    many: bool
    """Set-based: the function gets a list of attempts and runs in one transaction with all their outcomes."""
    policy: Policy


class UnknownJobType(Exception):
    """No handler is registered for this job type."""


class BrokenPayload(Exception):
    """A stored payload does not fit the handler's dataclass."""


_handlers: dict[str, Handler] = {}


@overload
def handler(
    job_type: str, payload: type[P], *, policy: Policy = ...
) -> Callable[[Callable[[Attempt[P]], None]], Callable[[Attempt[P]], None]]: ...


@overload
def handler(
    job_type: str, payload: type[P], *, many: bool, policy: Policy = ...
) -> Callable[[Callable[[Sequence[Attempt[P]]], None]], Callable[[Sequence[Attempt[P]]], None]]: ...


def handler(job_type: str, payload: type[Any], *, many: bool = False, policy: Policy = Policy()) -> Any:  # noqa: B008
    """Register the decorated function for `job_type`.

    `payload` is a frozen dataclass of JSON-friendly fields, each with a default: stored fields it does not know
    are ignored and missing ones take the default, so that old workers can meet new jobs.

    A per-job handler runs outside any transaction and may do I/O. It may finish its job inside its own
    transaction with `outcomes.complete(attempt, ...)`; otherwise returning completes the job. A set-based
    handler (`many=True`) runs inside the transaction that also records the outcomes: it must do no I/O.
    """

    def register(function: Callable[..., None]) -> Callable[..., None]:
        if not dataclasses.is_dataclass(payload):
            raise TypeError(f"The payload of {job_type!r} must be a dataclass.")
        known = _handlers.get(job_type)
        if known is not None and known.function.__qualname__ != function.__qualname__:
            raise ValueError(f"Job type {job_type!r} already has a handler: {known.function.__qualname__}.")
        _handlers[job_type] = Handler(job_type, payload, function, many, policy)
        return function

    return register


def find(job_type: str) -> Handler:
    """Return the handler of a job type. Raises UnknownJobType."""
    try:
        return _handlers[job_type]
    except KeyError:
        known = ", ".join(sorted(_handlers)) or "none"
        raise UnknownJobType(f"No handler is registered for job type {job_type!r} (known: {known}).") from None


def job_types() -> list[str]:
    """Every registered job type, sorted."""
    return sorted(_handlers)


def not_repeatable() -> list[str]:
    """The job types that must never run again after a crash."""
    return sorted(name for name, entry in _handlers.items() if not entry.policy.repeatable)


def repeatable() -> list[str]:
    """The job types that may run again after a crash."""
    return sorted(name for name, entry in _handlers.items() if entry.policy.repeatable)


def limited() -> dict[str, Policy]:
    """The policies of the job types of which only so many may run at once, or start in a span of time."""
    return {name: entry.policy for name, entry in sorted(_handlers.items()) if entry.policy.is_limited}


def read(entry: Handler, text: str) -> Any:
    """Make the handler's payload from stored JSON text. Raises BrokenPayload."""
    try:
        stored = json.loads(text)
    except (ValueError, RecursionError) as error:  # PostgreSQL keeps longer numbers and deeper nesting than Python
        raise BrokenPayload(f"The payload of {entry.job_type!r} cannot be read: {error}") from error
    return decode(entry, stored)


def decode(entry: Handler, stored: object) -> Any:
    """Make the handler's payload from what the row holds. Raises BrokenPayload."""
    if not isinstance(stored, Mapping):
        raise BrokenPayload(f"The payload of {entry.job_type!r} must be an object, not {type(stored).__name__}.")
    names = {field.name for field in dataclasses.fields(entry.payload_type)}
    try:
        return entry.payload_type(**{name: value for name, value in stored.items() if name in names})
    except Exception as error:  # a dataclass that checks itself may raise anything
        raise BrokenPayload(f"The payload of {entry.job_type!r} does not fit: {error}") from error


def encode(payload: object) -> dict[str, Any]:
    """Turn a payload dataclass, or a mapping, into what is stored."""
    if dataclasses.is_dataclass(payload) and not isinstance(payload, type):
        return dataclasses.asdict(payload)
    if isinstance(payload, Mapping):
        return dict(payload)
    raise TypeError(f"A payload is a dataclass or a mapping, not {type(payload).__name__}.")
