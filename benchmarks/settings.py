"""Settings of the scripts and of the clusters that they start: the project's own, with the sample jobs."""

from config.settings import *  # noqa: F403
from config.settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "benchmarks.sample"]
