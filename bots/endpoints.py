"""Where Discord is: the real one, or a practice server on this machine."""

import ipaddress

import yarl
from discord.gateway import DiscordWebSocket
from discord.http import Route
from django.core.exceptions import ImproperlyConfigured

from bots.conf import BotSettings

_REAL = {("https", "discord.com"), ("wss", "gateway.discord.gg")}


def point_discord(settings: BotSettings) -> None:
    """Point discord.py at the configured addresses; without any it stays with the real Discord.

    Raises:
        ImproperlyConfigured: only one address is set, or one that is neither this machine nor Discord.
    """
    if not settings.api_url and not settings.gateway_url:
        return
    if not (settings.api_url and settings.gateway_url):
        raise ImproperlyConfigured("Set both DISCORD_API_URL and DISCORD_GATEWAY_URL, or neither for the real Discord.")
    _require_safe("DISCORD_API_URL", settings.api_url, schemes={"http", "https"})
    _require_safe("DISCORD_GATEWAY_URL", settings.gateway_url, schemes={"ws", "wss"})
    Route.BASE = settings.api_url.rstrip("/")
    DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(settings.gateway_url)


def _require_safe(name: str, address: str, *, schemes: set[str]) -> None:
    """Whoever answers there gets the bot's token and the members' messages."""
    try:
        url = yarl.URL(address)
    except ValueError:
        url = yarl.URL()
    host = url.host or ""
    if url.scheme in schemes and (_is_loopback(host) or (url.scheme, host) in _REAL):
        return
    raise ImproperlyConfigured(
        f"{name}={address!r} is neither Discord nor an address of this machine ({' or '.join(sorted(schemes))}): "
        "the bot's token and the members' messages go nowhere else. Leave it unset for the real Discord."
    )


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
