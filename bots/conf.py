"""The bot's settings, read from Django's at each call."""

from dataclasses import dataclass, field

from django.conf import settings


@dataclass(frozen=True)
class BotSettings:
    """What an operator can set. The token never shows up in a log line."""

    token: str = field(repr=False)
    api_url: str
    """Empty for the real Discord."""
    gateway_url: str
    prefix: str


def current() -> BotSettings:
    """The settings as they are now."""
    return BotSettings(
        token=settings.DISCORD_BOT_TOKEN,
        api_url=settings.DISCORD_API_URL,
        gateway_url=settings.DISCORD_GATEWAY_URL,
        prefix=settings.DISCORD_COMMAND_PREFIX,
    )
