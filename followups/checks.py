"""What `manage.py check` says about the settings of the follow-ups."""

from typing import Any

from django.core.checks import CheckMessage, Error, register

from followups import conf, policy
from followups.composing import languages
from followups.emotion import words


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
def readable_words(**kwargs: Any) -> list[CheckMessage]:
    """Refuse a broken list of words at start, not at the first message."""
    try:
        words.read()
    except words.WordsBroken as error:
        return [Error(str(error), id="followups.E002")]
    return []


@register()
def known_language(**kwargs: Any) -> list[CheckMessage]:
    """Refuse a FOLLOW_UP_LANGUAGE in which nothing could be written."""
    name = conf.current().language
    if name.partition("-")[0] in languages.codes():
        return []
    offered = ", ".join(sorted(languages.codes()))
    return [
        Error(
            f"FOLLOW_UP_LANGUAGE={name!r} is not a language of the templates: write one of {offered}.",
            id="followups.E003",
        )
    ]
