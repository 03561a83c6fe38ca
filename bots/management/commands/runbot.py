"""`manage.py runbot`: the bot of one token, in the foreground."""

import asyncio
import signal
import time
from typing import Any, Final

import aiohttp
import discord
import structlog
from discord.gateway import ReconnectWebSocket
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError, CommandParser

from bots import conf, endpoints, failures
from bots.client import CheckbackBot, EndedByItself
from bots.conf import BotSettings
from bots.gateway_lock import GatewayTaken

log = structlog.get_logger(__name__)

MISCONFIGURED: Final = 2
"""Starting again would not help, and Discord bans a token that tries too often."""
FAILED: Final = 1
"""A supervisor starts it again."""


class Command(BaseCommand):
    """Run the Discord bot and the relay of its outbox."""

    help = (
        "Run the Discord bot and deliver queued messages until SIGTERM or Ctrl-C; a second one puts back what is being "
        "sent and does not wait. Of several processes of a token one listens, the others deliver and stand by. "
        "Exit code 0: asked to stop; 1: start it again; 2: the configuration must be mended."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """What a supervisor needs that starts a program again at once."""
        parser.add_argument(
            "--pause", type=float, default=0.0, metavar="SECONDS", help="wait so long before ending with code 1 or 2"
        )

    def handle(self, *_args: Any, pause: float, **_options: Any) -> None:
        try:
            _run(conf.current())
        except Exception as error:
            if pause:
                reason = {"reason": str(error)} if isinstance(error, CommandError) else failures.describe(error)
                log.warning("bot.ends", pause_seconds=pause, **reason)
                time.sleep(pause)
            raise


def _run(settings: BotSettings) -> None:
    if not settings.token:
        raise CommandError(_no_token(settings), returncode=MISCONFIGURED)
    try:
        endpoints.point_discord(settings)
    except ImproperlyConfigured as error:
        raise CommandError(str(error), returncode=MISCONFIGURED) from error
    failures.keep_tracebacks_out_of_discord_logs()
    try:
        asyncio.run(_serve(settings))
    except _KNOWN as error:
        raise told_of(error) from error


async def _serve(settings: BotSettings) -> None:
    stop = asyncio.Event()
    async with CheckbackBot(prefix=settings.prefix) as bot:
        _obey_signals(bot, stop)
        await bot.run_until(stop, settings.token)
    log.info("bot.stopped")


def _obey_signals(bot: CheckbackBot, stop: asyncio.Event) -> None:
    def obey() -> None:
        log.info("bot.stopping", in_a_hurry=stop.is_set())
        if stop.is_set():
            bot.hurry.set()
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, obey)


# --- what went wrong, in a sentence ---

_WRONG_TOKEN = (
    "Discord does not accept DISCORD_BOT_TOKEN: copy the bot's token once more from "
    "https://discord.com/developers/applications (Bot, Reset Token)."
)
_NO_INTENTS = (
    "Discord refuses the bot's privileged intents: switch on 'Server Members Intent' and 'Message Content Intent' at "
    "https://discord.com/developers/applications (Bot, Privileged Gateway Intents)."
)
_TOO_OLD = "Discord does not know this version of its gateway any more (code {code}): install a newer Checkback."
_FINAL_CODES: Final = {4004: _WRONG_TOKEN, 4012: _TOO_OLD, 4013: _TOO_OLD, 4014: _NO_INTENTS}
_KNOWN: Final = (
    EndedByItself,
    GatewayTaken,
    discord.DiscordException,
    ReconnectWebSocket,  # discord.py lets it out where the gateway closes before it has said hello
    aiohttp.ClientError,
    TimeoutError,
    OSError,
)


def _no_token(settings: BotSettings) -> str:
    practice = "" if settings.api_url else ", or run 'manage.py up', which starts a practice Discord and needs no token"
    return f"DISCORD_BOT_TOKEN is not set: put the bot's token into the environment or .env{practice}."


def told_of(error: BaseException) -> CommandError:
    """The error of an end that is nobody's fault here, or that somebody must mend."""
    match error:
        case discord.LoginFailure():
            return CommandError(_WRONG_TOKEN, returncode=MISCONFIGURED)
        case discord.PrivilegedIntentsRequired():
            return CommandError(_NO_INTENTS, returncode=MISCONFIGURED)
        case discord.ConnectionClosed(code=code) if code in _FINAL_CODES:
            return CommandError(_FINAL_CODES[code].format(code=code), returncode=MISCONFIGURED)
        case discord.ConnectionClosed(code=code):
            return CommandError(f"Discord closed the connection (code {code}).", returncode=FAILED)
        case EndedByItself() | GatewayTaken():
            return CommandError(f"{error} See the log.", returncode=FAILED)
        case _:
            return CommandError(f"Discord can't be reached ({type(error).__name__}).", returncode=FAILED)
