"""`manage.py runbot`: the bot of one token, in the foreground."""

import asyncio
import signal
from typing import Any

import aiohttp
import discord
import structlog
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError

from bots import conf, endpoints, failures
from bots.client import CheckbackBot, EndedByItself
from bots.conf import BotSettings

log = structlog.get_logger(__name__)

MISCONFIGURED = 2
"""Starting again would not help, and Discord bans a token that tries too often."""
FAILED = 1
"""A supervisor starts it again."""
AUTHENTICATION_FAILED = 4004


class Command(BaseCommand):
    """Run the Discord bot and the relay of its outbox."""

    help = (
        "Run the Discord bot and deliver queued messages until SIGTERM or Ctrl-C. "
        "Exit code 2: the configuration must be mended; 1: start it again."
    )

    def handle(self, *_args: Any, **_options: Any) -> None:
        settings = conf.current()
        if not settings.token:
            raise CommandError(_no_token(settings), returncode=MISCONFIGURED)
        try:
            endpoints.point_discord(settings)
        except ImproperlyConfigured as error:
            raise CommandError(str(error), returncode=MISCONFIGURED) from error
        failures.keep_tracebacks_out_of_discord_logs()
        try:
            asyncio.run(_serve(settings))
        except discord.LoginFailure as error:
            raise CommandError(_WRONG_TOKEN, returncode=MISCONFIGURED) from error
        except discord.PrivilegedIntentsRequired as error:
            raise CommandError(_NO_INTENTS, returncode=MISCONFIGURED) from error
        except discord.ConnectionClosed as error:
            raise _closed(error) from error
        except EndedByItself as error:
            raise CommandError(f"{error} See the log.", returncode=FAILED) from error
        except (OSError, TimeoutError, aiohttp.ClientError, discord.DiscordException) as error:
            raise _unreachable(error) from error
        except AttributeError as error:
            # What discord.py's Client.connect ends with when the very first gateway connection fails.
            if "'sequence'" not in str(error):
                raise
            raise _unreachable(error, "its gateway does not answer") from error


async def _serve(settings: BotSettings) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    bot = CheckbackBot(prefix=settings.prefix)
    async with bot:
        await bot.run_until(stop, settings.token)
    log.info("bot.stopped")


_WRONG_TOKEN = (
    "Discord does not accept DISCORD_BOT_TOKEN: copy the bot's token once more from "
    "https://discord.com/developers/applications (Bot, Reset Token)."
)
_NO_INTENTS = (
    "Discord refuses the bot's privileged intents: switch on 'Server Members Intent' and 'Message Content Intent' at "
    "https://discord.com/developers/applications (Bot, Privileged Gateway Intents)."
)


def _no_token(settings: BotSettings) -> str:
    practice = "" if settings.api_url else ", or run 'manage.py up', which starts a practice Discord and needs no token"
    return f"DISCORD_BOT_TOKEN is not set: put the bot's token into the environment or .env{practice}."


def _closed(error: discord.ConnectionClosed) -> CommandError:
    if error.code == AUTHENTICATION_FAILED:
        return CommandError(_WRONG_TOKEN, returncode=MISCONFIGURED)
    return CommandError(f"Discord closed the connection (code {error.code}).", returncode=FAILED)


def _unreachable(error: BaseException, why: str = "") -> CommandError:
    log.warning("bot.unreachable", **failures.describe(error))
    return CommandError(f"Discord can't be reached ({why or type(error).__name__}).", returncode=FAILED)
