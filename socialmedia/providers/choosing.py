"""Which providers there are, and which one is asked. A provider is one module of this package: a class that answers by
the protocol, and `choosing.register("its_name", function_that_makes_one)`.
"""

import importlib
import pkgutil
from collections.abc import Callable
from datetime import timedelta
from functools import cache
from typing import Final

from socialmedia import conf, providers
from socialmedia.providers.base import NotConfigured, Provider
from socialmedia.providers.metering import Metered

PATIENCE: Final = timedelta(seconds=5)
Factory = Callable[[], Provider]

_factories: dict[str, Factory] = {}


def register(name: str, factory: Factory) -> None:
    """Add a provider, at import of its module. The factory raises NotConfigured when something is missing."""
    _factories[name] = factory


def names() -> list[str]:
    """Every provider, sorted."""
    _load()
    return sorted(_factories)


def find(name: str = "", *, patience: timedelta = PATIENCE) -> Provider:
    """The provider of this name, or the configured one. What it is asked goes by its budget and into the log of calls.

    `patience` is how long a call may wait for its place in the budget, for the end of a stop, and for another try after
    a failure. Nobody is asked yet.

    Raises:
        NotConfigured: there is no such provider, or it lacks its key.
    """
    _load()
    name = name or conf.provider().name
    if name not in _factories:
        raise NotConfigured(f"There is no provider {name!r}: set TIKTOK_PROVIDER to one of {', '.join(names())}.")
    return Metered(_factories[name](), patience=patience)


@cache
def _load() -> None:
    for module in pkgutil.iter_modules(providers.__path__):
        importlib.import_module(f"{providers.__name__}.{module.name}")
