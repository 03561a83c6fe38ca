#!/usr/bin/env python
"""Checkback's command line: `python manage.py help` lists the commands."""

import os
import sys

# Commands of others that would go on failing without a database, instead of ending. Ours look for themselves.
NEED_DATABASE_AT_START = {"qcluster", "runserver"}


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    from django.conf import settings
    from django.core.management import execute_from_command_line

    from config import database

    try:
        settings.INSTALLED_APPS  # noqa: B018 - read now: Django hides a mistake in them behind "unknown command"
        if NEED_DATABASE_AT_START.intersection(sys.argv[1:2]):
            database.require()
        execute_from_command_line(sys.argv)
    except KeyboardInterrupt:
        sys.exit(130)  # what a shell says of a program that Ctrl-C ended
    except Exception as error:
        sentence = database.explain(error)
        if sentence is None or "--traceback" in sys.argv:
            raise
        sys.exit(sentence)


if __name__ == "__main__":
    main()
