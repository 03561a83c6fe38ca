"""Structured logs: constant message, ids as fields, one line each; JSON for machines, readable text for people."""

import logging.config
import sys
from typing import Any

import structlog
from structlog.typing import Processor


def configuration(*, json: bool, level: str) -> None:
    """Route the standard library's loggers and structlog through one handler on standard error."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.stdlib.ExtraAdder(),
    ]
    renderer: Processor = (
        structlog.processors.JSONRenderer()
        if json
        else structlog.dev.ConsoleRenderer(
            # Log files get no color codes, and a traceback without the values of every variable.
            pad_event_to=0,
            colors=sys.stderr.isatty(),
            exception_formatter=structlog.dev.plain_traceback,
        )
    )
    formatter = {
        "()": structlog.stdlib.ProcessorFormatter,
        "processors": [
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            *([structlog.processors.format_exc_info] if json else []),
            renderer,
        ],
        "foreign_pre_chain": shared,
    }
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {"structured": formatter},
            "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "structured"}},
            "root": {"handlers": ["stderr"], "level": level},
            "loggers": _loggers(json=json, level=level),
        }
    )
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared[:-1],
            structlog.processors.StackInfoRenderer(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def _loggers(*, json: bool, level: str) -> dict[str, dict[str, Any]]:
    """The loggers of others that say too much."""
    return {
        # Django-Q2 logs a line per package at INFO, and brings a handler of its own if it finds none.
        "django-q": {"handlers": ["stderr"], "level": "WARNING", "propagate": False},
        "discord": {"level": "WARNING"},
        "httpx2": {"level": "WARNING"},  # it logs whole addresses, with what was searched for
        # Two lines for each request are for machines; beside other programs' lines people lose the thread.
        "django_structlog": {"level": level if json else "WARNING"},
        "aiohttp.access": {"level": "WARNING"},
    }
