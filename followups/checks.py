"""What `manage.py check` says about the settings of the follow-ups."""

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error, register

from followups import conf, policy
from followups.llm import client

MODES = ("off", "draft", "automatic")


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
def usable_language_model(**kwargs: Any) -> list[CheckMessage]:
    """Refuse half a language model; warn when members' words would travel unencrypted."""
    if settings.LLM_MODE not in MODES:
        problem = f"LLM_MODE={settings.LLM_MODE!r} is unknown: use one of {', '.join(MODES)}."
        return [Error(problem, id="followups.E020")]
    llm = conf.current().llm
    if not llm.base_url:
        return []
    scheme, host = _scheme_and_host(llm.base_url)
    if scheme not in {"http", "https"} or not host:
        problem = f"LLM_BASE_URL={llm.base_url!r} is no address: write one like 'http://127.0.0.1:11434/v1'."
        return [Error(problem, id="followups.E021")]
    if not llm.model:
        problem = "LLM_BASE_URL is set without LLM_MODEL: name the model that is to be asked there."
        return [Error(problem, id="followups.E022")]
    if scheme == "http" and not client.is_loopback(llm.base_url):
        problem = f"LLM_BASE_URL sends members' words to {host!r} unencrypted: use https, or a model on this host."
        return [checks.Warning(problem, id="followups.W020")]
    return []


@register()
def drafts_decided_in_time(**kwargs: Any) -> list[CheckMessage]:
    """Warn when a text may wait for a person for so long that its follow-up is too late to be sent at all."""
    current = conf.current()
    if not client.is_configured(current.llm) or current.llm.mode != "draft" or current.llm.draft_wait < current.grace:
        return []
    problem = (
        f"LLM_DRAFT_WAIT_HOURS={settings.LLM_DRAFT_WAIT_HOURS} is not below "
        f"FOLLOW_UP_GRACE_HOURS={settings.FOLLOW_UP_GRACE_HOURS}: a follow-up whose text nobody approves would be too "
        "late for the template, too. Let texts wait for a shorter time."
    )
    return [checks.Warning(problem, id="followups.W021")]


def _scheme_and_host(address: str) -> tuple[str, str]:
    try:
        parts = urlsplit(address)
        return parts.scheme, parts.hostname or ""
    except ValueError:
        return "", ""
