"""What `manage.py check` says about the settings of the follow-ups."""

from typing import Any

from django.core.checks import CheckMessage, Error, register

from followups import conf, policy


@register()
def known_timezone(**kwargs: Any) -> list[CheckMessage]:
    """Refuse a SCHEDULER_TIMEZONE that is no zone: every unknown member zone falls back to it."""
    name = conf.current().timezone
    if policy.find_zone(name) is not None:
        return []
    return [
        Error(
            f"SCHEDULER_TIMEZONE={name!r} is not a known time zone: write an IANA name like 'Europe/Berlin' or 'UTC'.",
            id="followups.E001",
        )
    ]
