"""How the web process is served: `gunicorn -c python:config.gunicorn config.wsgi`."""

import os
import sys
from typing import Any

from django.conf import settings

from config import database

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

worker_class = "gthread"
threads = 8
workers = 1
control_socket_disable = True
try:
    bind = f"127.0.0.1:{settings.WEB_PORT}"
except Exception as error:
    sys.exit(database.explain(error) or repr(error))


def on_starting(_server: Any) -> None:
    """Refuse to start without a database, with one sentence: every worker would fail with a traceback."""
    try:
        database.require()
    except Exception as error:
        if (sentence := database.explain(error)) is None:
            raise
        sys.exit(sentence)
