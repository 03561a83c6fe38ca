"""Django's settings of a peer: the least that it needs, on the database that the benchmark made."""

import json
import os
from importlib import import_module

_peer = import_module(f"benchmarks.peers.{os.environ['BENCHMARK_PEER']}")

SECRET_KEY = "benchmark"
BENCHMARK_PEER = os.environ["BENCHMARK_PEER"]
USE_TZ = True
TIME_ZONE = "UTC"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = {
    "default": {**json.loads(os.environ["BENCHMARK_DATABASE"]), "CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True}
}
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth"]
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
}
INSTALLED_APPS += _peer.SETTINGS.pop("INSTALLED_APPS")
globals().update(_peer.SETTINGS)
