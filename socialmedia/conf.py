"""The settings of conversations and posts, read from Django's settings when they are asked for."""

from dataclasses import dataclass, field
from datetime import timedelta

from django.conf import settings


@dataclass(frozen=True)
class ConversationSettings:
    """What operators can choose."""

    keep_messages: timedelta
    """How long a private message is kept."""


@dataclass(frozen=True)
class ProviderSettings:
    """Who is asked for figures of posts, and how often."""

    name: str
    """`rapidapi` or `practice`."""
    api_url: str
    api_host: str
    api_key: str = field(repr=False)
    timeout: timedelta
    """How long one answer may take."""
    per_second: int
    per_day: int


@dataclass(frozen=True)
class TrackingSettings:
    """How posts are tracked."""

    base: str
    """From when the offsets count: a CheckBase."""
    alert_ratio: float
    """So many times the account's usual is worth an alert."""
    keep_raw: timedelta
    """How long the providers' answers are kept word for word."""
    keep_usage: timedelta
    """How long the log of provider calls is kept."""


def current() -> ConversationSettings:
    """Return the settings as they are now."""
    return ConversationSettings(keep_messages=timedelta(days=settings.CONVERSATION_KEEP_DAYS))


def provider() -> ProviderSettings:
    """Return the provider's settings as they are now."""
    return ProviderSettings(
        name=settings.TIKTOK_PROVIDER,
        api_url=settings.TIKTOK_API_URL,
        api_host=settings.RAPIDAPI_HOST,
        api_key=settings.RAPIDAPI_KEY,
        timeout=timedelta(seconds=settings.TIKTOK_TIMEOUT_SECONDS),
        per_second=settings.TIKTOK_REQUESTS_PER_SECOND,
        per_day=settings.TIKTOK_REQUESTS_PER_DAY,
    )


def tracking() -> TrackingSettings:
    """Return the settings of tracking as they are now."""
    return TrackingSettings(
        base=settings.CHECKBACK_BASE,
        alert_ratio=float(settings.CHECKBACK_ALERT_RATIO),
        keep_raw=timedelta(days=settings.RAW_PAYLOAD_KEEP_DAYS),
        keep_usage=timedelta(days=settings.API_USAGE_KEEP_DAYS),
    )


def default_zone() -> str:
    """The zone of accounts that have none of their own: the community's."""
    return str(settings.SCHEDULER_TIMEZONE)
