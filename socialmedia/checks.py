"""What `manage.py check` says about the settings of posts."""

from typing import Any

from django.core.checks import CheckMessage, Error, register

from socialmedia import conf
from socialmedia.providers import choosing


@register()
def known_provider(**kwargs: Any) -> list[CheckMessage]:
    """Refuse a TIKTOK_PROVIDER that no module registers: at start, not at the first check."""
    name = conf.provider().name
    if name in choosing.names():
        return []
    known = ", ".join(choosing.names())
    return [Error(f"TIKTOK_PROVIDER={name!r} is not one of {known}.", id="socialmedia.E001")]
