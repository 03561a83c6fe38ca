"""`python -m tests.crash`: fill the crash matrix on a PostgreSQL of its own and print it."""

import argparse
import json
import os
import sys
from pathlib import Path

from tests import support

DEFAULT_ROUNDS = 4


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.crash", description=__doc__)
    parser.add_argument("--rounds", type=int, default=DEFAULT_ROUNDS, help="of flowing jobs for each victim")
    parser.add_argument("--seed", type=int, default=1, help="chooses the moments of the kills")
    parser.add_argument("--victims", nargs="+", help="only these")
    parser.add_argument("--no-points", action="store_true", help="leave out the kills at the commit point")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--markdown", action="store_true", help="print the block of docs/guarantees.md")
    options = parser.parse_args()
    with support.data_folder() as data:
        _prepare(data)
        return _run(options, data)


def _prepare(data: Path) -> None:
    """Let Django use an embedded PostgreSQL in this folder, whatever the environment says."""
    environment = support.environment(data, DJANGO_SETTINGS_MODULE="tests.settings", LOG_LEVEL="INFO")
    os.environ.clear()
    os.environ.update(environment)
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
    from django_q.models import Schedule

    Schedule.objects.all().delete()


def _run(options: argparse.Namespace, data: Path) -> int:
    from tests.crash import matrix, report

    result = matrix.Result()
    for victim in options.victims or matrix.VICTIMS:
        for number in range(options.rounds):
            _say(f"{victim}, round {number + 1} of {options.rounds}")
            seed = options.seed + number
            matrix.run_flow(result, victim, seed=seed, folder=data / f"{victim}-{number}")
        if not options.no_points:
            _say(f"{victim}, at the commit point")
            matrix.run_points(result, victim, folder=data / f"{victim}-points")
    if options.json:
        sys.stdout.write(json.dumps(result.as_json()) + "\n")
    elif options.markdown:
        sys.stdout.write(report.markdown(result))
    else:
        sys.stdout.write(report.text(result))
    for text in result.violations():
        _say(f"BROKEN: {text}")
    return 1 if result.violations() else 0


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
