"""Settings of the scripts and of the processes that they start: the project's own, with the sample jobs."""

import os

from config.settings import *  # noqa: F403
from config.settings import DISCORD_REQUESTS_PER_SECOND as _PACE
from config.settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "benchmarks.sample"]
DISCORD_REQUESTS_PER_SECOND = int(os.environ.get("BENCHMARK_DISCORD_PACE", _PACE))
"""relay.py also asks what the relay could do if Discord allowed more."""
