"""The settings of conversations, read from Django's settings when they are asked for."""

from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings


@dataclass(frozen=True)
class ConversationSettings:
    """What operators can choose."""

    keep_messages: timedelta
    """How long a private message is kept."""


def current() -> ConversationSettings:
    """Return the settings as they are now."""
    return ConversationSettings(keep_messages=timedelta(days=settings.CONVERSATION_KEEP_DAYS))
