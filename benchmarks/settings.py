"""Settings of a benchmark's cluster. BENCHMARK_ENGINE chooses who runs the work: `checkback` or `stock` Django-Q2."""

import os

from config.settings import *  # noqa: F403
from config.settings import INSTALLED_APPS, Q_CLUSTER

INSTALLED_APPS = [*INSTALLED_APPS, "benchmarks.sample"]

if os.environ.get("BENCHMARK_ENGINE") == "stock":
    # The ORM broker as its documentation tunes it; `save_limit` 0 keeps a row for each finished task, as we do.
    Q_CLUSTER = {
        "name": "stock",
        "orm": "default",
        "workers": 2,
        "timeout": 60,
        "retry": 120,
        "save_limit": 0,
        "bulk": 50,
        "poll": 0.05,
        "catch_up": False,
    }
else:
    Q_CLUSTER = {**Q_CLUSTER, "workers": 2}
