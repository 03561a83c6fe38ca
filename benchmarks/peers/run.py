"""A peer's process: makes its database, takes one measure, prints it as JSON. Started by `benchmarks.peers.measure`."""

import json
import sys
from importlib import import_module
from typing import Any

from benchmarks import effects, harness, measures


def main() -> None:
    """`python -m benchmarks.peers.run MEASURE OPTIONS`, with the settings and the database in the environment."""
    what, options = sys.argv[1], json.loads(sys.argv[2])
    import django
    from django.conf import settings
    from django.core.management import call_command

    harness.end_in_order()
    django.setup()
    _create(settings.DATABASES["default"]["NAME"])
    try:
        call_command("migrate", verbosity=0)
        effects.create()
        engine = import_module(f"benchmarks.peers.{settings.BENCHMARK_PEER}").engine()
        result: Any = getattr(measures, what)(engine, **options)
        print(json.dumps(result))
    finally:
        harness.clean_up()


def _create(name: str) -> None:
    from django.db import connection

    with connection._nodb_cursor() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        cursor.execute(f"CREATE DATABASE {name}")


if __name__ == "__main__":
    main()
