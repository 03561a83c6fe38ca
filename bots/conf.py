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
    requests_per_second: int
    """To Discord, over all processes of the bot."""
    dm_opens_per_hour: int
    dm_opens_per_day: int
    keep_channel_texts: bool
    command_guilds: tuple[int, ...]
    """Empty: the commands are registered globally."""
    staff_users: frozenset[int]
    staff_roles: frozenset[int]
    staff_channel: int | None
    staff_threads: bool
    console_url: str
    """Without a slash at its end."""


def current() -> BotSettings:
    """The settings as they are now."""
    return BotSettings(
        token=settings.DISCORD_BOT_TOKEN,
        api_url=settings.DISCORD_API_URL,
        gateway_url=settings.DISCORD_GATEWAY_URL,
        prefix=settings.DISCORD_COMMAND_PREFIX,
        requests_per_second=settings.DISCORD_REQUESTS_PER_SECOND,
        dm_opens_per_hour=settings.DISCORD_DM_OPENS_PER_HOUR,
        dm_opens_per_day=settings.DISCORD_DM_OPENS_PER_DAY,
        keep_channel_texts=settings.DISCORD_KEEP_CHANNEL_TEXTS,
        command_guilds=tuple(settings.DISCORD_COMMAND_GUILDS),
        staff_users=frozenset(settings.DISCORD_STAFF_USERS),
        staff_roles=frozenset(settings.DISCORD_STAFF_ROLES),
        staff_channel=settings.DISCORD_STAFF_CHANNEL,
        staff_threads=settings.DISCORD_STAFF_THREADS,
        console_url=settings.CONSOLE_URL,
    )
