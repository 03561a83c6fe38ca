"""What `manage.py check` says about the settings of the follow-ups."""

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error, register

from followups import conf, policy
from followups.composing import languages
from followups.emotion import words
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


def _scheme_and_host(address: str) -> tuple[str, str]:
    try:
        parts = urlsplit(address)
        return parts.scheme, parts.hostname or ""
    except ValueError:
        return "", ""
