"""Jobs that call a function of the operator's own by its name, without a job type of their own."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

Arguments = dict[str, Any]
C = TypeVar("C", bound=Callable[[Arguments], None])

JOB_TYPE = "custom"

_callables: dict[str, Callable[[Arguments], None]] = {}


class UnknownCallable(ValueError):
    """Nothing is registered under this name."""


@dataclass(frozen=True)
class Custom:
    """Payload: the name of a registered callable, and what it is given."""

    callable: str = ""
    arguments: Arguments = field(default_factory=dict)

    def __post_init__(self) -> None:
        find(self.callable)
        if not isinstance(self.arguments, dict):
            raise TypeError(f"arguments is an object, like {{}}, not {self.arguments!r}.")


def register(name: str) -> Callable[[C], C]:
    """Let jobs of the type `custom` call the decorated function by this name. Put it into an app's `handlers.py`.

    It is called with the job's `arguments`, outside any transaction, and fails as every handler does: an exception is
    tried again, those of `jobs.errors` say otherwise.
    """

    def keep(function: C) -> C:
        known = _callables.get(name)
        if known is not None and known.__qualname__ != function.__qualname__:
            raise ValueError(f"The custom callable {name!r} exists already: {known.__qualname__}.")
        _callables[name] = function
        return function

    return keep


def find(name: str) -> Callable[[Arguments], None]:
    """The callable of this name. Raises UnknownCallable."""
    if not isinstance(name, str) or name not in _callables:
        known = ", ".join(sorted(_callables)) or "none"
        raise UnknownCallable(f"No custom callable is registered as {name!r} (known: {known}).")
    return _callables[name]


def call(payload: Custom) -> None:
    """Call what the payload names."""
    find(payload.callable)(payload.arguments)
