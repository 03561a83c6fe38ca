"""What `manage.py check` says about the settings of the follow-ups."""

from typing import Any

from django.core.checks import CheckMessage, Error, register
from django.core.checks import Warning as CheckWarning

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


@register()
def drafts_come_in_time(**kwargs: Any) -> list[CheckMessage]:
    """Warn when drafts may wait for approval until it is too late to send anything."""
    settings = conf.current()
    if settings.llm.mode != "draft" or settings.llm.draft_wait < settings.grace:
        return []
    return [
        CheckWarning(
            "A draft may wait for approval for longer (LLM_DRAFT_WAIT_HOURS) than a follow-up may be late "
            "(FOLLOW_UP_GRACE_HOURS), so the template that is sent instead comes too late: make the wait shorter.",
            id="followups.W001",
        )
    ]
